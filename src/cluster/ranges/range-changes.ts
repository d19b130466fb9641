// What an operator or the splitter asks for, as rows: whoever leads the root group carries it out. Keys are on their way
// between two groups only at one place of the cluster at a time.

import { equalBytes } from "../../std/bytes.ts";
import {
  encodeKeyBound,
  type GroupRow,
  type MappedRange,
  ROOT_GROUP,
  type Store,
  type TransferRow,
} from "../../store/index.ts";
import { readNodes } from "../admission.ts";
import { clusterFailure } from "../errors.ts";
import { changeLayout, type Layout } from "./layout.ts";
import { groupSize, placeGroup } from "./placement.ts";

/** Ranges that a cluster has at most: their map is in the memory of every node. */
export const RANGES_MAX = 10_000;

/**
 * From this key on to its range's end the keys go to a new group, on the nodes of the range's group or on others. The id
 * of the new group. Rejects with RANGES_BUSY, RANGE_REQUEST_INVALID or NODE_UNKNOWN.
 */
export async function splitRange(
  store: Store,
  key: Uint8Array,
  { nodes, reason = "asked for" }: { readonly nodes?: readonly number[]; readonly reason?: string } = {},
): Promise<number> {
  const rows = await readNodes(store);
  const from = encodeKeyBound(key);
  const group = await changeLayout(store, (layout) => {
    checkIdle(layout);
    const range = rangeAt(layout, from);
    if (equalBytes(range.from, from)) throw invalid("A range begins at this key already.");
    if (layout.map.ranges.length >= RANGES_MAX) throw invalid(`A cluster has at most ${RANGES_MAX} ranges.`);
    const id = layout.nextId;
    const source = layout.groups.find((one) => one.id === range.group);
    const founders = nodes ?? placeGroup(rows, layout.groups, source?.nodes ?? []);
    checkNodes(founders, rows);
    const founded: GroupRow = { id, state: "founding", nodes: founders, members: founders };
    checkOpen(layout, range.group);
    const ends = { from, to: range.to, source: range.group, target: id };
    const transfer: TransferRow = { id: id + 1, ...ends, attempt: 0, phase: "bringing", reason };
    return { nextId: id + 2, groups: [founded], transfers: [transfer], result: id };
  });
  return group!;
}

/**
 * The range that holds the key becomes one with a neighbour: its keys go to the neighbour's group. Rejects with
 * RANGES_BUSY or RANGE_REQUEST_INVALID.
 */
export async function mergeRange(
  store: Store,
  key: Uint8Array,
  { into = "left", reason = "asked for" }: { readonly into?: "left" | "right"; readonly reason?: string } = {},
): Promise<void> {
  const bound = encodeKeyBound(key);
  await changeLayout(store, (layout) => {
    checkIdle(layout);
    const { ranges } = layout.map;
    const at = ranges.indexOf(rangeAt(layout, bound));
    const target = ranges[into === "left" ? at - 1 : at + 1];
    if (target === undefined) throw invalid("The range has no neighbour on that side.");
    const { group: source, from, to } = ranges[at]!;
    checkOpen(layout, source);
    checkOpen(layout, target.group);
    const ends = { from, to, source, target: target.group };
    const transfer: TransferRow = { id: layout.nextId, ...ends, attempt: 0, phase: "bringing", reason };
    return { nextId: layout.nextId + 1, transfers: [transfer], result: undefined };
  });
}

/**
 * The group of the range that holds the key moves to other nodes, one member after the other. Rejects with
 * RANGE_REQUEST_INVALID or NODE_UNKNOWN; the root group is on all nodes.
 */
export async function moveRange(store: Store, key: Uint8Array, nodes: readonly number[]): Promise<void> {
  const rows = await readNodes(store);
  checkNodes(nodes, rows);
  const bound = encodeKeyBound(key);
  await changeLayout(store, (layout) => {
    const { group: id } = rangeAt(layout, bound);
    if (id === ROOT_GROUP)
      throw invalid("The root group is on all nodes: split the range, then move what it gave away.");
    checkOpen(layout, id);
    const row = layout.groups.find((one) => one.id === id)!;
    return { groups: [{ ...row, nodes: [...nodes].sort((one, other) => one - other) }], result: undefined };
  });
}

/** Breaks off what is on its way, as long as the target does not serve it. Rejects with RANGE_REQUEST_INVALID. */
export async function abortTransfer(store: Store, id: number, reason: string): Promise<void> {
  await changeLayout(store, (layout) => {
    const row = layout.transfers.find((one) => one.id === id);
    if (row?.phase === "givingUp") return undefined;
    if (row?.phase === "holding") throw invalid("A backup holds all keys where they are: it ends by itself.");
    if (row?.phase !== "bringing") throw invalid("The keys have arrived, or were never on their way.");
    return { transfers: [{ ...row, phase: "givingUp" as const, reason }], result: undefined };
  });
}

function checkOpen({ groups }: Layout, group: number): void {
  if (group === ROOT_GROUP || groups.some(({ id, state }) => id === group && state === "open")) return;
  throw clusterFailure("GROUP_UNKNOWN", { data: { group } });
}

function rangeAt({ map }: Layout, bound: Uint8Array): MappedRange {
  return map.among({ from: bound, to: bound })[0]!;
}

function checkIdle({ transfers }: Layout): void {
  const [first] = transfers;
  if (first !== undefined) throw clusterFailure("RANGES_BUSY", { data: { transfer: first.id } });
}

function checkNodes(nodes: readonly number[], rows: Awaited<ReturnType<typeof readNodes>>): void {
  for (const node of nodes) {
    if (rows.some(({ id, state }) => id === node && state === "active")) continue;
    throw clusterFailure("NODE_UNKNOWN", { what: `Node ${node} is not in use.`, data: { node } });
  }
  const size = groupSize(rows);
  if (nodes.length === size && new Set(nodes).size === size) return;
  throw invalid(`A group is on ${size} different nodes, as long as so many are in use.`);
}

function invalid(what: string): Error {
  return clusterFailure("RANGE_REQUEST_INVALID", { what });
}
