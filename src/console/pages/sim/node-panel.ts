import { html, type View } from "../../html.ts";
import { NODES, type NodeActionKind } from "../../model/sim/action.ts";
import type { Member } from "../../model/sim/member.ts";
import { sentencesOf, viewOf } from "../../model/sim/view.ts";
import { act, player, revision, selected } from "../../state/sim.ts";

/** Which node the buttons beneath are for. */
export function NodeChoice(): View {
  revision.value;
  const { simulation } = player.value;
  return html`<div class="node-choice" role="group" aria-label="Nodes">
    ${simulation.members.map(viewOf).map(
      ({ id, role, term }) => html`<button
        type="button"
        key=${id}
        aria-pressed=${selected.value === id}
        onClick=${() => (selected.value = id)}
      ><span class="id">Node ${id}</span> <span class="role">${role}</span> <span class="quiet">term ${term}</span></button>`,
    )}
  </div>`;
}

interface Button {
  readonly kind: NodeActionKind;
  readonly name: string;
  /** Why it can not be pressed now is plain from the node's state. */
  readonly isOff?: boolean;
  readonly isDangerous?: boolean;
}

export function NodePanel(): View {
  revision.value;
  const { simulation } = player.value;
  const member = simulation.member(selected.value);
  const { id, role, term, vote, commit, applied, firstIndex, lastIndex } = viewOf(member);
  const facts = [
    `term ${term}`,
    vote === 0 ? "no vote" : `voted for ${vote}`,
    `commit ${commit}`,
    `applied ${applied}`,
    lastIndex < firstIndex ? "log empty" : `log ${firstIndex} to ${lastIndex}`,
  ];
  return html`<section class="node-panel" aria-labelledby="sim-node">
    <h2 id="sim-node">Node ${id} <span class="quiet">${role}</span></h2>
    <p class="quiet">${facts.join(" · ")}</p>
    <ul class="sentences">${sentencesOf(member).map((sentence) => html`<li key=${sentence}>${sentence}</li>`)}</ul>
    <div class="buttons">${buttonsOf(member, isCutOff(id)).map((each) => button(each, id))}</div>
  </section>`;
}

function button({ kind, name, isOff = false, isDangerous = false }: Button, node: number): View {
  return html`<button
    type="button"
    key=${name}
    class=${isDangerous ? "danger" : ""}
    aria-disabled=${isOff}
    onClick=${() => !isOff && act({ kind, node })}
  >${name}</button>`;
}

/** A button stays where it is when its meaning turns round, so that the keyboard's focus stays too. */
function buttonsOf({ id, state }: Member, isIsolated: boolean): readonly Button[] {
  const { leader } = player.value.simulation;
  const isRunning = state === "running";
  const voters = leader?.node?.configuration;
  const isKnown = voters === undefined || [...voters.voters, ...voters.learners].includes(id);
  return [
    { kind: "propose", name: "Propose a value", isOff: !isRunning },
    state === "crashed" ? { kind: "restart", name: "Restart" } : { kind: "crash", name: "Crash", isDangerous: true },
    state === "paused"
      ? { kind: "resume", name: "Let it go on" }
      : { kind: "pause", name: "Stop it", isOff: !isRunning },
    isIsolated ? { kind: "connect", name: "Mend its links" } : { kind: "isolate", name: "Cut all its links" },
    { kind: "transfer", name: "Make it the leader", isOff: leader === undefined || leader.id === id },
    { kind: "campaign", name: "Let it stand for election", isOff: !isRunning || leader?.id === id },
    { kind: "snapshot", name: "Snapshot and compact", isOff: !isRunning },
    isKnown
      ? { kind: "remove", name: "Remove from the group", isOff: leader === undefined }
      : { kind: "add", name: "Add to the group", isOff: leader === undefined },
    { kind: "wipe", name: "Wipe its disk", isDangerous: true },
  ];
}

function isCutOff(id: number): boolean {
  const { links } = player.value.simulation;
  const others = NODES.filter((other) => other !== id);
  return others.every((other) => links.link(id, other).isCut && links.link(other, id).isCut);
}
