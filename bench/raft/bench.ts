// Raft beside peers. A measurement starts its program, or its three servers, in an empty folder, warms it up, measures,
// and ends it: nothing else of the benchmark runs meanwhile. A round goes through all workloads, and through all peers
// for each of them, beginning with another one each time. What is told are medians over the rounds, and medians of the
// ratios within a round.

import { isChosen } from "../chosen.ts";
import { NotRun } from "../not-run.ts";
import { type CallersResult, type Replicator, runCallers } from "./callers.ts";
import type { Measurement, Peer, Times } from "./peer.ts";
import { ASHLAR, ASHLAR_NODES } from "./peers/ashlar.ts";
import { startAshlar } from "./peers/ashlar-callers.ts";
import { ETCD } from "./peers/etcd.ts";
import { DRAGONBOAT, DRAGONBOAT_TAN, ETCD_RAFT } from "./peers/go-libraries.ts";
import { startLiferaft } from "./peers/liferaft.ts";
import { WORKLOADS, type Workload } from "./workloads.ts";

const PEERS: readonly Peer[] = [ASHLAR, DRAGONBOAT, DRAGONBOAT_TAN, ETCD_RAFT, ASHLAR_NODES, ETCD];
const CALLERS: readonly { readonly name: string; readonly start: () => Promise<Replicator & AsyncDisposable> }[] = [
  { name: ASHLAR.name, start: startAshlar },
  { name: "liferaft", start: startLiferaft },
];
const CALLERS_NAME = "sixteen callers";

export interface RaftOptions extends Times {
  readonly rounds: number;
  /** Parts of names of workloads and peers; empty: all. */
  readonly only: readonly string[];
  readonly peers: readonly string[];
  readonly log: (line: string) => void;
}

/** One workload; for each peer a measurement a round, or why there is none. */
export interface Row {
  readonly workload: Workload;
  readonly cells: Map<string, Measurement[] | string>;
}

export interface RaftReport {
  readonly peers: readonly { readonly name: string; readonly place: string; readonly durability: string }[];
  readonly rows: readonly Row[];
  readonly callers: ReadonlyMap<string, CallersResult | string>;
}

export async function benchRaft(options: RaftOptions): Promise<RaftReport> {
  const rows: Row[] = WORKLOADS.filter(({ name }) => isChosen(name, options.only)).map(rowOf);
  const peers = PEERS.filter(
    ({ name, place }) => isChosen(name, options.peers) && rows.some(({ workload }) => workload.place === place),
  );
  for (const peer of peers) await install(peer, rows, options);
  for (let round = 0; round < options.rounds; round++) {
    for (const row of rows) {
      const here = peers.filter(({ place }) => place === row.workload.place);
      const turn = round % Math.max(1, here.length);
      for (const peer of [...here.slice(turn), ...here.slice(0, turn)]) await measure(peer, row, round, options);
    }
  }
  return { peers, rows, callers: await callersOf(options) };
}

function rowOf(workload: Workload): Row {
  return { workload, cells: new Map() };
}

/** What can not be had is told so in every row. */
async function install(peer: Peer, rows: readonly Row[], { log }: RaftOptions): Promise<void> {
  log(`making ${peer.name} ready`);
  try {
    await peer.install();
  } catch (error) {
    const reason = reasonOf(error);
    for (const { workload, cells } of rows) if (workload.place === peer.place) cells.set(peer.name, reason);
    log(`${peer.name} ${reason}`);
  }
}

async function measure(peer: Peer, { workload, cells }: Row, round: number, options: RaftOptions): Promise<void> {
  const before = cells.get(peer.name) ?? [];
  // What failed once is told as failed, whatever the other rounds say.
  if (typeof before === "string") return;
  let told: string;
  try {
    const measurement = await peer.run(workload, options);
    if (measurement.operations === 0) throw new Error("nothing was committed");
    cells.set(peer.name, [...before, measurement]);
    told = summary(measurement);
  } catch (error) {
    cells.set(peer.name, (told = reasonOf(error)));
  }
  options.log(`round ${round + 1}  ${workload.name}  ${peer.name}  ${told}`);
}

async function callersOf(options: RaftOptions): Promise<Map<string, CallersResult | string>> {
  const results = new Map<string, CallersResult | string>();
  if (!isChosen(CALLERS_NAME, options.only)) return results;
  for (const { name, start } of CALLERS.filter(({ name }) => isChosen(name, options.peers))) {
    try {
      await using replicator = await start();
      results.set(name, await runCallers(replicator));
    } catch (error) {
      results.set(name, reasonOf(error));
    }
    options.log(`${CALLERS_NAME}  ${name}  ${JSON.stringify(results.get(name))}`);
  }
  return results;
}

function reasonOf(error: unknown): string {
  const { message } = error as Error;
  return error instanceof NotRun ? `not run: ${message}` : `failed: ${message}`;
}

function summary({ operations, seconds, processorSeconds, p50Millis, p99Millis }: Measurement): string {
  const a = Math.round(operations / seconds);
  const each = Math.round(operations / processorSeconds);
  return `${a}/s, ${each} a CPU second, p50 ${p50Millis.toFixed(1)} ms, p99 ${p99Millis.toFixed(1)} ms`;
}
