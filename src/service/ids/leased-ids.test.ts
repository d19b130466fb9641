import { deepEqual, equal, ok, rejects, throws } from "node:assert/strict";
import { describe, test } from "node:test";
import { LAYOUTS } from "../../core/id/index.ts";
import { createSimEnv, type SimMachine, SimScheduler } from "../../env/sim/index.ts";
import { storeFailure } from "../../store/index.ts";
import { MemoryRows, MemoryStore } from "../../testing/memory-store.ts";
import { LeasedIds, type LeasedIdsParts } from "./leased-ids.ts";
import { StoreWorkers, type WorkerRow } from "./worker-source.ts";

const scheduler = new SimScheduler();

function machine(seed: number): SimMachine {
  return createSimEnv({ seed, scheduler, label: `n${seed}` });
}

function open(rows: MemoryRows, seed: number, parts: Partial<LeasedIdsParts> = {}): LeasedIds {
  const { env } = machine(seed);
  const workers = new StoreWorkers(new MemoryStore(rows));
  const define = { layout: LAYOUTS.leaf, workers: 2 };
  return new LeasedIds({ workers, env, node: `node ${seed}`, generator: "ours", define, ...parts });
}

const settle = <T>(promise: Promise<T>): Promise<T> => scheduler.settle(promise);

describe("ids of a program that leases its worker numbers itself", () => {
  test("are of different numbers, rise, and go on behind the last ones when a number is given back", async () => {
    const rows = new MemoryRows();
    const [one, other] = [open(rows, 1), open(rows, 2)];
    equal(one.lease, undefined);
    const made = [await settle(one.next()), ...(await settle(one.nextMany(5)))];
    const others = await settle(other.nextMany(5));
    deepEqual([one.lease!.worker, other.lease!.worker], [0, 1]);
    equal(new Set([...made, ...others]).size, 11);
    await rejects(settle(open(rows, 3).next()), { code: "WORKERS_EXHAUSTED" });
    await settle(one[Symbol.asyncDispose]());
    await rejects(settle(one.next()), { code: "IDS_CLOSED" });
    const third = open(rows, 3);
    ok((await settle(third.next())) > made.at(-1)!);
    equal(third.lease!.worker, 0);
  });

  test("are refused by name where the source does not answer", async () => {
    const nobody = async (): Promise<never> => {
      throw storeFailure("NO_LEADER", { what: "Redis could not be reached." });
    };
    // biome-ignore lint/correctness/useYield: it ends before its first row
    async function* noRows(): AsyncGenerator<WorkerRow, void, void> {
      await nobody();
    }
    const ids = open(new MemoryRows(), 1, { workers: { rows: noRows, read: nobody, write: nobody } });
    await rejects(settle(ids.next()), { code: "WORKER_SOURCE_UNAVAILABLE", message: "Redis could not be reached." });
  });

  test("end with the connection to the source, once", async () => {
    const ended: string[] = [];
    const connection = {
      [Symbol.asyncDispose]: async (): Promise<void> => void ended.push("connection"),
    };
    const ids = open(new MemoryRows(), 1, { connection });
    await settle(ids.next());
    await settle(ids[Symbol.asyncDispose]());
    deepEqual(ended, ["connection"]);
  });

  test("are refused where they can not be", async () => {
    const rows = new MemoryRows();
    throws(() => open(rows, 1, { generator: "sonyflake" }), { code: "GENERATOR_FIXED" });
    throws(() => open(rows, 1, { generator: "a b" }), { code: "NAME_INVALID" });
    throws(() => open(rows, 1, { define: { layout: LAYOUTS.leaf, workers: 1025 } }), { code: "GENERATOR_INVALID" });
    const ids = open(rows, 1);
    for (const count of [0, 1.5, 100_001]) await rejects(ids.nextMany(count), { code: "COUNT_INVALID" });
  });
});
