import { mustFit } from "./encodings.ts";
import { idFailure } from "./errors.ts";
import { type IdLayout, widthOf } from "./layout.ts";

export interface DecodedId {
  /** When the id's unit begins, in milliseconds since 1970. */
  readonly timeMillis: number;
  /** Units since the layout's epoch. */
  readonly tick: number;
  readonly worker: number;
  readonly sequence: number;
}

/** The fields of an id whose layout is known. Throws OUT_OF_RANGE where the number is wider than the layout. */
export function decodeId(id: bigint, layout: IdLayout): DecodedId {
  const { workerBits, sequenceBits, order, epochMillis, unitMillis } = layout;
  mustFit(id, widthOf(layout));
  const tick = Number(id >> BigInt(workerBits + sequenceBits));
  const [workerShift, sequenceShift] = order === "time-worker-sequence" ? [sequenceBits, 0] : [0, workerBits];
  return {
    timeMillis: epochMillis + tick * unitMillis,
    tick,
    worker: Number(BigInt.asUintN(workerBits, id >> BigInt(workerShift))),
    sequence: Number(BigInt.asUintN(sequenceBits, id >> BigInt(sequenceShift))),
  };
}

/**
 * The least id of a time or later: `id >= firstIdOf(layout, from) && id < firstIdOf(layout, to)` finds what was made in a
 * span. Throws OUT_OF_RANGE for a time that the layout has no ids of.
 */
export function firstIdOf(layout: IdLayout, timeMillis: number): bigint {
  const tick = Math.ceil((timeMillis - layout.epochMillis) / layout.unitMillis);
  if (!(tick >= 0 && tick < 2 ** layout.timeBits))
    throw idFailure("OUT_OF_RANGE", {
      what: `The layout ${layout.name} has no ids of that time.`,
      data: { timeMillis },
    });
  return BigInt(tick) << BigInt(layout.workerBits + layout.sequenceBits);
}

/** The worker's number in the parts that the layout names, from the most significant. */
export function workerPartsOf(
  worker: number,
  layout: IdLayout,
): readonly { readonly name: string; readonly bits: number; readonly value: number }[] {
  const parts = layout.workerParts ?? [{ name: "worker", bits: layout.workerBits }];
  let left = layout.workerBits;
  return parts.map(({ name, bits }) => {
    left -= bits;
    return { name, bits, value: Math.floor(worker / 2 ** left) % 2 ** bits };
  });
}
