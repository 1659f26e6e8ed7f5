import { LitElement, html, nothing } from "lit";
import type { PropertyValues, TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { NotifyClient } from "../index.js";
import type { AccessToken, InboxItem, InboxState, InboxSummary } from "../index.js";
import { InboxList } from "./list.js";
import type { Mark } from "./list.js";
import { styles } from "./styles.js";
import { ago, english } from "./texts.js";
import type { InboxTexts } from "./texts.js";

/** A part of the inbox: what a filter matches (also `$user/me` and `$group/{name}`), and in which state. */
export interface InboxTab {
  label: string;
  filter?: string;
  state?: InboxState;
}

const capped = (count: number, more?: boolean): string => count > 99 ? "99+" : more ? `${count}+` : `${count}`;

/**
 * A bell with the number of unread notifications, and behind it the user's inbox.
 *
 *     <notify-inbox url="https://notify.example"></notify-inbox>
 *
 * @fires notify-open An item's link is followed; `detail` is the item. Prevent the default to do something else.
 * @fires notify-counts The counts are others; `detail` has them.
 */
export class NotifyInbox extends LitElement {
  static override readonly styles = styles;

  static override readonly properties = {
    client: { attribute: false },
    accessToken: { attribute: false },
    texts: { attribute: false },
    url: {},
    user: {},
    tabs: { type: Array },
    pageSize: { type: Number, attribute: "page-size" },
    open: { type: Boolean, reflect: true },
  };

  /** A client of the page's own, made with `inbox: true`. Without one the element makes its own, and closes it. */
  declare client: NotifyClient | undefined;
  /** For its own client: a bearer token, or what gives one. */
  declare accessToken: AccessToken | undefined;
  /** For its own client: where the service is. */
  declare url: string | undefined;
  /** For its own client, to a service in Development: who this is. */
  declare user: string | undefined;
  /** Up to ten. Default: one for all. As an attribute: JSON. */
  declare tabs: readonly InboxTab[] | undefined;
  declare texts: Partial<InboxTexts> | undefined;
  declare pageSize: number;
  declare open: boolean;

  #own: NotifyClient | undefined;
  #bound: NotifyClient | undefined;
  #offs: (() => void)[] = [];
  #list: InboxList | undefined;
  #tab = 0;
  #counts: InboxSummary | undefined;
  #tabCounts: readonly { readonly filter: string; readonly unread: number }[] = [];
  #unseen: number | undefined;
  #arrived = "";
  #archived: { readonly version: number; readonly how: Mark } | undefined;
  #focus: number | string | undefined;
  #had: { element?: Element | null; at: number } = { at: 0 };
  #clock: ReturnType<typeof setInterval> | undefined;

  constructor() {
    super();
    this.pageSize = 20;
    this.open = false;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    document.addEventListener("pointerdown", this.#outside);
    this.#clock = setInterval(() => this.open && this.requestUpdate(), 30_000);
    this.requestUpdate();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    document.removeEventListener("pointerdown", this.#outside);
    clearInterval(this.#clock);
    this.#unbind();
  }

  /** Shows the panel. */
  show(): void { this.open = true; }

  close(): void { this.open = false; }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (!this.isConnected) return;
    const element = this.shadowRoot!.activeElement, articles = this.#articles, article = element?.closest("article");
    this.#had = { element, at: article ? articles.indexOf(article) : articles.length };
    if (!this.#bound || ["client", "url", "user", "accessToken"].some(name => (changed as Map<string, unknown>).has(name))) this.#bind();
    if (changed.has("tabs")) this.#select(0);
    if (changed.has("open")) {
      if (this.open) {
        this.#archived = undefined;
        this.#focus = "close";
        if (this.#list!.loaded) this.#list!.revisit();
        else this.#select(this.#tab);
      } else if (changed.get("open")) this.#focus = "bell";
    }
  }

  protected override updated(): void {
    const focus = this.#focus, { element, at } = this.#had;
    this.#focus = undefined;
    // What had the focus may be gone: archived on another device, or "Show more" when that was all.
    if (focus !== undefined) this.#find(typeof focus === "number" ? `[data-version="${focus}"]` : `[data-focus="${focus}"]`)?.focus();
    else if (element?.isConnected === false) (this.#articles[at] ?? this.#articles.at(-1) ?? this.#find("#items"))?.focus();
    this.#fill();
  }

  #find(selector: string): HTMLElement | null { return this.renderRoot.querySelector<HTMLElement>(selector); }

  get #articles(): HTMLElement[] { return [...this.renderRoot.querySelectorAll<HTMLElement>("article")]; }

  protected override render(): TemplateResult {
    const t = this.#t, unread = this.#counts?.unread ?? 0, count = capped(unread, this.#counts?.atLeast);
    return html`
      <button class="bell" part="bell" data-focus="bell" aria-haspopup="dialog" aria-expanded=${this.open}
        aria-label=${t.bell(count, unread)}
        @click=${() => { this.open = !this.open; }}>
        <svg viewBox="0 0 24 24" aria-hidden="true"><path d="M18 16V11a6 6 0 0 0-12 0v5l-2 2h16zM10 21h4"></path></svg>
        ${unread ? html`<span class="badge" part="badge" aria-hidden="true">${count}</span>` : nothing}
      </button>
      <span class="hush" role="status">${this.#arrived}</span>
      ${this.open ? this.#panel(t) : nothing}`;
  }

  #panel(t: InboxTexts): TemplateResult {
    const tabs = this.#tabs, list = this.#list!, items = list.items, state = this.#bound!.state.name;
    return html`
      <div class="panel" part="panel" role="dialog" aria-label=${t.heading} @keydown=${this.#panelKey}>
        <div class="head" part="header">
          <h2>${t.heading}</h2>
          <button part="action" ?hidden=${!items.some(item => !item.readAt)} @click=${() => this.#allRead()}>${t.allRead}</button>
          <button part="action" data-focus="close" aria-label=${t.close} @click=${() => this.close()}>
            <svg viewBox="0 0 24 24" aria-hidden="true"><path d="M6 6l12 12M18 6L6 18"></path></svg>
          </button>
        </div>
        ${tabs.length > 1 ? html`<div role="tablist" part="tabs" aria-label=${t.tabs} @keydown=${this.#tabKey}>${tabs.map((tab, i) => {
          const unread = this.#tabCounts.find(counts => counts.filter === tab.filter)?.unread;
          return html`<button role="tab" part="tab" id="tab${i}" data-focus="tab${i}" aria-controls="items"
            aria-selected=${i === this.#tab} tabindex=${i === this.#tab ? 0 : -1}
            @click=${() => this.#select(i)}>${tab.label}${unread ? html` (${capped(unread)})` : nothing}</button>`;
        })}</div>` : nothing}
        ${["retrying", "failed", "closed"].includes(state) ? html`<div class="bar" part="offline" role="status"><span>${t.offline}</span></div>` : nothing}
        <div role="tabpanel" id="items" tabindex="-1" @scroll=${this.#fill}
          aria-labelledby=${tabs.length > 1 ? `tab${this.#tab}` : nothing} aria-label=${tabs.length > 1 ? nothing : t.heading}>
          ${list.loaded && !items.length && !list.error ? html`<div class="note" part="empty">${t.empty}</div>` : nothing}
          <div role="feed" part="list" aria-label=${t.heading} aria-busy=${!!list.busy} @keydown=${this.#feedKey} ?hidden=${!items.length}>
            ${repeat(items, item => item.notification.version, (item, i) => this.#item(item, i, items.length, t))}
          </div>
          ${!list.loaded && list.busy ? html`<div class="note" part="loading">${t.loading}</div>` : nothing}
          ${list.error ? html`<div class="note error" part="error" role="alert">${t.failed(list.error.message)}<br>
            <button part="action" @click=${this.#retry}>${t.retry}</button></div>` : nothing}
          ${list.next !== undefined ? html`<div class="note end"><button part="more" data-focus="more" aria-disabled=${!!list.busy}
            @click=${() => list.more()}>${list.busy ? t.loading : t.more}</button></div>`
            : items.length ? html`<div class="note end" part="end">${t.end}</div>` : nothing}
        </div>
        <div class="bar" part="undo" role="status" ?hidden=${!this.#archived}>${this.#archived ? html`<span>${t.archived}</span>
          <button part="action" data-focus="undo" @click=${this.#undo}>${t.undo}</button>` : nothing}</div>
      </div>`;
  }

  #item(item: InboxItem, i: number, count: number, t: InboxTexts): TemplateResult {
    const { version, title, body, topic, link, publishedAt, priority } = item.notification;
    const time = new Date(publishedAt), href = safe(link), unread = !item.readAt;
    const archived = !!item.archivedAt || this.#tabs[this.#tab]?.state === "archived";
    const language = this.#language, text = title ?? body ?? topic;
    return html`
      <article class="${unread ? "unread" : ""} ${priority}" part="item ${unread ? "unread" : "read"}" data-version=${version} tabindex="0"
        aria-labelledby="u${version} t${version}"
        aria-describedby=${title && body ? `b${version}` : nothing} aria-posinset=${i + 1} aria-setsize=${this.#list!.next === undefined ? count : -1}>
        ${unread ? html`<span class="dot" part="dot"></span><span class="hush" id="u${version}">${t.unread}</span>` : nothing}
        <h3 id="t${version}" part="title">${href
          ? html`<a href=${href} rel="noopener noreferrer" target=${new URL(href).origin === location.origin ? nothing : "_blank"}
            @click=${(e: Event) => this.#opened(e, item)}>${text}</a>` : text}</h3>
        ${title && body ? html`<p id="b${version}" part="body">${body}</p>` : nothing}
        <div class="meta">
          <time part="time" datetime=${publishedAt}
            title=${new Intl.DateTimeFormat(language, { dateStyle: "full", timeStyle: "short" }).format(time)}>${ago(time, Date.now(), language)}</time>
          ${archived ? nothing : this.#action("r", unread ? t.markRead : t.markUnread, version, () => this.#list!.mark(unread ? "read" : "unread", [version]))}
          ${this.#action("x", archived ? t.unarchive : t.archive, version, () => this.#archive(archived ? "unarchive" : "archive", version))}
        </div>
      </article>`;
  }

  // Its name says what it is for: "Archive Order 42".
  #action(kind: string, label: string, version: number, act: () => unknown): TemplateResult {
    const id = kind + version;
    return html`<button part="action" id=${id} aria-labelledby="${id} t${version}" @click=${act}>${label}</button>`;
  }

  // ---- data ----

  get #t(): InboxTexts { return { ...english, ...this.texts }; }

  get #tabs(): readonly InboxTab[] { return this.tabs?.length ? this.tabs : [{ label: this.#t.all }]; }

  get #language(): string | undefined { return this.closest<HTMLElement>("[lang]")?.lang || undefined; }

  #bind(): void {
    this.#unbind();
    const client = this.#bound = this.client ?? (this.#own = new NotifyClient({
      inbox: true, storage: null,
      ...(this.url ? { url: this.url } : {}), ...(this.user ? { user: this.user } : {}), ...(this.accessToken ? { accessToken: this.accessToken } : {}),
    }));
    this.#list = new InboxList(client.inbox, this.pageSize, () => {
      // What is listed has been seen.
      const { head, items } = this.#list!;
      if (this.open && this.#counts?.unseen && items.some(item => !item.seenAt) && head > this.#seen) {
        this.#seen = head;
        client.inbox.seen({ upTo: head }).catch(() => {});
      }
      this.requestUpdate();
    });
    this.#seen = 0;
    this.#counts = this.#unseen = undefined;
    this.#offs = [client.on("inbox", counts => this.#counted(counts)), client.on("state", ({ name }) => {
      if (name === "live" && this.open && this.#list!.error) this.#list!.revisit(); // of an absence that is over
      this.requestUpdate();
    })];
    if (client.inbox.current) this.#counted(client.inbox.current);
    if (this.#own) client.start().catch(() => {});
    this.#countTabs();
    if (this.open) this.#select(this.#tab);
  }

  #seen = 0;

  #unbind(): void {
    for (const off of this.#offs) off();
    this.#offs = [];
    this.#own?.close();
    this.#own = this.#bound = undefined;
  }

  #counted(counts: InboxSummary): void {
    const before = this.#unseen;
    this.#counts = counts;
    this.#unseen = counts.unseen;
    if (before !== undefined && counts.unseen > before) this.#arrived = this.#t.arrived(counts.unseen - before);
    this.dispatchEvent(new CustomEvent("notify-counts", { detail: counts, bubbles: true, composed: true }));
    if (this.#hasTabs(counts)) this.#tabCounts = counts.filters ?? [];
    else this.#countTabs();
    if (this.open) this.#list!.refresh();
    this.requestUpdate();
  }

  get #filters(): string[] { return [...new Set(this.#tabs.flatMap(tab => tab.filter ?? []))].slice(0, 10); }

  // The answer to a mark with a filter counts that filter alone.
  #hasTabs({ filters }: InboxSummary): boolean { return this.#filters.every(filter => filters?.some(counts => counts.filter === filter)); }

  #counting: Promise<unknown> | undefined;

  // The connection tells the counts of the whole; those of the tabs are asked for, one question at a time.
  #countTabs(): void {
    const filters = this.#filters, client = this.#bound!;
    if (this.#counting || (this.#counts && !filters.length)) return;
    const rev = this.#counts?.rev;
    this.#counting = client.inbox.summary(filters).then(summary => {
      if (client === this.#bound && summary.filters) this.#tabCounts = summary.filters;
      this.requestUpdate();
    }, () => {}).finally(() => {
      this.#counting = undefined;
      if (filters.length && rev !== undefined && this.#counts && this.#counts.rev > rev && !this.#hasTabs(this.#counts)) this.#countTabs();
    });
  }

  #select(tab: number): void {
    this.#tab = tab;
    const { filter, state } = this.#tabs[tab] ?? {};
    if (this.open) this.#list?.show({ ...(filter ? { filter } : {}), ...(state ? { state } : {}) });
    this.requestUpdate();
  }

  // ---- what a person does ----

  readonly #retry = (): void => this.#list!.retry();

  // The next page, when what is loaded ends soon.
  readonly #fill = (): void => {
    const panel = this.#find("#items"), list = this.#list;
    if (panel && list?.loaded && !list.failed && panel.scrollHeight - panel.scrollTop - panel.clientHeight < 200) list.more();
  };

  #opened(event: Event, item: InboxItem): void {
    const go = this.dispatchEvent(new CustomEvent("notify-open", { detail: item, bubbles: true, composed: true, cancelable: true }));
    if (!go) event.preventDefault();
    if (!item.readAt) void this.#list!.mark("read", [item.notification.version]);
  }

  #allRead(): void {
    this.#focus = "close"; // the button goes
    void this.#list!.allRead();
  }

  async #archive(how: Mark, version: number): Promise<void> {
    const items = this.#list!.items, at = items.findIndex(item => item.notification.version === version);
    this.#focus = (items[at + 1] ?? items[at - 1])?.notification.version ?? "undo";
    const archived = this.#archived = how === "archive" ? { version, how: "unarchive" } as const : undefined;
    const done = await this.#list!.mark(how, [version]);
    if (done || !archived || this.#archived !== archived) return;
    this.#archived = undefined; // refused: there is nothing to undo
    this.requestUpdate();
  }

  readonly #undo = async (): Promise<void> => {
    const { version, how } = this.#archived!;
    this.#archived = undefined;
    this.#focus = "close";
    this.requestUpdate();
    await this.#list!.mark(how, [version]);
  };

  readonly #outside = (event: Event): void => {
    if (this.open && !event.composedPath().includes(this)) this.close();
  };

  readonly #panelKey = (event: KeyboardEvent): void => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    this.close();
  };

  readonly #tabKey = (event: KeyboardEvent): void => {
    const count = this.#tabs.length, forward = this.matches(":dir(rtl)") ? "ArrowLeft" : "ArrowRight";
    const next = event.key === "Home" ? 0 : event.key === "End" ? count - 1
      : event.key === "ArrowLeft" || event.key === "ArrowRight" ? (this.#tab + (event.key === forward ? 1 : count - 1)) % count : undefined;
    if (next === undefined) return;
    event.preventDefault();
    this.#focus = `tab${next}`;
    this.#select(next);
  };

  // The feed pattern of the ARIA practices.
  readonly #feedKey = (event: KeyboardEvent): void => {
    const articles = this.#articles;
    const at = articles.indexOf((event.target as HTMLElement).closest("article")!);
    let target: HTMLElement | null | undefined;
    if (event.key === "PageDown") {
      target = articles[at + 1];
      if (at + 2 >= articles.length) this.#list!.more();
    } else if (event.key === "PageUp") target = articles[at - 1];
    else if (event.ctrlKey && event.key === "End") target = this.#find("[data-focus=more],[data-focus=undo]") ?? this.#find("#items");
    else if (event.ctrlKey && event.key === "Home") target = this.#find("[role=tab][tabindex='0'],[data-focus=close]");
    else return;
    event.preventDefault();
    target?.focus();
  };
}

/** An http or https address, or nothing: `javascript:` must not become something to click. */
function safe(link: string | undefined): string | undefined {
  try {
    const url = link && new URL(link, document.baseURI);
    return url && /^https?:$/.test(url.protocol) ? url.href : undefined;
  } catch {
    return undefined;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    "notify-inbox": NotifyInbox;
  }
}
