// What an operator does with ranges while the cluster is in use: he cuts them, joins them, and brings them to other nodes.

import type { JsonBytes } from "../../../std/json-bytes.ts";
import type { Hands } from "./hands.ts";

interface RangesView {
  readonly ranges: readonly { readonly from: JsonBytes; readonly group: number }[];
  readonly transfers: readonly unknown[];
}

const ROOT_GROUP = 1;
/** What bucket ids begin with, so that objects fall on both sides. */
const DIGITS = "0123456789abcdefghijklmnopqrstuv";
const NODES_MIN = 3;

/** One thing or the other. */
export function changeRanges(hands: Hands): Promise<void> {
  const act = hands.client.prng.pick([splitRange, splitRange, splitRange, mergeRanges, mergeRanges, moveRange]);
  return act(hands);
}

/** Why keys are not at rest; undefined where they are. */
export async function unrest(hands: Hands): Promise<string | undefined> {
  const view = await rangesOf(hands);
  if (view === undefined) return "nobody tells of the ranges";
  return view.transfers.length > 0 ? "keys are on their way between groups" : undefined;
}

/** At a list of the transactors, or between objects. */
async function splitRange(hands: Hands): Promise<void> {
  const { prng } = hands.client;
  const key = prng.chance(0.5)
    ? `list-${1 + prng.below(hands.run.knobs.lists)}`
    : prng.pick([...DIGITS]) + prng.pick([...DIGITS]);
  if (await ask(hands, "split", { key })) hands.counts["splits"]!++;
}

async function mergeRanges(hands: Hands): Promise<void> {
  const range = await anyRange(hands);
  if (range === undefined) return;
  const into = hands.client.prng.pick(["left", "right"]);
  if (await ask(hands, "merge", { key: range.from, into })) hands.counts["merges"]!++;
}

/** To as many nodes as survive the loss of a disk, which may come at any moment. */
async function moveRange(hands: Hands): Promise<void> {
  const { prng } = hands.client;
  const range = await anyRange(hands);
  const members = hands.sound.map(({ member }) => member).filter((member) => member !== 0);
  if (range === undefined || range.group === ROOT_GROUP || members.length < NODES_MIN) return;
  const nodes: number[] = [];
  while (nodes.length < NODES_MIN && members.length > 0) nodes.push(...members.splice(prng.below(members.length), 1));
  if (await ask(hands, "move", { key: range.from, nodes })) hands.counts["moves"]!++;
}

async function anyRange(hands: Hands): Promise<RangesView["ranges"][number] | undefined> {
  const view = await rangesOf(hands);
  return view && hands.client.prng.pick(view.ranges);
}

async function rangesOf(hands: Hands): Promise<RangesView | undefined> {
  const seat = hands.serving.length === 0 ? undefined : hands.client.prng.pick(hands.serving);
  const answer = seat && (await hands.call(seat, "GET", "/v1/cluster/ranges"));
  return answer?.status === 200 ? (answer.value as RangesView) : undefined;
}

/** Whether it was decided so. Where it was not, another time will do. */
async function ask(hands: Hands, what: string, body: unknown): Promise<boolean> {
  const { client, serving } = hands;
  if (serving.length === 0) return false;
  const seat = client.prng.pick(serving);
  const answer = await hands.call(seat, "POST", `/v1/cluster/ranges/${what}`, body);
  client.trace("operator", `${what} ${JSON.stringify(body)} at ${seat.name}: ${answer?.status ?? "no answer"}`);
  return answer !== undefined && answer.status < 300;
}
