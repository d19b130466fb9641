import { html, type View } from "../html.ts";
import { type Route, routeHref } from "../model/route.ts";

/** Ways to the first and the next page, where there are any; the browser's back leads to the one before. */
export function pager(what: string, first: Route | false, next: Route | "" | undefined): View {
  if (!first && !next) return null;
  return html`<nav class="pager" aria-label=${`Pages of ${what}`}>
    ${first && html`<a href=${routeHref(first)}>First page</a>`} ${next && html`<a href=${routeHref(next)}>Next page</a>`}
  </nav>`;
}
