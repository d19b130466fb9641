import { idFailure } from "./errors.ts";

// Snowflake-like ids are all one thing: a time in units since an epoch, the number of a worker, and a sequence within
// the unit, side by side in one unsigned integer. They differ in the numbers of this table.
//
//     twitter    0 | time 41, 1 ms    | datacenter 5, worker 5 | sequence 12
//     sonyflake  0 | time 39, 10 ms   | sequence 8             | machine 16
//     baidu      0 | time 28, 1 s     | worker 22              | sequence 13
//     flake          time 64, 1 ms    | machine 48             | sequence 16
//     js53           time 38, 10 ms   | sequence 7             | worker 8

export interface IdLayout {
  readonly name: string;
  /** What the unit's zero is, in milliseconds since 1970. */
  readonly epochMillis: number;
  readonly unitMillis: number;
  readonly timeBits: number;
  readonly workerBits: number;
  readonly sequenceBits: number;
  /** Time always comes first, so that ids sort by it. */
  readonly order: "time-worker-sequence" | "time-sequence-worker";
  /** What the worker's number is made of, from the most significant, where it has parts of their own names. */
  readonly workerParts?: readonly { readonly name: string; readonly bits: number }[];
  /** Of the id's form in bytes. */
  readonly byteOrder: "big" | "little";
  /**
   * The sequence of a unit that the clock has begun starts at a random number below this, so that ids made at a low rate
   * do not all end in zero. 1: it starts at 0.
   */
  readonly sequenceStartBelow: number;
}

export type CustomLayout = Partial<IdLayout> & Pick<IdLayout, "timeBits" | "workerBits" | "sequenceBits">;

const BIG_ENDIAN_MILLIS = {
  unitMillis: 1,
  order: "time-worker-sequence",
  byteOrder: "big",
  sequenceStartBelow: 1,
} as const;
const TWITTER_EPOCH_MILLIS = 1_288_834_974_657;

function row(layout: CustomLayout & Pick<IdLayout, "name" | "epochMillis">): IdLayout {
  return { ...BIG_ENDIAN_MILLIS, ...layout };
}

export type LayoutName = "twitter" | "leaf" | "flake" | "sonyflake" | "baidu" | "js53" | "discord" | "instagram";

export const LAYOUTS: Readonly<Record<LayoutName, IdLayout>> = {
  twitter: row({
    name: "twitter",
    epochMillis: TWITTER_EPOCH_MILLIS,
    timeBits: 41,
    workerBits: 10,
    sequenceBits: 12,
    workerParts: [
      { name: "datacenter", bits: 5 },
      { name: "worker", bits: 5 },
    ],
  }),
  leaf: row({
    name: "leaf",
    epochMillis: TWITTER_EPOCH_MILLIS,
    timeBits: 41,
    workerBits: 10,
    sequenceBits: 12,
    sequenceStartBelow: 100,
  }),
  /** In bytes flake's ids are 16, big-endian; the machine is its MAC address. */
  flake: row({ name: "flake", epochMillis: 0, timeBits: 64, workerBits: 48, sequenceBits: 16 }),
  sonyflake: row({
    name: "sonyflake",
    epochMillis: Date.UTC(2014, 8, 1),
    unitMillis: 10,
    timeBits: 39,
    workerBits: 16,
    sequenceBits: 8,
    order: "time-sequence-worker",
  }),
  /** The epoch is a midnight in Beijing. Its 28 bits of seconds ended in November 2024: who goes on has an epoch of his own. */
  baidu: row({
    name: "baidu",
    epochMillis: Date.UTC(2016, 4, 19, 16),
    unitMillis: 1000,
    timeBits: 28,
    workerBits: 22,
    sequenceBits: 13,
  }),
  /** Every id is a safe integer of JavaScript, so that JSON carries it as a number. Until 2111; 12,800 a second and worker. */
  js53: row({
    name: "js53",
    epochMillis: Date.UTC(2024, 0, 1),
    unitMillis: 10,
    timeBits: 38,
    workerBits: 8,
    sequenceBits: 7,
    order: "time-sequence-worker",
  }),
  discord: row({
    name: "discord",
    epochMillis: Date.UTC(2015, 0, 1),
    timeBits: 42,
    workerBits: 10,
    sequenceBits: 12,
    workerParts: [
      { name: "worker", bits: 5 },
      { name: "process", bits: 5 },
    ],
  }),
  instagram: row({
    name: "instagram",
    epochMillis: 1_314_220_021_721,
    timeBits: 41,
    workerBits: 13,
    sequenceBits: 10,
    workerParts: [{ name: "shard", bits: 13 }],
  }),
};

/** Of one's own, from a split of the bits: milliseconds since 1970, `time-worker-sequence`, big-endian, where nothing else is said. */
export function defineLayout(custom: CustomLayout): IdLayout {
  const layout = row({ name: "custom", epochMillis: 0, ...custom });
  const fault = faultOf(layout);
  if (fault !== undefined)
    throw idFailure("LAYOUT_INVALID", { what: `The layout ${layout.name} can not be: ${fault}.` });
  return layout;
}

export function widthOf({ timeBits, workerBits, sequenceBits }: IdLayout): number {
  return timeBits + workerBits + sequenceBits;
}

/** The greatest unit whose beginning a number can tell exactly, or that the time bits can hold. */
export function tickMaxOf({ timeBits, unitMillis, epochMillis }: IdLayout): number {
  return Math.min(2 ** timeBits - 1, Math.floor((Number.MAX_SAFE_INTEGER - Math.max(epochMillis, 0)) / unitMillis));
}

/** An id of 53 bits or fewer fits into 7 bytes, but stands in 8 as the others do. */
export function byteLengthOf(layout: IdLayout): 8 | 16 {
  return widthOf(layout) > 64 ? 16 : 8;
}

function faultOf(layout: IdLayout): string | undefined {
  const { timeBits, workerBits, sequenceBits, unitMillis, epochMillis, sequenceStartBelow, workerParts } = layout;
  const isCount = (value: number, least: number): boolean => Number.isSafeInteger(value) && value >= least;
  if (!isCount(timeBits, 1) || !isCount(workerBits, 0) || !isCount(sequenceBits, 0))
    return "bits are not whole numbers";
  if (widthOf(layout) > 128) return "it has more than 128 bits";
  if (workerBits > 53) return "the worker has more than 53 bits";
  // The way from one id to the next one of its unit is then an addition to one 32-bit word.
  const sequenceEnd = sequenceBits + (layout.order === "time-sequence-worker" ? workerBits : 0);
  if (sequenceEnd > 32) return "the sequence does not lie within the lowest 32 bits";
  if (!isCount(unitMillis, 1)) return "the unit is not a whole number of milliseconds";
  if (!Number.isSafeInteger(epochMillis)) return "the epoch is not a whole number of milliseconds";
  if (!isCount(sequenceStartBelow, 1) || sequenceStartBelow > 2 ** sequenceBits)
    return "the sequence starts beyond its end";
  if (workerParts !== undefined && workerParts.reduce((sum, { bits }) => sum + bits, 0) !== workerBits)
    return "the worker's parts do not make up its bits";
  return undefined;
}
