var builder = DistributedApplication.CreateBuilder(args);

var db = builder.AddPostgres("postgres").AddDatabase("notifications");
var cache = builder.AddRedis("cache");
var notify = builder.AddNotify("notify").WithPostgres(db).WithRedis(cache)
    .WithSigningKey(builder.AddParameter("notify-key", secret: true));
builder.AddContainer("shop", "shop").WithReference(notify).WaitFor(notify);

// Beside it one to try things with: no Postgres, no Redis, no tokens.
builder.AddNotify("scratch").WithDataVolume().WithAnonymousAccess();

builder.Build().Run();
