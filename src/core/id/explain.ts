import { decodeId, workerPartsOf } from "./decode.ts";
import { base32, base62, decimal, hex, malformed } from "./encodings.ts";
import { type IdLayout, LAYOUTS, widthOf } from "./layout.ts";
import { type IdReading, judgeTime } from "./reading.ts";
import { parseUlid } from "./ulid.ts";
import { parseUuid } from "./uuid.ts";
import { readUuid } from "./uuid-reading.ts";
import { fromBytes } from "./words.ts";

export interface ExplainOptions {
  readonly nowMillis: number;
  /** What the number may be; all of `LAYOUTS` where nothing is said. */
  readonly layouts?: readonly IdLayout[];
  /** Instead of the layouts' own. */
  readonly epochMillis?: number;
}

/**
 * What an id may be and what it then says, the likeliest reading first: UUIDs and ULIDs by their form, numbers (decimal,
 * hex, base32, base62, bytes) in all layouts that are wide enough. Throws MALFORMED where it is nothing of that.
 */
export function explainId(id: string | number | bigint | Uint8Array, options: ExplainOptions): IdReading[] {
  const readings = typeof id === "string" ? ofText(id, options) : ofOther(id, options);
  if (readings.length === 0) throw malformed("an id of any known form");
  // Who asks about an id mostly has one that was made not long ago.
  const rank = ({ plausibility, timeMillis = Number.POSITIVE_INFINITY }: IdReading): number =>
    plausibility === "likely" ? timeMillis : Number.NEGATIVE_INFINITY;
  return readings.toSorted((left, right) => compare(rank(right), rank(left)));
}

function compare(left: number, right: number): number {
  return left === right ? 0 : left < right ? -1 : 1;
}

function ofText(text: string, options: ExplainOptions): IdReading[] {
  // All ids of every kind are shorter; nothing longer is looked at.
  if (text.length > 64) throw malformed("an id of any known form");
  if (/^[0-9]+$/.test(text)) return ofNumber(decimal.decode(text, 128), options);
  const digits = text.replace(/^0x/i, "");
  if (/^[0-9a-f]{16}$/i.test(digits)) return ofNumber(hex.decode(digits, 64), options);
  if (/^[0-9a-f]{32}$/i.test(digits)) return ofWide(hex.decode(digits, 128), options);
  if (/^[0-9a-f]{8}-/i.test(text)) return [readUuid(fromBytes(parseUuid(text)), options.nowMillis)];
  if (text.length === 26) return [readUlid(fromBytes(parseUlid(text)), options.nowMillis)];
  if (text.length === 13) return ofNumber(base32.decode(text, 64), options);
  if (text.length === 11) return ofNumber(base62.decode(text, 64), options);
  return [];
}

function ofOther(id: number | bigint | Uint8Array, options: ExplainOptions): IdReading[] {
  if (typeof id === "bigint") return id < 0n || id >> 128n !== 0n ? [] : ofNumber(id, options);
  if (typeof id === "number") {
    // A greater one has lost digits: its fields would be invented.
    if (!Number.isSafeInteger(id) || id < 0) throw malformed("a whole number below 2^53");
    return ofNumber(BigInt(id), options);
  }
  if (id.length === 16) return ofWide(fromBytes(id), options);
  if (id.length !== 8) return [];
  const layouts = options.layouts ?? Object.values(LAYOUTS);
  return (["big", "little"] as const).flatMap((byteOrder) => {
    const bytes = byteOrder === "big" ? id : id.toReversed();
    return ofNumber(fromBytes(bytes), { ...options, layouts: layouts.filter((each) => each.byteOrder === byteOrder) });
  });
}

/** 16 bytes can be anything that has so many. */
function ofWide(id: bigint, options: ExplainOptions): IdReading[] {
  return [readUuid(id, options.nowMillis), readUlid(id, options.nowMillis), ...ofNumber(id, options)];
}

function ofNumber(
  id: bigint,
  { nowMillis, layouts = Object.values(LAYOUTS), epochMillis }: ExplainOptions,
): IdReading[] {
  return layouts
    .filter((layout) => id >> BigInt(widthOf(layout)) === 0n)
    .map((layout) => readNumber(id, epochMillis === undefined ? layout : { ...layout, epochMillis }, nowMillis));
}

function readNumber(id: bigint, layout: IdLayout, nowMillis: number): IdReading {
  const { timeMillis, worker, sequence } = decodeId(id, layout);
  const workers = workerPartsOf(worker, layout).map(({ name, bits, value }) => ({ name, bits, value: BigInt(value) }));
  const sequences = { name: "sequence", bits: layout.sequenceBits, value: BigInt(sequence) };
  const tail = layout.order === "time-worker-sequence" ? [...workers, sequences] : [sequences, ...workers];
  const fields = [
    { name: "time", bits: layout.timeBits, value: id >> BigInt(layout.workerBits + layout.sequenceBits) },
    ...tail,
  ];
  return { kind: layout.name, id, fields, ...judgeTime(timeMillis, nowMillis, layout.epochMillis) };
}

function readUlid(id: bigint, nowMillis: number): IdReading {
  const timeMillis = Number(id >> 80n);
  const fields = [
    { name: "time", bits: 48, value: BigInt(timeMillis) },
    { name: "random", bits: 80, value: BigInt.asUintN(80, id) },
  ];
  return { kind: "ulid", id, fields, ...judgeTime(timeMillis, nowMillis, 0) };
}
