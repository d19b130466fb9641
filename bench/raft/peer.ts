import type { Workload } from "./workloads.ts";

/** Something that replicates, measured by itself: each run starts it in an empty folder and ends it. */
export interface Peer {
  readonly name: string;
  readonly place: Workload["place"];
  /** What a success means when the power goes. */
  readonly durability: string;
  /** Makes it ready to run: builds, installs. Rejects with NotRun where it can not be had on this machine. */
  readonly install: () => Promise<void>;
  /** Rejects with NotRun where this workload is not one for it. */
  readonly run: (workload: Workload, times: Times) => Promise<Measurement>;
}

export interface Times {
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

export interface Measurement {
  readonly version: string;
  readonly operations: number;
  readonly seconds: number;
  readonly p50Millis: number;
  readonly p99Millis: number;
  /** Of all members; in one process, of those who propose too. */
  readonly processorSeconds: number;
}
