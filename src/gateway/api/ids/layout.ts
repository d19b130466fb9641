import { type IdLayout, KNOWN_LAYOUTS } from "../../../service/ids/index.ts";
import { nearestName } from "../../../std/options.ts";
import type { Infer } from "../schema.ts";
import { invalid } from "../validate.ts";

/** A known layout with what the body changes of it, or one of the body's own. Throws INPUT_INVALID. */
export function layoutOf(body: Infer<"DefineGenerator">): IdLayout {
  const known = body.layout === undefined ? BIT_BY_BIT : KNOWN_LAYOUTS[body.layout];
  if (known === undefined) {
    const nearest = nearestName(body.layout!, Object.keys(KNOWN_LAYOUTS));
    const names = Object.keys(KNOWN_LAYOUTS).join(", ");
    throw invalid(
      "body.layout",
      `is no known layout; ${nearest === undefined ? `known are ${names}` : `${nearest} is near`}`,
    );
  }
  const { timeBits, workerBits, sequenceBits } = body;
  const isSplit = timeBits !== undefined && workerBits !== undefined && sequenceBits !== undefined;
  if (known === BIT_BY_BIT && !isSplit)
    throw invalid("body", "needs a known layout, or timeBits, workerBits and sequenceBits");
  return {
    ...known,
    timeBits: timeBits ?? known.timeBits,
    workerBits: workerBits ?? known.workerBits,
    sequenceBits: sequenceBits ?? known.sequenceBits,
    unitMillis: body.unitMillis ?? known.unitMillis,
    order: body.order ?? known.order,
    epochMillis: epochOf(body.epoch) ?? known.epochMillis,
  };
}

const BIT_BY_BIT: IdLayout = {
  ...{ name: "", epochMillis: 0, unitMillis: 1, timeBits: 0, workerBits: 0, sequenceBits: 0 },
  ...{ order: "time-worker-sequence", byteOrder: "big", sequenceStartBelow: 1 },
};

function epochOf(epoch: string | undefined): number | undefined {
  if (epoch === undefined) return undefined;
  const millis = Date.parse(epoch);
  if (Number.isNaN(millis) || millis < 0) throw invalid("body.epoch", "has to be an instant from 1970 on");
  return millis;
}
