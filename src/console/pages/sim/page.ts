import { h, html, type View } from "../../html.ts";
import type { Route } from "../../model/route.ts";
import { exercise, linkProblem, player, revision, startSim } from "../../state/sim.ts";
import { mark } from "../../ui/bits.ts";
import { Page } from "../../ui/page.ts";
import { useEffect } from "../../vendor/preact-hooks.js";
import { Clock } from "./clock.ts";
import { Exercises } from "./exercises.ts";
import { JournalList } from "./journal.ts";
import { Legend } from "./legend.ts";
import { LinkSwitches } from "./link-switches.ts";
import { Logs } from "./logs.ts";
import { NodeChoice, NodePanel } from "./node-panel.ts";
import { Picture } from "./picture.ts";
import { ProposalList } from "./proposals.ts";

/** Five nodes that elect and replicate, in the reader's hands. */
export function SimPage({ route }: { readonly route: Route }): View {
  useEffect(startSim, []);
  const content = html`<div class="sim">
    <p class="lead">Five nodes, each the very <code>RaftNode</code> that this server runs, in virtual time in your browser. Break something
      and watch. Links and disks are slowed down so that one can see them; nothing you do here reaches the server.</p>
    ${h(Exercises, {})} ${h(Problems, {})} ${h(Clock, {})}
    <div class="stage">
      <div class="world">${h(Picture, {})} ${h(Legend, {})}</div>
      <div class="side">${h(NodeChoice, {})} ${h(NodePanel, {})}</div>
    </div>
    ${h(Logs, {})} ${h(ProposalList, {})} ${h(LinkSwitches, {})} ${h(JournalList, {})}
  </div>`;
  return h(Page, { route, title: "Raft lab", content });
}

/** What must never be seen, and what is wrong with a link. */
function Problems(): View {
  revision.value;
  const { violation } = player.value.simulation;
  const { replay, isReplaying } = player.value;
  const problem = linkProblem.value;
  const hasChanged = replay !== undefined && !isReplaying && replay.isSame === false;
  return html`<div class="problems">
    ${
      violation &&
      html`<div class="failure" role="alert"><p>${mark("bad", "")}<strong>Violated: ${violation.name}.</strong> ${violation.text} Time
        stands still. This is a bug in Ashlar: please copy the link to this run and report it.</p></div>`
    }
    ${
      problem &&
      html`<div class="failure" role="alert"><p>${mark("bad", "")}<strong>${problem}</strong> A new run was begun instead.</p></div>`
    }
    ${
      hasChanged &&
      html`<div class="failure" role="alert"><p>${mark("warning", "")}<strong>The run went another way than when it was copied.</strong> The
        link was made with another version of the code; what you see is right for this one.</p></div>`
    }
    ${exercise.value && html`<div class="scene"><p><strong>${exercise.value.title}.</strong> ${exercise.value.text}</p></div>`}
  </div>`;
}
