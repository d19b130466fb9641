import { html, type View } from "../../html.ts";
import { NODES } from "../../model/sim/action.ts";
import { act, player, revision } from "../../state/sim.ts";

/** Each direction of each link has a switch. */
export function LinkSwitches(): View {
  revision.value;
  return html`<section aria-labelledby="sim-links">
    <h2 id="sim-links">Links <span class="quiet">a pressed one is cut, in that direction</span></h2>
    <div class="switches">
      ${NODES.map(
        (from) => html`<div key=${from} role="group" aria-label=${`Links from node ${from}`}>
          ${NODES.filter((to) => to !== from).map((to) => direction(from, to))}
        </div>`,
      )}
    </div>
    <div class="buttons"><button type="button" onClick=${() => act({ kind: "heal" })}>Mend all links</button></div>
  </section>`;
}

function direction(from: number, to: number): View {
  const { isCut } = player.value.simulation.links.link(from, to);
  return html`<button
    type="button"
    class="small"
    key=${to}
    aria-pressed=${isCut}
    onClick=${() => act({ kind: isCut ? "mend" : "cut", from, to })}
  ><span class="hidden">Cut from node </span>${from}<span aria-hidden="true">${isCut ? " ✕ " : " → "}</span><span class="hidden"> to node </span>${to}</button>`;
}
