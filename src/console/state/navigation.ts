// The address is the state: pages are links, and the browser's back and forward work.

import { parseRoute, type Route, routeHref } from "../model/route.ts";
import { type Signal, signal } from "../vendor/signals.js";
import { clearNotices } from "./notices.ts";

export const route: Signal<Route> = signal<Route>({ page: "overview" });

/** Goes to a page without a click; what was just said stays. */
export function navigate(target: Route): void {
  history.pushState(null, "", routeHref(target));
  route.value = target;
  window.scrollTo(0, 0);
}

/** Follows the links of the console without loading it again. */
export function startNavigation(): void {
  const read = (): void => {
    route.value = parseRoute(new URL(location.href));
  };
  read();
  window.addEventListener("popstate", () => {
    clearNotices();
    read();
  });
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (link === null || !isOwnLink(link) || isMeantForBrowser(event)) return;
    event.preventDefault();
    clearNotices();
    if (link.href === location.href) route.value = { ...route.peek() };
    else navigate(parseRoute(new URL(link.href)));
  });
}

function isOwnLink(link: HTMLAnchorElement): boolean {
  return (
    link.origin === location.origin &&
    link.pathname.startsWith("/app/") &&
    !link.hasAttribute("download") &&
    link.hash === ""
  );
}

function isMeantForBrowser(event: MouseEvent): boolean {
  return (
    event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey
  );
}
