import { urlOf } from "../api/operations.ts";
import { h, html, type View } from "../html.ts";
import { mergeEvents } from "../model/events.ts";
import { type Route, routeHref } from "../model/route.ts";
import { liveEvents } from "../state/live.ts";
import { client } from "../state/session.ts";
import { failureBox, mark, SEVERITY_TONES, time } from "../ui/bits.ts";
import { useLoad } from "../ui/load.ts";
import { Page } from "../ui/page.ts";
import { pager } from "../ui/pager.ts";
import { table } from "../ui/table.ts";

const LIMIT = 100;
const FILTERS = [
  { severity: "info", name: "All" },
  { severity: "warning", name: "Warnings and errors" },
  { severity: "error", name: "Errors" },
] as const;

/** What happened, the newest first; the first page grows while one looks. */
export function EventsPage({ route }: { readonly route: Extract<Route, { page: "events" }> }): View {
  const { severity, after } = route;
  const query = { severity, after, limit: LIMIT };
  const listed = useLoad(routeHref(route), (signal) => client.call("listEvents", { query, signal }));
  const live = after === undefined ? liveEvents.value : [];
  const next = listed.value?.next;
  const content = html`<div>
    <nav class="filters" aria-label="Severity"><ul>
      ${FILTERS.map(
        ({ severity: each, name }) =>
          html`<li key=${each}>
            <a href=${routeHref({ page: "events", severity: each })} aria-current=${each === severity ? "true" : undefined}>${name}</a>
          </li>`,
      )}
    </ul></nav>
    ${failureBox(listed.failure, listed.reload)}
    ${
      listed.value &&
      table({
        caption: "Events, the newest first",
        rows: mergeEvents(live, listed.value.items, severity),
        keyOf: ({ id }) => id,
        empty: severity === "info" ? "Nothing has happened yet." : "Nothing of this severity has happened.",
        columns: [
          { title: "When", cell: ({ at }) => time(at) },
          { title: "Severity", cell: ({ severity: each }) => mark(SEVERITY_TONES[each], each) },
          { title: "What", head: true, cell: ({ text, kind }) => html`${text} <span class="quiet">${kind}</span>` },
          { title: "Object", cell: ({ object }) => object },
          { title: "By", cell: ({ actor = "" }) => actor },
        ],
      })
    }
    ${pager("events", after !== undefined && { page: "events", severity }, next && { page: "events", severity, after: next })}
  </div>`;
  return h(Page, { route, title: "Events", json: urlOf("listEvents", { query }), content });
}
