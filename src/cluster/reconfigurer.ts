import { isMember } from "../core/raft/index.ts";
import type { Clock, Timers } from "../env/index.ts";
import type { HostedGroup } from "../host/index.ts";
import { hasCode } from "../std/errors.ts";
import type { Store } from "../store/index.ts";
import { abandoned } from "./admission.ts";
import { nextChange, replacedNodes } from "./next-change.ts";
import type { NodeRow } from "./node-row.ts";
import type { NodeTable } from "./node-table.ts";
import { Repeated } from "./repeated.ts";
import { changeNode } from "./starts.ts";

const LOOK_MILLIS = 500;

export interface ReconfigurerOptions {
  readonly env: { readonly timers: Timers; readonly clock: Clock };
  readonly store: Store;
  readonly nodes: NodeTable;
  readonly group: Pick<HostedGroup<unknown>, "isLeader" | "status" | "changeMembers" | "transferLeadership">;
  readonly nodeId: number;
  /** Tells nodes that do not answer where the others are. */
  readonly introduce: (nodes: readonly NodeRow[]) => void;
  /** Has a node come again that the others do not know any more: it is told so then. */
  readonly dismiss: (node: number) => void;
  readonly onError: (error: unknown) => void;
}

/**
 * On the node that leads: brings the group's members to what the rows of the nodes say, one change after the other, and
 * lets go of the lead where the leader itself is being drained.
 */
export class Reconfigurer implements AsyncDisposable {
  readonly #options: ReconfigurerOptions;
  readonly #looks: Repeated;

  constructor(options: ReconfigurerOptions) {
    const { env, onError } = options;
    this.#options = options;
    this.#looks = new Repeated({
      timers: env.timers,
      pauseMillis: LOOK_MILLIS,
      look: () => this.#look(),
      onError(error) {
        if (!isPassing(error)) onError(error);
      },
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#looks[Symbol.asyncDispose]();
  }

  async #look(): Promise<void> {
    const { env, store, nodes, group, nodeId, introduce, dismiss } = this.#options;
    if (!group.isLeader) return;
    const rows = nodes.all();
    const { configuration, progress } = group.status;
    const answers = new Set(progress.filter(({ isAlive }) => isAlive).map(({ id }) => id));
    introduce(rows.filter(({ id, state }) => id !== nodeId && state !== "removed" && !answers.has(id)));
    // One that was cut off while its row and its membership ended does not hear of either.
    for (const { id, state } of rows) if (state === "removed" && !isMember(configuration, id)) dismiss(id);
    const gone = replacedNodes(rows, configuration);
    const left = abandoned(rows, env.clock.now()).map(({ id }) => id);
    for (const id of [...gone, ...left]) await changeNode(store, id, (row) => ({ ...row, state: "removed" }));
    if (this.#shouldHandOver()) {
      const heir = heirOf(group, nodeId, (id) => nodes.get(id)?.state === "active");
      if (heir !== undefined) return group.transferLeadership(heir);
    }
    const changes = nextChange(rows, configuration, (id) => answers.has(id));
    if (changes !== undefined && !this.#looks.isOver) await group.changeMembers({ transition: "auto", changes });
  }

  /** A leader that is removed goes on leading until its own removal is committed; it should not begin with that. */
  #shouldHandOver(): boolean {
    const { nodes, nodeId } = this.#options;
    const state = nodes.get(nodeId)?.state;
    return state === "draining" || state === "removed";
  }
}

/** A voter that answers and may lead in this node's place. */
export function heirOf(
  { status }: Pick<HostedGroup<unknown>, "status">,
  nodeId: number,
  mayLead: (id: number) => boolean,
): number | undefined {
  return status.progress.find(({ id, isAlive, isLearner, isWitness }) => {
    return id !== nodeId && isAlive && !isLearner && !isWitness && mayLead(id);
  })?.id;
}

/** Somebody else leads by now, or nobody: who leads next looks again. */
export function isPassing(error: unknown): boolean {
  return PASSING.some((code) => hasCode(error, code));
}

const PASSING = ["NO_LEADER", "CHANGE_REFUSED", "OUTCOME_UNKNOWN", "STOPPED", "CONTENDED"] as const;
