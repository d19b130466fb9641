// S3 beside peers. All servers run side by side, idle but for the one that is measured; a round goes through all
// workloads, and through all servers for each of them, beginning with another one each time. What is told are medians
// over the rounds, and medians of the ratios within a round. Before the first round each server is warmed up, since two
// of them compile what they run often. Memory is watched on servers that have just been started.

import { isChosen } from "../chosen.ts";
import { NotRun } from "../not-run.ts";
import { createBucket, type Measurement, measure, prepare } from "./measure.ts";
import type { PeerKind, RunningPeer } from "./peer.ts";
import { ASHLAR } from "./peers/ashlar.ts";
import { NOT_HERE } from "./peers/not-here.ts";
import { S3RVER } from "./peers/s3rver.ts";
import { SEAWEEDFS } from "./peers/seaweedfs.ts";
import { listing, STREAMS, WARM_UP, WORKLOADS, type Workload } from "./workloads.ts";

/** Of servers that are one process each. */
export const SINGLE_SERVERS: readonly PeerKind[] = [ASHLAR, SEAWEEDFS, S3RVER, ...NOT_HERE];
/** Of a listing. */
const TOO_SLOW: readonly { readonly peer: string; readonly reason: string }[] = [
  { peer: S3RVER.name, reason: "not run: it walks all folders for every page" },
];

export interface S3Options {
  readonly kinds: readonly PeerKind[];
  readonly rounds: number;
  readonly listKeys: number;
  /** Many long streams at once, on servers that are started for them. */
  readonly withStreams: boolean;
  /** Parts of names of workloads and peers; empty: all. */
  readonly only: readonly string[];
  readonly peers: readonly string[];
  readonly log: (line: string) => void;
}

export interface PeerReport {
  readonly name: string;
  readonly version: string;
  readonly durability: string;
  /** Undefined where it ran. */
  readonly notRun: string | undefined;
}

/** One workload; for each peer a measurement a round, or why there is none. */
export interface Row {
  readonly workload: Workload;
  readonly cells: Map<string, Measurement[] | string>;
}

export interface S3Report {
  readonly peers: readonly PeerReport[];
  readonly rows: readonly Row[];
  readonly streams: readonly Row[];
}

export async function benchS3(options: S3Options): Promise<S3Report> {
  const chosen = (workloads: readonly Workload[]): Row[] =>
    workloads.filter(({ name }) => isChosen(name, options.only)).map(rowOf);
  const rows = chosen(WORKLOADS);
  const lists = options.listKeys > 0 ? chosen([listing(options.listKeys)]) : [];
  const streams = options.withStreams ? chosen(STREAMS) : [];
  for (const { peer, reason } of TOO_SLOW) for (const row of lists) row.cells.set(peer, reason);
  const peers = await withPeers(options, async (running) => {
    if (rows.length > 0) await warmUp(running, options);
    await runRows(rows, running, options);
    await runRows(lists, running, options);
  });
  if (streams.length > 0) await withPeers(options, (fresh) => runRows(streams, fresh, { ...options, rounds: 1 }));
  return { peers, rows: [...rows, ...lists], streams };
}

/** Its keys are none of the rounds'. */
const WARM_UP_ROUND = -1;

interface Running {
  readonly name: string;
  readonly peer: RunningPeer;
}

/** Starts the chosen peers, each with an empty bucket, and ends them behind the run. */
async function withPeers(
  options: S3Options,
  run: (running: readonly Running[]) => Promise<void>,
): Promise<readonly PeerReport[]> {
  await using stack = new AsyncDisposableStack();
  const reports: PeerReport[] = [];
  const running: Running[] = [];
  for (const kind of options.kinds.filter(({ name }) => isChosen(name, options.peers))) {
    options.log(`starting ${kind.name}`);
    try {
      const peer = stack.use(await kind.start());
      await createBucket(peer);
      running.push({ name: kind.name, peer });
      reports.push({ name: kind.name, version: peer.version, durability: peer.durability, notRun: undefined });
    } catch (error) {
      if (!(error instanceof NotRun)) throw error;
      reports.push({ name: kind.name, version: "", durability: "", notRun: error.message });
      options.log(`${kind.name} not run: ${error.message}`);
    }
  }
  await run(running);
  return reports;
}

async function warmUp(running: readonly Running[], { log }: S3Options): Promise<void> {
  for (const { name, peer } of running) {
    log(`warming up ${name}`);
    for (const workload of WARM_UP) {
      await prepare(peer, workload);
      await measure(peer, workload, WARM_UP_ROUND);
    }
  }
}

function rowOf(workload: Workload): Row {
  return { workload, cells: new Map() };
}

async function runRows(rows: readonly Row[], running: readonly Running[], options: S3Options): Promise<void> {
  for (let round = 0; round < options.rounds; round++) {
    for (const { workload, cells } of rows) {
      const turn = round % running.length;
      for (const { name, peer } of [...running.slice(turn), ...running.slice(0, turn)]) {
        const before = cells.get(name) ?? [];
        // What failed once is told as failed, whatever the other rounds say.
        if (typeof before === "string") continue;
        try {
          if (round === 0) await prepare(peer, workload);
          const measurement = await measure(peer, workload, round);
          cells.set(name, [...before, measurement]);
          options.log(`round ${round + 1}  ${workload.name}  ${name}  ${summary(measurement)}`);
        } catch (error) {
          cells.set(name, `failed: ${(error as Error).message}`);
          options.log(`round ${round + 1}  ${workload.name}  ${name}  failed: ${(error as Error).message}`);
        }
      }
    }
  }
}

function summary({ operations, seconds, processorSeconds, p99Millis }: Measurement): string {
  const a = Math.round(operations / seconds);
  const each = Math.round(operations / processorSeconds);
  return `${a}/s, ${each} a CPU second, p99 ${p99Millis.toFixed(1)} ms`;
}
