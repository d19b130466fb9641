// Each start of a node is claimed in the Store before the node counts as one of the cluster's.
//
// A process draws a life at its start and writes it into its data directory before it claims it. The node's row has the life
// that was claimed last, and a claim has to name it among those that its directory knows: only who went on from there knows
// it. Where it does not, the node has been started since from another state of its directory: this one is a copy, or was put
// back from a backup. Its log and its votes may be older than what the others were promised, so it must not take part.
//
// While a cluster starts as a whole nobody can commit a claim. A node then takes part first and claims as soon as there is
// a majority; so a copy that is started in that very moment, beside the original, is found out only then.

import { equalBytes } from "../std/bytes.ts";
import type { Row, Store } from "../store/index.ts";
import { change, unchanged } from "./change.ts";
import { clusterFailure } from "./errors.ts";
import { decodeNodeRow, encodeNodeRow, type NodeRow, nodeAddress } from "./node-row.ts";
import { type ClusterBugs, NO_CLUSTER_BUGS } from "./seeded-bugs.ts";

export interface Claim {
  readonly id: number;
  /** Counts the tries of this directory. */
  readonly start: number;
  readonly life: Uint8Array;
  /** Lives that this directory has claimed or tried to claim before. */
  readonly earlier: readonly Uint8Array[];
  /** Where it listens for the others. */
  readonly peer: string;
  readonly zone: string;
}

/** Rejects with NODE_UNKNOWN, NODE_REMOVED or NODE_SUPERSEDED, with CONTENDED, or as the Store does. */
export function claimStart(store: Store, claim: Claim, bugs: ClusterBugs = NO_CLUSTER_BUGS): Promise<NodeRow> {
  const { id, start, life, earlier, peer, zone } = claim;
  return change(store, async () => {
    const row = await readNode(store, id);
    const known = decodeNodeRow(id, row.value);
    if (known.state === "removed") throw removed(id);
    const isOpen = known.life.length === 0 || bugs.has("claim-from-any-directory");
    if (!isOpen && ![life, ...earlier].some((one) => equalBytes(one, known.life))) throw superseded(id);
    const state = known.state === "joining" ? "active" : known.state;
    const claimed: NodeRow = { ...known, state, start, life, peer, zone };
    if (equalBytes(encodeNodeRow(claimed), row.value)) return { result: known };
    const put = { ...nodeAddress(id), value: encodeNodeRow(claimed) };
    return { commit: { checks: [unchanged(nodeAddress(id), row)], puts: [put] }, result: claimed };
  });
}

/** Why a process of the node may not take part any more, by what is known of it. */
export function startRefusal(known: NodeRow, start: number, life: Uint8Array): Error | undefined {
  if (known.state === "removed") return removed(known.id);
  // A later start may be on its way to its claim.
  const mayBe = start > known.start || (start === known.start && equalBytes(life, known.life));
  return mayBe ? undefined : superseded(known.id);
}

/** Changes one node's row. Rejects with NODE_UNKNOWN or what `decide` throws; undefined leaves the row as it is. */
export function changeNode(store: Store, id: number, decide: (row: NodeRow) => NodeRow | undefined): Promise<NodeRow> {
  return change(store, async () => {
    const row = await readNode(store, id);
    const known = decodeNodeRow(id, row.value);
    const changed = decide(known);
    if (changed === undefined) return { result: known };
    const put = { ...nodeAddress(id), value: encodeNodeRow(changed) };
    return { commit: { checks: [unchanged(nodeAddress(id), row)], puts: [put] }, result: changed };
  });
}

async function readNode(store: Store, id: number): Promise<Row> {
  const { row } = await store.get(nodeAddress(id));
  if (row !== undefined) return row;
  throw clusterFailure("NODE_UNKNOWN", { what: `The cluster has no node ${id}.`, data: { node: id } });
}

function removed(node: number): Error {
  return clusterFailure("NODE_REMOVED", { what: `Node ${node} was removed from its cluster.`, data: { node } });
}

function superseded(node: number): Error {
  const what = `Node ${node} was started since from another state of its data directory: this one is a copy, or was put back.`;
  return clusterFailure("NODE_SUPERSEDED", { what, data: { node } });
}
