// The list of uploads as a value: what is to be started next, and what is to be told of them.

import { counted, formatBytes } from "./format.ts";

/** `exists`: something has that name, and somebody has to decide. */
export type TransferState = "waiting" | "sending" | "exists" | "done" | "failed" | "cancelled";

export interface Transfer {
  readonly id: number;
  readonly bucket: string;
  readonly key: string;
  readonly sizeBytes: number;
  readonly sentBytes: number;
  readonly state: TransferState;
  readonly replace: boolean;
  /** Of a failure. */
  readonly message?: string;
}

export const TRANSFER_LIMITS = { atOnceMax: 3, filesMax: 10_000, shownMax: 50 } as const;

export function isRunning({ state }: Transfer): boolean {
  return state === "waiting" || state === "sending";
}

/** What may start now, in order. */
export function startable(
  transfers: readonly Transfer[],
  atOnceMax: number = TRANSFER_LIMITS.atOnceMax,
): readonly Transfer[] {
  const sending = transfers.filter(({ state }) => state === "sending").length;
  return transfers.filter(({ state }) => state === "waiting").slice(0, Math.max(0, atOnceMax - sending));
}

/** With one of them changed. */
export function withTransfer(
  transfers: readonly Transfer[],
  id: number,
  change: Partial<Transfer>,
): readonly Transfer[] {
  return transfers.map((each) => (each.id === id ? { ...each, ...change } : each));
}

/** Those that ask for something first, then what is sent, then what waits, then what is over. */
export function shownTransfers(transfers: readonly Transfer[]): readonly Transfer[] {
  const order: readonly TransferState[] = ["exists", "failed", "sending", "waiting", "done", "cancelled"];
  const sorted = transfers.toSorted(
    (left, right) => order.indexOf(left.state) - order.indexOf(right.state) || left.id - right.id,
  );
  return sorted.slice(0, TRANSFER_LIMITS.shownMax);
}

/** One sentence, which changes when a file is through and not with every byte: it is read aloud. */
export function summaryOf(transfers: readonly Transfer[]): string {
  const count = (state: TransferState): number => transfers.filter((each) => each.state === state).length;
  const wanted = transfers.length - count("cancelled");
  if (wanted === 0) return "All uploads were cancelled.";
  const done = count("done");
  const head = done === wanted ? `${counted(done, "file")} uploaded` : `${done} of ${counted(wanted, "file")} uploaded`;
  const parts = [head];
  if (count("failed") > 0) parts.push(`${count("failed")} failed`);
  if (count("exists") > 0) parts.push(`${count("exists")} already there`);
  return `${parts.join(", ")}.`;
}

export interface Progress {
  /** From 0 to 1. */
  readonly share: number;
  /** `3.2 MiB of 10 MiB` */
  readonly text: string;
}

/** Of all files that are not given up, by their bytes. Empty files count as one byte, so that they move the bar too. */
export function progressOf(transfers: readonly Transfer[]): Progress {
  const counting = transfers.filter(({ state }) => state === "waiting" || state === "sending" || state === "done");
  const weight = (bytes: number): number => Math.max(1, bytes);
  const all = counting.reduce((sum, { sizeBytes }) => sum + weight(sizeBytes), 0);
  const sent = counting.reduce((sum, { state, sentBytes, sizeBytes }) => {
    return sum + (state === "done" ? weight(sizeBytes) : Math.min(sentBytes, sizeBytes));
  }, 0);
  const bytes = counting.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const sentBytes = Math.min(sent, bytes);
  return { share: all === 0 ? 0 : sent / all, text: `${formatBytes(sentBytes)} of ${formatBytes(bytes)}` };
}
