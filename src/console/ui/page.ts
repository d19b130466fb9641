import { type Content, html, type View } from "../html.ts";
import type { Route } from "../model/route.ts";
import type { Crumb } from "../model/rows.ts";
import { twinOf } from "../model/twins.ts";
import { useEffect } from "../vendor/preact-hooks.js";
import { copyable } from "./bits.ts";

export interface PageProps {
  readonly route: Route;
  readonly title: string;
  /** Above the title: where the page lies. */
  readonly trail?: Content;
  /** Beside the title: what can be done. */
  readonly actions?: Content;
  /** Where the same is to be had as JSON. */
  readonly json?: string | undefined;
  readonly content: Content;
}

/** A page under its title, with its twins for scripts beneath. */
export function Page({ route, title, trail, actions, json, content }: PageProps): View {
  useEffect(() => {
    document.title = `${title} – Ashlar`;
  }, [title]);
  const twin = twinOf(route);
  return html`<main id="main">
    ${trail}
    <div class="page-head">
      <h1 id="page-title" tabindex="-1">${title}</h1>
      <div class="actions">${actions}</div>
    </div>
    ${content}
    ${
      (json ?? twin) !== undefined &&
      html`<aside class="twins" aria-label="The same for scripts">
        ${json && html`<span>JSON <a href=${json}><code>${json}</code></a></span>`}
        ${twin && html`<span>Command line ${copyable(twin, "command")}</span>`}
      </aside>`
    }
  </main>`;
}

export interface TrailStep extends Pick<Crumb, "name"> {
  readonly href: string | undefined;
}

/** Where the page lies, as links. */
export function trailOf(steps: readonly TrailStep[]): View {
  return html`<nav class="trail" aria-label="Breadcrumb"><ol>
    ${steps.map(
      ({ name, href }, at) =>
        html`<li key=${at}>${href === undefined ? html`<span aria-current="page">${name}</span>` : html`<a href=${href}>${name}</a>`}</li>`,
    )}
  </ol></nav>`;
}
