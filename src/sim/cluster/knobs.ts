import type { Draw } from "../kernel/index.ts";
import { ACTIONS, type ActionName } from "./operator/action-names.ts";

/** What a row keeps of one body: larger ones lie in volumes, which other simulations look at. */
const BODY_BYTES_MAX = 4_096;

/** What a seed decides about the cluster beside its size and its faults. */
export interface ClusterKnobs {
  /** Those who speak S3, and those who commit to the Store. */
  readonly users: number;
  readonly keys: number;
  /** Between two requests of one client. */
  readonly thinkMillis: number;
  readonly bodyBytesMax: number;
  readonly transactors: number;
  readonly lists: number;
  /** Between two actions of the operator; 0: he does nothing. */
  readonly operatorMillis: number;
  readonly actions: readonly ActionName[];
  /** Between two changes of ranges; 0: all keys stay with the root group. */
  readonly rangesMillis: number;
  readonly segmentBytes: number;
  /** Answers that get lost on their way to the client. */
  readonly lostAnswerChance: number;
}

export function drawKnobs(draw: Draw): ClusterKnobs {
  return {
    users: draw.integer(2, 4),
    keys: draw.integer(2, 6),
    thinkMillis: Math.round(draw.logarithmic([60, 600])),
    bodyBytesMax: draw.pick([512, BODY_BYTES_MAX]),
    transactors: draw.integer(1, 3),
    lists: draw.integer(2, 4),
    operatorMillis: draw.chance(0.4) ? 0 : Math.round(draw.logarithmic([500, 4_000])),
    actions: ACTIONS.filter(() => draw.chance(0.6)),
    rangesMillis: draw.chance(0.4) ? 0 : Math.round(draw.logarithmic([200, 3_000])),
    segmentBytes: draw.pick([131_072, 262_144]),
    lostAnswerChance: draw.pick([0, 0, 0.02]),
  };
}
