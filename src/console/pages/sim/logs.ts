import { html, type View } from "../../html.ts";
import type { Member } from "../../model/sim/member.ts";
import { type CellView, cellsOf, type LogWindow, windowOf } from "../../model/sim/view.ts";
import { player, revision } from "../../state/sim.ts";

const TERM_COLOURS = 6;

/** The logs under each other: one column is one index. */
export function Logs(): View {
  revision.value;
  const { simulation } = player.value;
  const window = windowOf(simulation);
  return html`<section aria-labelledby="sim-logs">
    <h2 id="sim-logs">Logs <span class="quiet">index ${window.first} to ${window.last}; a colour and the number under the value are the term</span></h2>
    <div class="logs" role="group" aria-label="A row for each node" tabindex="0">
      ${simulation.members.map((member) => row(member, window))}
    </div>
    <p class="quiet">Solid: on disk. Dashed: not synced yet, lost in a crash. Bold: the node knows it to be committed, up to the thick line. ∅ begins
      a term; ▒ was given up for a snapshot.</p>
  </section>`;
}

function row(member: Member, window: LogWindow): View {
  return html`<div class="log" key=${member.id}>
    <h3>Node ${member.id}</h3>
    <ol>${cellsOf(member, window).map((each, at) => cell(each, window.first + at))}</ol>
  </div>`;
}

function cell(entry: CellView | "compacted" | undefined, index: number): View {
  if (entry === undefined) return html`<li class="cell cell-none" key=${index} aria-hidden="true"></li>`;
  if (entry === "compacted") {
    return html`<li class="cell cell-compacted" key=${index}><span aria-hidden="true">▒</span><span class="hidden">index ${index} compacted</span></li>`;
  }
  const { term, label, isSynced, isCommitted, isCommitEnd } = entry;
  const kinds = [`cell term-${term % TERM_COLOURS}`];
  if (!isSynced) kinds.push("cell-unsynced");
  if (isCommitted) kinds.push("cell-committed");
  if (isCommitEnd) kinds.push("cell-commit-end");
  const words = `${isCommitted ? ", committed" : ""}${isSynced ? "" : ", not on disk yet"}`;
  return html`<li class=${kinds.join(" ")} key=${index} title=${`index ${index}, term ${term}${words}`}>
    <span class="value">${label}</span><span class="term"><span class="hidden">term </span>${term}<span class="hidden">${words}</span></span>
  </li>`;
}
