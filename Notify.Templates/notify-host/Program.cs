using Notify.Server;

var builder = WebApplication.CreateBuilder(args);
builder.AddNotify(options => options.Auth.OpenInDevelopment = true); // access outside Development: Notify:Auth
builder.Services.AddHealthChecks().AddNotify();

var app = builder.Build();
app.MapNotify();
app.MapHealthChecks("/health");
await app.RunAsync();
