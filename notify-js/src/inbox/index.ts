import { NotifyInbox } from "./element.js";

export { NotifyInbox };
export type { InboxTab } from "./element.js";
export type { InboxTexts } from "./texts.js";

// A page may have got it twice, from the service and from its own bundle.
if (!customElements.get("notify-inbox")) customElements.define("notify-inbox", NotifyInbox);
