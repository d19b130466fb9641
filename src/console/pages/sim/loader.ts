import { h, html, type View } from "../../html.ts";
import type { Route } from "../../model/route.ts";
import { failureBox } from "../../ui/bits.ts";
import { useLoad } from "../../ui/load.ts";
import { Page } from "../../ui/page.ts";

/** The page and the core that it runs are loaded when they are first asked for: no other page needs them. */
export function SimLoader({ route }: { readonly route: Route }): View {
  const { value, failure, reload } = useLoad("sim", () => import("./page.ts"));
  if (value !== undefined) return h(value.SimPage, { route });
  const content = failure === undefined ? html`<p class="quiet">Loading</p>` : failureBox(failure, reload);
  return h(Page, { route, title: "Raft lab", content });
}
