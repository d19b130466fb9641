import { IdGenerator, LAYOUTS, UlidGenerator, UuidV4Generator, UuidV7Generator } from "../../src/core/id/index.ts";
import type { Packages } from "./packages.ts";

/** One of those that are measured side by side. */
export interface Contender {
  readonly name: string;
  /** A fresh generator; each call makes one id. */
  readonly start: () => () => unknown;
}

export interface Workload {
  readonly name: string;
  /**
   * Layouts with a sequence have a limit that all of them reach: what is told apart is what an id costs. So their clock
   * is handed on by a millisecond every so many ids, and nobody has to wait.
   */
  readonly idsMillisecond?: number;
  /** The first one is Ashlar's. */
  readonly contenders: readonly Contender[];
}

const random = (length: number): Uint8Array => crypto.getRandomValues(new Uint8Array(length));
const worker = 5;

export const workloadsOf = (packages: Packages): readonly Workload[] => [
  {
    name: "Snowflake, one at a time",
    idsMillisecond: 1000,
    contenders: [
      {
        name: "Ashlar, bigint",
        start: () => {
          const ids = new IdGenerator({ layout: LAYOUTS.twitter, worker });
          return () => ids.next(Date.now());
        },
      },
      {
        name: "nodejs-snowflake, bigint",
        start: () => {
          const ids = new packages["nodejs-snowflake"].Snowflake({
            instance_id: worker,
            custom_epoch: LAYOUTS.twitter.epochMillis,
          });
          return () => ids.getUniqueID();
        },
      },
      {
        name: "flake-idgen, bytes",
        start: () => {
          const ids = new packages["flake-idgen"]({ id: worker, epoch: LAYOUTS.twitter.epochMillis });
          return () => ids.next();
        },
      },
    ],
  },
  {
    name: "UUID version 7, text",
    contenders: [
      {
        name: "Ashlar",
        start: () => {
          const ids = new UuidV7Generator({ random });
          return () => ids.next(Date.now());
        },
      },
      { name: "uuid", start: () => () => packages.uuid.v7() },
    ],
  },
  {
    name: "random, text",
    contenders: [
      {
        name: "Ashlar, UUID version 4",
        start: () => {
          const ids = new UuidV4Generator({ random });
          return () => ids.next();
        },
      },
      { name: "uuid, version 4", start: () => () => packages.uuid.v4() },
      { name: "nanoid", start: () => () => packages.nanoid.nanoid() },
    ],
  },
  {
    name: "ULID, monotonic, text",
    contenders: [
      {
        name: "Ashlar",
        start: () => {
          const ids = new UlidGenerator({ random });
          return () => ids.next(Date.now());
        },
      },
      {
        name: "ulid",
        start: packages.ulid.monotonicFactory,
      },
    ],
  },
];

export interface LimitForm {
  readonly name: string;
  /** Makes so many ids of the time that is given. */
  readonly start: (ids: IdGenerator) => (nowMillis: number, count: number) => void;
}

export const BATCH_MAX = 4096;

/** The ways to take ids at the layout's limit. */
export const LIMIT_FORMS: readonly LimitForm[] = [
  {
    name: "batches, BigUint64Array",
    start: (ids) => {
      const batch = new BigUint64Array(BATCH_MAX);
      return (nowMillis, count) => ids.fill(nowMillis, batch.subarray(0, count));
    },
  },
  {
    name: "batches, bytes",
    start: (ids) => {
      const batch = new Uint8Array(BATCH_MAX * 8);
      return (nowMillis, count) => ids.fillBytes(nowMillis, batch.subarray(0, count * 8));
    },
  },
  {
    name: "batches, decimal lines",
    start: (ids) => (nowMillis, count) => keep(ids.joinedTexts(nowMillis, count, "\n")),
  },
  {
    name: "one at a time, bigint",
    start: (ids) => (nowMillis, count) => {
      for (let made = 0; made < count; made++) keep(ids.next(nowMillis));
    },
  },
];

const KEPT = 1024;
const kept = new Array<unknown>(KEPT);
let keptAt = 0;

/** So that no id is known to be useless when it is made. */
export function keep(id: unknown): void {
  kept[keptAt] = id;
  keptAt = (keptAt + 1) % KEPT;
}

/** A text that was only put together from parts becomes one when somebody reads it. */
export function mustBeRead(text: string): void {
  keep(text.charCodeAt(text.length - 1));
}
