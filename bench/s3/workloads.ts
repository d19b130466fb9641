import type { Job, Plan } from "./job.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

export interface Workload {
  readonly name: string;
  readonly unit: "requests/s" | "MiB/s" | "keys/s";
  readonly limits: Pick<Job, "connections" | "seconds" | "operationsMax">;
  readonly plan: (round: number) => Plan;
  /** Objects that must be there before: stored once, untimed. */
  readonly before?: { readonly plan: Plan & { readonly kind: "put" }; readonly operations: number };
}

const SMALL = { connections: 64, seconds: 5, operationsMax: 25_000 };
const MEDIUM = { connections: 64, seconds: 5, operationsMax: 8000 };
const MEBIBYTE = { connections: 16, seconds: 5, operationsMax: 1000 };
const LARGE = { connections: 4, seconds: 10, operationsMax: 24 };

export const WORKLOADS: readonly Workload[] = [
  ...pair("4 KiB", 4 * KIB, SMALL, 2000),
  ...pair("16 KiB", 16 * KIB, SMALL, 2000),
  ...pair("128 KiB", 128 * KIB, MEDIUM, 1000),
  ...pair("1 MiB", MIB, MEBIBYTE, 64),
  ...pair("64 MiB", 64 * MIB, LARGE, 8),
  {
    name: "mixed 16 KiB: GET 45, PUT 15, DELETE 10, STAT 30",
    unit: "requests/s",
    limits: SMALL,
    plan: (round) => ({ kind: "mixed", prefix: `mixed-${round}/`, bytes: 16 * KIB }),
  },
];

const WARM_UP_LIMITS = { connections: 64, seconds: 8, operationsMax: 25_000 };

/** Untimed. */
export const WARM_UP: readonly Workload[] = [4 * KIB, 16 * KIB].flatMap((bytes) =>
  pair(`warm-up ${bytes}`, bytes, WARM_UP_LIMITS, 2000),
);

/** While these run the server's resident memory is watched. */
export const STREAMS: readonly Workload[] = [
  {
    name: "PUT, 64 streams of 64 MiB",
    unit: "MiB/s",
    limits: { connections: 64, seconds: 300, operationsMax: 64 },
    plan: () => ({ kind: "put", prefix: "streams/", bytes: 64 * MIB, from: 0 }),
  },
  {
    name: "GET, 64 streams of 64 MiB",
    unit: "MiB/s",
    limits: { connections: 64, seconds: 300, operationsMax: 64 },
    plan: () => ({ kind: "get", prefix: "streams/", bytes: 64 * MIB, keys: 64 }),
  },
];

export function listing(keys: number): Workload {
  return {
    name: `LIST of ${keys.toLocaleString("en")} keys`,
    unit: "keys/s",
    limits: { connections: 1, seconds: 300, operationsMax: 1 },
    plan: () => ({ kind: "list", prefix: "many/", keys }),
    before: { plan: { kind: "put", prefix: "many/", bytes: 100, from: 0 }, operations: keys },
  };
}

function pair(size: string, bytes: number, limits: Workload["limits"], keys: number): Workload[] {
  const unit = bytes >= MIB ? "MiB/s" : "requests/s";
  return [
    {
      ...{ name: `PUT ${size}`, unit, limits },
      plan: (round) => ({ kind: "put", prefix: `put-${bytes}-${round}/`, bytes, from: 0 }),
    },
    {
      ...{ name: `GET ${size}`, unit, limits },
      plan: () => ({ kind: "get", prefix: `get-${bytes}/`, bytes, keys }),
      before: { plan: { kind: "put", prefix: `get-${bytes}/`, bytes, from: 0 }, operations: keys },
    },
  ];
}
