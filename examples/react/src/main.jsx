import { StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";
import "notify-js/inbox";
import { Notify, useInboxCounts, useNotifications, useNotify, useNotifyState } from "./notify.jsx";

const query = new URLSearchParams(location.search);

function Header() {
  const client = useNotify(), state = useNotifyState(), counts = useInboxCounts();
  return (
    <header>
      <h1>Orders</h1>
      <span role="status">{state.name === "retrying" ? `retrying: ${state.why.message}` : state.name}{counts?.unread ? `, ${counts.unread} unread` : ""}</span>
      {client && <notify-inbox client={client} />}
    </header>
  );
}

function Orders({ filter }) {
  const client = useNotify(), items = useNotifications(filter);
  const publish = async form => { await client.publish({ topic: "orders/42", title: form.get("title") }); };
  return (
    <>
      <form action={publish}>
        <input name="title" defaultValue="Order 42 paid" aria-label="Title" required />
        <button>Publish to orders/42</button>
      </form>
      <ol aria-label={`Notifications of ${filter}`}>
        {items.map(n => <li key={n.id}>{n.title ?? n.body} <small>v{n.version} {n.topic}</small></li>)}
      </ol>
    </>
  );
}

function App() {
  const [filter, setFilter] = useState("orders/#");
  return (
    <Notify url={query.get("server") ?? "http://localhost:5080"} user={query.get("user") ?? "alice"}>
      <Header />
      <main>
        <label>Follow <select value={filter} onChange={event => setFilter(event.target.value)}><option>orders/#</option><option>ops/#</option></select></label>
        <Orders filter={filter} />
      </main>
    </Notify>
  );
}

createRoot(document.getElementById("root")).render(<StrictMode><App /></StrictMode>);
