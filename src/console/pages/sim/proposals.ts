import { html, type View } from "../../html.ts";
import type { Proposal } from "../../model/sim/proposals.ts";
import { copiesOf } from "../../model/sim/view.ts";
import { player, revision } from "../../state/sim.ts";
import { mark } from "../../ui/bits.ts";

/** What became of what clients proposed. */
export function ProposalList(): View {
  revision.value;
  const { newest } = player.value.simulation.proposals;
  return html`<section aria-labelledby="sim-proposals">
    <h2 id="sim-proposals">Proposals</h2>
    ${
      newest.length === 0
        ? html`<p class="quiet">Nothing has been proposed yet. Choose a node and propose a value through it: a follower passes it on to its
            leader.</p>`
        : html`<ul class="proposals">${newest.toReversed().map((each) => html`<li key=${each.label}>${described(each)}</li>`)}</ul>`
    }
  </section>`;
}

function described({ label, node, index, appliedBy, refusal }: Proposal): View {
  const { simulation } = player.value;
  const all = simulation.members.length;
  const name = html`<strong>${label}</strong>`;
  if (refusal !== undefined)
    return html`<span>${name} ${mark("bad", "not taken")} <span class="quiet">${refusal}</span></span>`;
  if (index !== undefined) {
    const by = `at index ${index}, applied by ${appliedBy.length} of ${all}`;
    return html`<span>${name} ${mark("good", "committed")} ${by}</span>`;
  }
  const copies = copiesOf(simulation, label);
  return copies === 0
    ? html`<span>${name} ${mark("warning", "in no log")} <span class="quiet">proposed through node ${node}: on its way, or lost</span></span>`
    : html`<span>${name} ${mark("quiet", "waiting")} in ${copies} of ${all} logs, not committed</span>`;
}
