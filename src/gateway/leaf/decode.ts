// What Leaf's /decodeSnowflakeId says of a number, all of it text, in this order. Leaf knows one epoch and one division of the
// bits; here it may be those of any generator. Times are in UTC; Leaf prints its server's zone.

import { type IdLayout, widthOf } from "../../core/id/index.ts";
import { isoTime } from "../../std/time-text.ts";
import { LEAF_LIMITS } from "./limits.ts";

export type Decoded =
  | { readonly timestamp: string; readonly sequenceId: string; readonly workerId: string }
  | { readonly errorMsg: string };

/** Leaf's own words, which its clients may look for. */
const REFUSAL: Decoded = { errorMsg: "snowflake Id\u53cd\u89e3\u6790\u53d1\u751f\u5f02\u5e38!" };

const LONG_BITS = 64;
/** The years 0 to 9999, which four digits can tell. */
const MILLIS_MIN = Date.UTC(-1, 12);
const MILLIS_MAX = Date.UTC(10_000, 0) - 1;

/** Negative numbers have a time before the epoch, as in Leaf. What is no number of Java's type long, or no time, is refused. */
export function decodeAsLeaf(digits: string, layout: IdLayout): Decoded {
  const id = numberOf(digits, layout);
  if (id === undefined) return REFUSAL;
  const { sequenceBits, workerBits, order, unitMillis, epochMillis } = layout;
  const [lowBits, highBits] =
    order === "time-worker-sequence" ? [sequenceBits, workerBits] : [workerBits, sequenceBits];
  const low = BigInt.asUintN(lowBits, id);
  const high = BigInt.asUintN(highBits, id >> BigInt(lowBits));
  const [sequence, worker] = order === "time-worker-sequence" ? [low, high] : [high, low];
  const millis = Number((id >> BigInt(lowBits + highBits)) * BigInt(unitMillis)) + epochMillis;
  if (millis < MILLIS_MIN || millis > MILLIS_MAX) return REFUSAL;
  const timestamp = `${millis}(${isoTime(millis).replace("T", " ").replace("Z", "")})`;
  return { timestamp, sequenceId: String(sequence), workerId: String(worker) };
}

function numberOf(digits: string, layout: IdLayout): bigint | undefined {
  if (digits.length > LEAF_LIMITS.digitsMax || !/^[+-]?\d+$/.test(digits)) return undefined;
  const id = BigInt(digits.startsWith("+") ? digits.slice(1) : digits);
  const bits = Math.max(LONG_BITS - 1, widthOf(layout));
  return id >= -(2n ** BigInt(LONG_BITS - 1)) && id < 2n ** BigInt(bits) ? id : undefined;
}
