// The Store's three engines side by side, through the interface that services use, from one process. Each engine's data is
// in a folder of its own on the same disk; only one is under load at a time, and each round begins with another one.

import { setTimeout as sleep } from "node:timers/promises";
import { utf8 } from "../../src/std/bytes.ts";
import type { Store } from "../../src/store/index.ts";
import { isChosen } from "../chosen.ts";
import { NotRun } from "../not-run.ts";
import { ENGINES } from "./engines.ts";

export interface EnginesOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly only: readonly string[];
  readonly peers: readonly string[];
  readonly log: (line: string) => void;
}

export interface EnginesReport {
  readonly engines: readonly { readonly name: string; readonly version: string; readonly notRun?: string }[];
  readonly rows: readonly EngineRow[];
}

export interface EngineRow {
  readonly workload: string;
  /** Calls a second by engine, one for each round. */
  readonly rates: ReadonlyMap<string, readonly number[]>;
}

const TABLE = 200;
const ROWS = 10_000;
const VALUE_BYTES = 200;
const COMMIT_ROWS = 100;
const CALLS_A_TURN = 16;

const WORKLOADS: readonly { readonly name: string; readonly clients: number; readonly call: Call }[] = [
  { name: "commit of one row, 1 client", clients: 1, call: commitOne },
  { name: "commit of one row, 64 clients", clients: 64, call: commitOne },
  { name: "commit of one row, 256 clients", clients: 256, call: commitOne },
  { name: "get, 1 client", clients: 1, call: (store, number) => store.get(address(number)) },
  { name: "get, 64 clients", clients: 64, call: (store, number) => store.get(address(number)) },
  { name: "scan of 1,000 rows, 4 clients", clients: 4, call: (store) => store.scan(TABLE, {}, { limit: 1000 }) },
];

type Call = (store: Store, number: number) => Promise<unknown>;

function address(number: number) {
  return { table: TABLE, key: utf8(`row ${number % ROWS}`) };
}

function commitOne(store: Store, number: number): Promise<unknown> {
  return store.commit({ puts: [{ ...address(number), value: new Uint8Array(VALUE_BYTES) }] });
}

export async function benchEngines(options: EnginesOptions): Promise<EnginesReport> {
  const { rounds, only, peers, log } = options;
  await using parts = new AsyncDisposableStack();
  const engines: { name: string; version: string; notRun?: string; store?: Store }[] = [];
  for (const { name, version, open } of ENGINES.filter((each) => isChosen(each.name, peers))) {
    try {
      const store = await open(parts);
      await fill(store);
      engines.push({ name, version: version(), store });
    } catch (error) {
      if (!(error instanceof NotRun)) throw error;
      engines.push({ name, version: "", notRun: error.message });
    }
  }
  const running = engines.filter(({ store }) => store !== undefined);
  const rows = WORKLOADS.filter(({ name }) => isChosen(name, only)).map((workload) => ({
    workload,
    rates: new Map(running.map(({ name }) => [name, [] as number[]])),
  }));
  for (let round = 0; round < rounds; round++) {
    for (const { workload, rates } of rows) {
      for (const at of running.keys()) {
        const { name, store } = running[(at + round) % running.length]!;
        const rate = await measure(store!, workload, options);
        rates.get(name)!.push(rate);
        log(`round ${round + 1}, ${workload.name}, ${name}: ${Math.round(rate)}/s`);
      }
    }
  }
  return {
    engines: engines.map(({ name, version, notRun }) => ({ name, version, ...(notRun !== undefined && { notRun }) })),
    rows: rows.map(({ workload, rates }) => ({ workload: workload.name, rates })),
  };
}

async function fill(store: Store): Promise<void> {
  for (let from = 0; from < ROWS; from += COMMIT_ROWS) {
    const numbers = Array.from({ length: COMMIT_ROWS }, (_, at) => from + at);
    await store.commit({ puts: numbers.map((number) => ({ ...address(number), value: new Uint8Array(VALUE_BYTES) })) });
  }
}

/** Calls a second, each client waiting for its answer. */
async function measure(
  store: Store,
  { clients, call }: { readonly clients: number; readonly call: Call },
  { seconds, warmUpSeconds }: EnginesOptions,
): Promise<number> {
  let calls = 0;
  let isOver = false;
  const client = async (): Promise<void> => {
    while (!isOver) {
      await call(store, (calls++ * 7919) % ROWS);
      // What is answered within a turn would never let the clock run.
      if (calls % CALLS_A_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const working = Promise.all(Array.from({ length: clients }, client));
  await sleep(warmUpSeconds * 1000);
  const [before, begun] = [calls, performance.now()];
  await sleep(seconds * 1000);
  const rate = ((calls - before) * 1000) / (performance.now() - begun);
  isOver = true;
  await working;
  return rate;
}
