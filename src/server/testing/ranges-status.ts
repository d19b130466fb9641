import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { ServerProcess } from "../../testing/server-process.ts";
import { apiCall } from "./cluster-status.ts";

/** The parts of `GET /v1/cluster/ranges` that tests look at. */
export interface RangesAnswer {
  readonly ranges: readonly { readonly from: unknown; readonly group: number }[];
  readonly groups: readonly { readonly id: number; readonly members: readonly number[]; readonly leader?: number }[];
  readonly transfers: readonly unknown[];
}

const UNTIL_MILLIS = 60_000;

/** Until the ranges are as they should be; then how they are. */
export async function untilRanges(
  server: ServerProcess,
  isSo: (ranges: RangesAnswer) => boolean,
): Promise<RangesAnswer> {
  let last: unknown;
  for (const end = Date.now() + UNTIL_MILLIS; Date.now() < end; await sleep(200)) {
    try {
      const ranges = (await apiCall(server, "GET", "/v1/cluster/ranges")) as RangesAnswer;
      last = ranges;
      if (isSo(ranges)) return ranges;
    } catch (error) {
      last = error;
    }
  }
  return assert.fail(`the ranges never were as they should be: ${JSON.stringify(last)} ${String(last)}`);
}
