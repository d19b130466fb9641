import assert from "node:assert/strict";
import { utf8 } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import type { StoreErrorCode } from "../errors.ts";
import type { Check, CommitResult, Committed, Put, RowAddress, RowKey, Store } from "../store.ts";

/** What one test works on: an open Store that began empty, and what the engine's provider can do to it. */
export interface Subject {
  /** The one that is open now. */
  readonly store: Store;
  /** Closes it and opens it again over the same data. */
  reopen(): Promise<void>;
  /** Ends it without warning: what is not durable is gone. Opens it again over the rest. */
  crash(): Promise<void>;
  /** Lets time pass for leases. */
  elapse(millis: number): Promise<void>;
}

export type Need = "reopen" | "crash" | "elapse";

export interface Case {
  /** A sentence on what an engine does. It names the test in lists of skips, so it does not change. */
  readonly name: string;
  readonly needs?: readonly Need[];
  readonly run: (subject: Subject) => Promise<void>;
}

export const TABLE = 200;
export const OTHER_TABLE = 201;

export function at(key: string | Uint8Array, table: number = TABLE): RowAddress {
  return { table, key: typeof key === "string" ? utf8(key) : key };
}

export function put(key: string | Uint8Array, value: string | Uint8Array = "value"): Put {
  return { ...at(key), value: typeof value === "string" ? utf8(value) : value };
}

export function absent(key: string): Check {
  return { ...at(key), absent: true };
}

export function revision(key: string, number: number): Check {
  return { ...at(key), revision: number };
}

/**
 * Short keys that are easy to get wrong: empty, zero and 0xff bytes, each a prefix of others, with and without
 * suffixes.
 */
export function awkwardKeys(): Required<RowKey>[] {
  const bytes = [0x00, 0x01, 0x7f, 0xff];
  const shorts = [[], ...bytes.map((byte) => [byte])];
  const keys = [...shorts, ...bytes.flatMap((first) => bytes.map((second) => [first, second]))];
  return keys.flatMap((key) =>
    shorts.slice(0, 4).map((suffix) => ({ key: Uint8Array.of(...key), suffix: Uint8Array.of(...suffix) })),
  );
}

export async function committed(result: Promise<CommitResult>): Promise<Committed> {
  const settled = await result;
  assert.ok(settled.committed, "the commit meets no conflict");
  return settled;
}

/** Runs at most `width` of the jobs at a time: engines may refuse more. */
export async function inParallel(
  count: number,
  width: number,
  job: (number: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    while (next < count) await job(next++);
  };
  await Promise.all(Array.from({ length: Math.min(width, count) }, lane));
}

export function failsWith(code: StoreErrorCode): (error: unknown) => boolean {
  return (error) => hasCode(error, code);
}
