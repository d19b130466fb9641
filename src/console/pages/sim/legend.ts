import { html, type View } from "../../html.ts";
import { LEGEND } from "../../model/sim/labels.ts";

/** What the letters and shapes of messages mean. */
export function Legend(): View {
  const shown = LEGEND.filter(({ letter }, at) => LEGEND.findIndex((each) => each.letter === letter) === at);
  return html`<details class="legend">
    <summary>What the picture shows</summary>
    <ul>
      ${shown.map(
        ({ letter, name, family }) => html`<li key=${letter}>
          <svg viewBox="0 0 20 20" aria-hidden="true"><g class=${`message message-${family}`}><circle class="body" cx="10" cy="10" r="8.5" /><text x="10" y="13.5">${letter}</text></g></svg>
          ${name}
        </li>`,
      )}
      <li><svg viewBox="0 0 20 20" aria-hidden="true"><g class="message message-append"><path class="body" d="M10 0.5l9.5 9.5l-9.5 9.5l-9.5 -9.5z" /><text x="10" y="13.5">A</text></g></svg>
        a diamond answers; crossed out, it refuses or was lost; the small number is the term</li>
      <li>a double ring leads; click a node to choose it, a link to cut or mend it both ways</li>
    </ul>
  </details>`;
}
