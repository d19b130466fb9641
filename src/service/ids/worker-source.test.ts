import { describe, test } from "node:test";
import { MemoryRows, MemoryStore } from "../../testing/memory-store.ts";
import { workerSourceConformance } from "./testing/worker-source-suite.ts";
import { StoreWorkers } from "./worker-source.ts";

describe("worker numbers in the Store", () => {
  const rows = new MemoryRows();
  workerSourceConformance(test, () => [
    new StoreWorkers(new MemoryStore(rows)),
    new StoreWorkers(new MemoryStore(rows)),
  ]);
});
