import { blobFailure } from "./errors.ts";
import { SUPERBLOCK_BYTES, slotBytesFor, VOLUME_BYTES_MAX } from "./format.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export interface BlobOptionEntry {
  readonly unit: "bytes" | "bytes/s" | "ms" | "percent" | "count";
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly text: string;
}

export interface BlobOptions {
  readonly volumeBytes: number;
  readonly volumeStepBytes: number;
  readonly needleBytesMax: number;
  readonly extentBytes: number;
  readonly streamBufferBytes: number;
  readonly batchBytesMax: number;
  readonly appendBytesMax: number;
  readonly appendsWaitingMax: number;
  readonly needlesInFlightMax: number;
  readonly readSliceBytes: number;
  readonly filesOpenMax: number;
  readonly spaceReserveBytes: number;
  readonly spaceReservePercent: number;
  readonly spacePollMillis: number;
  readonly readersGraceMillis: number;
  readonly collectAgeMillis: number;
  readonly collectIntervalMillis: number;
  readonly collectTurnNeedles: number;
  readonly referenceMillisMax: number;
  readonly sweepEveryMillis: number;
  readonly compactGarbagePercent: number;
  readonly compactIntervalMillis: number;
  readonly compactBytesPerSecond: number;
  readonly scrubBytesPerSecond: number;
  readonly scrubEveryMillis: number;
  readonly copies: number;
  readonly writeCopiesMin: number;
  readonly replicaLagMillisMax: number;
  readonly takeoverAfterMillis: number;
  readonly healAfterMillis: number;
  readonly healBytesPerSecond: number;
  readonly hedgeMillis: number;
  readonly remoteReadMillisMax: number;
}

/**
 * Every option of the volumes; flags, environment, configuration file and manual derive from this table. All are
 * integers.
 */
export const BLOB_OPTIONS: Readonly<Record<keyof BlobOptions, BlobOptionEntry>> = {
  volumeBytes: {
    unit: "bytes",
    default: GIB,
    min: 256 * KIB,
    max: VOLUME_BYTES_MAX - 64 * MIB,
    text: "Length at which a volume is sealed and the next one goes on.",
  },
  volumeStepBytes: {
    unit: "bytes",
    default: 64 * MIB,
    min: 64 * KIB,
    max: GIB,
    text: "Step by which an open volume's file is lengthened ahead, so that a sync need not flush its length.",
  },
  needleBytesMax: {
    unit: "bytes",
    default: MIB,
    min: 4 * KIB,
    max: 16 * MIB,
    text: "Up to here a piece is one write in the volume with shared syncs; longer ones are streamed as extents.",
  },
  extentBytes: {
    unit: "bytes",
    default: 8 * MIB,
    min: 64 * KIB,
    max: 256 * MIB,
    text: "Length of the pieces that a longer body is cut into.",
  },
  streamBufferBytes: {
    unit: "bytes",
    default: 512 * KIB,
    min: 16 * KIB,
    max: 16 * MIB,
    text: "Memory of one stream: one half is filled while the other is written.",
  },
  batchBytesMax: {
    unit: "bytes",
    default: 8 * MIB,
    min: 64 * KIB,
    max: 64 * MIB,
    text: "Needles that one write takes together.",
  },
  appendBytesMax: {
    unit: "bytes",
    default: 256 * MIB,
    min: MIB,
    max: 64 * GIB,
    text: "Memory of all running appends; further ones wait.",
  },
  appendsWaitingMax: {
    unit: "count",
    default: 4096,
    min: 1,
    max: 1_000_000,
    text: "Appends that may wait for memory; further ones are refused with BLOBS_OVERLOADED.",
  },
  needlesInFlightMax: {
    unit: "count",
    default: 1_000_000,
    min: 1,
    max: 16_000_000,
    text: "Appended needles whose rows are not committed yet; further appends are refused with BLOBS_OVERLOADED.",
  },
  readSliceBytes: {
    unit: "bytes",
    default: 256 * KIB,
    min: 64 * KIB,
    max: 8 * MIB,
    text: "What a read takes from the disk at once, and reads ahead.",
  },
  filesOpenMax: {
    unit: "count",
    default: 256,
    min: 4,
    max: 65_536,
    text: "Volume files that are kept open for readers while nobody reads them.",
  },
  spaceReserveBytes: {
    unit: "bytes",
    default: 2 * GIB,
    min: 0,
    max: VOLUME_BYTES_MAX * 1024,
    text: "Free space that appends leave alone. Compaction may use half of it.",
  },
  spaceReservePercent: {
    unit: "percent",
    default: 2,
    min: 0,
    max: 50,
    text: "Free space, in percent of the disk, that appends leave alone; the larger of the two counts.",
  },
  spacePollMillis: {
    unit: "ms",
    default: SECOND,
    min: 10,
    max: MINUTE,
    text: "How often the disk is asked for its free space; in between, what is written is counted.",
  },
  readersGraceMillis: {
    unit: "ms",
    default: 10 * MINUTE,
    min: 0,
    max: DAY,
    text: "How long the bytes of a deleted or overwritten object and the file of an old generation stay.",
  },
  collectAgeMillis: {
    unit: "ms",
    default: HOUR,
    min: 0,
    max: 30 * DAY,
    text: "Age from which a needle that no row names is taken for an orphan.",
  },
  collectIntervalMillis: {
    unit: "ms",
    default: SECOND,
    min: 10,
    max: HOUR,
    text: "Pause between two turns of the collector.",
  },
  collectTurnNeedles: {
    unit: "count",
    default: 4000,
    min: 1,
    max: 100_000,
    text: "Needles that one turn of the collector looks at.",
  },
  referenceMillisMax: {
    unit: "ms",
    default: HOUR,
    min: 0,
    max: 7 * DAY,
    text: "The longest time between reading a reference and committing it to another row: marks stay so long.",
  },
  sweepEveryMillis: {
    unit: "ms",
    default: 30 * DAY,
    min: MINUTE,
    max: 3650 * DAY,
    text: "How often all needles of a volume are looked at again for orphans.",
  },
  compactGarbagePercent: {
    unit: "percent",
    default: 30,
    min: 1,
    max: 100,
    text: "Garbage in a volume from which its live needles are copied to a new generation.",
  },
  compactIntervalMillis: {
    unit: "ms",
    default: 10 * SECOND,
    min: 10,
    max: HOUR,
    text: "Pause between two looks for a volume to compact.",
  },
  compactBytesPerSecond: {
    unit: "bytes/s",
    default: 64 * MIB,
    min: 64 * KIB,
    max: 64 * GIB,
    text: "Rate of reading and writing for compaction.",
  },
  scrubBytesPerSecond: {
    unit: "bytes/s",
    default: 8 * MIB,
    min: 0,
    max: 64 * GIB,
    text: "Rate at which all volumes are read and verified; 0 turns the scrub off.",
  },
  scrubEveryMillis: {
    unit: "ms",
    default: 7 * DAY,
    min: 10,
    max: 3650 * DAY,
    text: "The scrub leaves a volume alone for this long after it was verified.",
  },
  copies: {
    unit: "count",
    default: 3,
    min: 1,
    max: 16,
    text: "Nodes of a cluster that hold each volume, itself included; all of them where there are fewer.",
  },
  writeCopiesMin: {
    unit: "count",
    default: 2,
    min: 1,
    max: 16,
    text: "Copies without which nothing is acknowledged; fewer only where the cluster has fewer nodes.",
  },
  replicaLagMillisMax: {
    unit: "ms",
    default: 2 * SECOND,
    min: 10,
    max: HOUR,
    text: "How much later than the local copy one on another node may be before the writer goes on without it.",
  },
  takeoverAfterMillis: {
    unit: "ms",
    default: 10 * SECOND,
    min: 100,
    max: DAY,
    text: "How long a node is away before another one takes over the volumes that it wrote.",
  },
  healAfterMillis: {
    unit: "ms",
    default: 5 * 60 * SECOND,
    min: 1000,
    max: DAY,
    text: "How long a node is away before the copies that it held are made anew on others; a removed one counts at once.",
  },
  healBytesPerSecond: {
    unit: "bytes/s",
    default: 64 * MIB,
    min: 64 * KIB,
    max: 64 * GIB,
    text: "At which rate copies come to a node, or are mended on it.",
  },
  hedgeMillis: {
    unit: "ms",
    default: 100,
    min: 1,
    max: HOUR,
    text: "How long a read waits for another node before it asks one more.",
  },
  remoteReadMillisMax: {
    unit: "ms",
    default: 5 * SECOND,
    min: 10,
    max: HOUR,
    text: "How long a read waits for an answer of other nodes in all.",
  },
};

/** The given options over the defaults. Throws BLOB_OPTION_INVALID. */
export function blobOptions(given: Partial<BlobOptions> = {}): BlobOptions {
  const options: Record<string, number> = {};
  for (const [name, entry] of Object.entries(BLOB_OPTIONS)) {
    const value = given[name as keyof BlobOptions] ?? entry.default;
    if (!Number.isSafeInteger(value) || value < entry.min || value > entry.max) throw invalid(name, value, entry);
    options[name] = value;
  }
  const checked = options as Record<keyof BlobOptions, number>;
  const extentSlot = slotBytesFor(2048, Math.max(checked.extentBytes, checked.needleBytesMax));
  const volumeBytesMin = SUPERBLOCK_BYTES + 2 * (extentSlot + SUPERBLOCK_BYTES);
  if (checked.volumeBytes < volumeBytesMin) {
    throw invalid("volumeBytes", checked.volumeBytes, { ...BLOB_OPTIONS.volumeBytes, min: volumeBytesMin });
  }
  return checked;
}

function invalid(name: string, value: unknown, entry: BlobOptionEntry): Error {
  return blobFailure("BLOB_OPTION_INVALID", {
    what: `The option ${name} is out of its range.`,
    data: { name, value, min: entry.min, max: entry.max, unit: entry.unit },
  });
}
