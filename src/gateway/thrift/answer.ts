import { encodeFrame, type ThriftMessage } from "../../codec/thrift/index.ts";
import { decodeId, LAYOUTS, type LayoutName, workerPartsOf } from "../../core/id/index.ts";
import type { Clock } from "../../env/index.ts";
import type { Ids } from "../../service/ids/index.ts";
import { concatBytes } from "../../std/bytes.ts";
import { AshlarError } from "../../std/errors.ts";
import {
  type Need,
  type Refusal,
  refusalOf,
  replyOf,
  type ThriftRequest,
  unavailable,
  wantsReply,
} from "./requests.ts";

export interface AnswerParts {
  readonly ids: Pick<Ids, "next">;
  readonly clock: Clock;
  /** An error that is no operating error: a bug. */
  readonly onUnexpected: (error: unknown) => void;
}

/** Its ids are the ones that a client of this service expects. */
const GENERATOR = "twitter" satisfies LayoutName;

/**
 * Answers requests in their order, in one piece. All ids among them come from one call, so that who sends many requests
 * ahead costs little more than who asks for many ids at once.
 */
export async function answer(parts: AnswerParts, requests: readonly ThriftRequest[]): Promise<Uint8Array> {
  const wanted = requests.filter(wantsReply);
  const count = wanted.filter(({ need }) => needsId(need)).length;
  const ids =
    count === 0 ? [] : await parts.ids.next(GENERATOR, count).catch((error: unknown) => refused(parts, error));
  let used = 0;
  const replies = wanted.map(({ header, need }): ThriftMessage => {
    if (typeof need === "object") return refusalOf(header, need);
    if (need === "time") return replyOf(header, BigInt(Math.floor(parts.clock.now())));
    if (!Array.isArray(ids)) return refusalOf(header, ids);
    return replyOf(header, resultOf(need, ids[used++]!));
  });
  return concatBytes(replies.map(encodeFrame));
}

/**
 * Who asks for the worker gets the one of an id that is made for it: a node holds its number on lease, and may have none
 * before, or another one behind it.
 */
function resultOf(need: Exclude<Need, "time">, id: bigint): bigint {
  if (need === "id") return id;
  const { worker } = decodeId(id, LAYOUTS[GENERATOR]);
  return BigInt(workerPartsOf(worker, LAYOUTS[GENERATOR]).find(({ name }) => name === need)!.value);
}

function needsId(need: ThriftRequest["need"]): boolean {
  return typeof need === "string" && need !== "time";
}

function refused({ onUnexpected }: AnswerParts, error: unknown): Refusal {
  if (!(error instanceof AshlarError)) onUnexpected(error);
  return unavailable(error);
}
