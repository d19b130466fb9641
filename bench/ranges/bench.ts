// What a commit over several ranges costs beside one within a range. Three servers on loopback, whose keys are cut once at
// "m"; a client commits two rows at a time, over `/v1/kv`: both of the root group's range, both of the other group's, or
// one of each. Ratios are within a round.

import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "../../src/client/index.ts";
import { apiCall, untilCanLose } from "../../src/server/testing/cluster-status.ts";
import { GrowingCluster } from "../../src/server/testing/growing-cluster.ts";
import { isChosen } from "../chosen.ts";

export interface RangesOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly only: readonly string[];
  readonly log: (line: string) => void;
}

export interface RangesRow {
  readonly clients: number;
  /** Commits a second by kind, one for each round. */
  readonly rates: ReadonlyMap<string, readonly number[]>;
}

type Kv = Awaited<ReturnType<typeof connect>>["kv"];

const CUT = "m";
const ROWS = 10_000;
const VALUE = "x".repeat(100);
const MOVED_TRIES_MAX = 120;

/** The names of the two rows that a commit writes begin with these. */
const KINDS = new Map<string, readonly [string, string]>([
  ["one range, the root group's", ["a", "b"]],
  ["one range, another group's", ["y", "z"]],
  ["two ranges", ["a", "z"]],
]);
const CLIENTS = [1, 64];

export async function benchRanges({ rounds, seconds, warmUpSeconds, only, log }: RangesOptions): Promise<RangesRow[]> {
  await using cluster = await GrowingCluster.of(true, ["b", "c"]);
  await untilCanLose(cluster.first, 1);
  const { first } = cluster;
  await apiCall(first, "POST", "/v1/cluster/ranges/split", { key: CUT });
  await untilMoved(cluster);
  const credentials = { accessKey: first.accessKey, secretKey: first.secretKey };
  await using ash = await connect(
    [...cluster.running.values()].map(({ api }) => api),
    { credentials },
  );
  const rows: RangesRow[] = [];
  for (const clients of CLIENTS) {
    const kinds = [...KINDS].filter(([kind]) => isChosen(kind, only));
    const rates = new Map(kinds.map(([kind]) => [kind, [] as number[]]));
    for (let round = 0; round < rounds; round++) {
      for (const at of kinds.keys()) {
        const [kind, names] = kinds[(at + round) % kinds.length]!;
        const rate = await measure(ash.kv, names, clients, { seconds, warmUpSeconds });
        rates.get(kind)!.push(rate);
        log(`round ${round + 1}, ${clients} clients, ${kind}: ${Math.round(rate)}/s`);
      }
    }
    rows.push({ clients, rates });
  }
  return rows;
}

async function untilMoved({ first }: GrowingCluster): Promise<void> {
  for (let tries = 1; ; tries++) {
    const { ranges, transfers } = (await apiCall(first, "GET", "/v1/cluster/ranges")) as {
      readonly ranges: readonly unknown[];
      readonly transfers: readonly unknown[];
    };
    if (ranges.length === 2 && transfers.length === 0) return;
    if (tries === MOVED_TRIES_MAX) throw new Error("the keys were not cut");
    await sleep(500);
  }
}

/** Commits a second, each client waiting for its answer and writing rows that no other writes. */
async function measure(
  kv: Kv,
  [left, right]: readonly [string, string],
  clients: number,
  { seconds, warmUpSeconds }: Pick<RangesOptions, "seconds" | "warmUpSeconds">,
): Promise<number> {
  let commits = 0;
  let isOver = false;
  const client = async (own: number): Promise<void> => {
    for (let number = 0; !isOver; number++) {
      const name = `${own}-${number % (ROWS / clients)}`;
      await kv.commit({ puts: [left, right].map((side) => ({ key: `${side}/${name}`, value: VALUE })) });
      commits++;
    }
  };
  const working = Promise.all(Array.from({ length: clients }, (_, own) => client(own)));
  await sleep(warmUpSeconds * 1000);
  const [before, begun] = [commits, performance.now()];
  await sleep(seconds * 1000);
  const rate = ((commits - before) * 1000) / (performance.now() - begun);
  isOver = true;
  await working;
  return rate;
}
