import { h, html, type View } from "../html.ts";
import { formatAge } from "../model/format.ts";
import { type Route, routeHref, sectionOf } from "../model/route.ts";
import { connection, freshMillis, nowMillis, status, statusFailure } from "../state/live.ts";
import { clearNotices, notice } from "../state/notices.ts";
import { logout } from "../state/session.ts";
import { useLayoutEffect, useRef } from "../vendor/preact-hooks.js";
import { mark } from "./bits.ts";
import { useAction } from "./load.ts";
import { TransfersPanel } from "./transfers-panel.ts";

export interface FrameProps {
  readonly route: Route;
  readonly user: string;
  readonly page: View;
}

const SECTIONS: readonly { readonly id: ReturnType<typeof sectionOf>; readonly name: string; readonly route: Route }[] =
  [
    { id: "overview", name: "Overview", route: { page: "overview" } },
    { id: "data", name: "Data", route: { page: "buckets" } },
    { id: "users", name: "Users and keys", route: { page: "users" } },
    { id: "policies", name: "Policies", route: { page: "policies" } },
    { id: "cluster", name: "Cluster", route: { page: "cluster" } },
    { id: "ids", name: "Ids", route: { page: "ids" } },
    { id: "events", name: "Events", route: { page: "events", severity: "info" } },
    { id: "sim", name: "Raft lab", route: { page: "sim" } },
  ];

/** What is around every page. */
export function Frame({ route, user, page }: FrameProps): View {
  useFocusOnPage(routeHref(route));
  const section = sectionOf(route);
  const leave = useAction(logout);
  return html`<div class="frame">
    <a class="skip" href="#main">Skip to the content</a>
    <header>
      <a class="brand" href="/app/"><img src="/app/console/mark.svg" alt="" width="22" height="22" />Ashlar</a>
      <nav aria-label="Main"><ul>
        ${SECTIONS.map(
          ({ id, name, route: target }) =>
            html`<li key=${name}><a href=${routeHref(target)} aria-current=${id === section ? "page" : undefined}>${name}</a></li>`,
        )}
      </ul></nav>
      ${h(LiveMark, { section })}
      <div class="account">
        <span class="user" title="Signed in">${user}</span>
        <button type="button" class="small" onClick=${leave.start}>Sign out</button>
      </div>
    </header>
    ${h(NoticeBar, {})} ${page} ${h(TransfersPanel, {})}
  </div>`;
}

/** Around a page that nobody has to sign in for. */
export function OpenFrame({ page }: { readonly page: View }): View {
  return html`<div class="frame">
    <a class="skip" href="#main">Skip to the content</a>
    <header>
      <a class="brand" href="/app/"><img src="/app/console/mark.svg" alt="" width="22" height="22" />Ashlar</a>
      <nav aria-label="Main"><ul><li><a href="/app/">Sign in</a></li></ul></nav>
    </header>
    ${h(NoticeBar, {})} ${page}
  </div>`;
}

/** Whoever goes to another page goes on from its title; the first page is begun at its top. */
function useFocusOnPage(href: string): void {
  const isFirst = useRef(true);
  useLayoutEffect(() => {
    if (!isFirst.current) document.getElementById("page-title")?.focus({ preventScroll: true });
    isFirst.current = false;
  }, [href]);
}

/** How old the data is. Who may not watch learns that a page stands still where it would go on by itself for others. */
function LiveMark({ section }: { readonly section: ReturnType<typeof sectionOf> }): View {
  const ageMillis = nowMillis.value - freshMillis.value;
  const told = freshMillis.value === 0 ? "no data yet" : `updated ${formatAge(ageMillis)}`;
  switch (connection.value) {
    case "live":
      return statusFailure.value === undefined
        ? html`<div class="live">${mark("good", `Live, ${told}`)}</div>`
        : html`<div class="live">${mark("warning", `Live events, ${told}`)}</div>`;
    case "connecting":
      return html`<div class="live">${mark("quiet", "Connecting")}</div>`;
    case "lost":
      return html`<div class="live">${mark("bad", `Connection lost, ${told}`)}</div>`;
    case "refused":
      return (section === "overview" && status.value !== undefined) || section === "events"
        ? html`<div class="live">${mark("quiet", "Not live")}</div>`
        : null;
  }
}

function NoticeBar(): View {
  const current = notice.value;
  return html`<div class="notices" role="status">
    ${
      current &&
      html`<p key=${current.id}>${mark("good", "")}<span>${current.text}</span>
      <button type="button" class="small" onClick=${clearNotices}>Close<span class="hidden"> this message</span></button></p>`
    }
  </div>`;
}
