// Uploads go on while pages change. A file never takes the place of an object without being asked.

import { ApiFailure } from "../api/client.ts";
import { startUpload } from "../api/upload.ts";
import { isRunning, startable, TRANSFER_LIMITS, type Transfer, withTransfer } from "../model/transfers.ts";
import { type Signal, signal } from "../vendor/signals.js";
import { client } from "./session.ts";

export interface ChosenFile {
  /** Behind the prefix: with folders, where a folder was dropped. */
  readonly name: string;
  readonly file: File;
}

export const transfers: Signal<readonly Transfer[]> = signal<readonly Transfer[]>([]);
/** Grows when uploads have come to rest: listings load again. */
export const uploadRounds: Signal<number> = signal(0);

const files: Map<number, File> = new Map();
const stops: Map<number, () => void> = new Map();
let count = 0;
/** Of a larger file it is asked first whether its name is free: a refusal after a gigabyte is no pleasure. */
const ASK_BYTES = 1_048_576;

/** Returns how many files were not taken, because there may not be more. */
export function enqueue(bucket: string, prefix: string, chosen: readonly ChosenFile[]): number {
  const kept = transfers.peek().filter(isRunning);
  const room = Math.max(0, TRANSFER_LIMITS.filesMax - kept.length);
  const added = chosen.slice(0, room).map(({ name, file }): Transfer => {
    const id = ++count;
    files.set(id, file);
    return { id, bucket, key: prefix + name, sizeBytes: file.size, sentBytes: 0, state: "waiting", replace: false };
  });
  const open = transfers.peek().filter(({ state }) => state !== "done" && state !== "cancelled");
  transfers.value = [...open, ...added];
  pump();
  return chosen.length - added.length;
}

export function cancel(id: number): void {
  stops.get(id)?.();
  settle(id, { state: "cancelled" });
}

export function cancelAll(): void {
  for (const { id } of transfers.peek().filter(isRunning)) cancel(id);
}

/** Puts the file in the place of what is there, or tries a failed one again. */
export function retry(id: number, replace: boolean): void {
  const { replace: before = false } = transfers.peek().find((each) => each.id === id) ?? {};
  transfers.value = withTransfer(transfers.peek(), id, { state: "waiting", sentBytes: 0, replace: replace || before });
  pump();
}

/** Lets go of those that are over. */
export function dismiss(): void {
  for (const { id } of transfers.peek().filter((each) => !isRunning(each))) files.delete(id);
  transfers.value = transfers.peek().filter(isRunning);
}

/** The browser asks before it leaves while files are sent. */
export function guardUnload(): void {
  window.addEventListener("beforeunload", (event) => {
    if (transfers.peek().some(isRunning)) event.preventDefault();
  });
}

function pump(): void {
  for (const transfer of startable(transfers.peek())) {
    transfers.value = withTransfer(transfers.peek(), transfer.id, { state: "sending" });
    void send(transfer);
  }
}

async function send({ id, bucket, key, replace }: Transfer): Promise<void> {
  const file = files.get(id)!;
  if (!replace && file.size > ASK_BYTES && (await isTaken(bucket, key))) return settle(id, { state: "exists" });
  if (transfers.peek().find((each) => each.id === id)?.state !== "sending") return;
  const stop = startUpload({
    ...{ bucket, key, file, replace },
    onProgress: (sentBytes) => {
      transfers.value = withTransfer(transfers.peek(), id, { sentBytes });
    },
    onEnd: (failure) => {
      if (failure === undefined) settle(id, { state: "done", sentBytes: file.size });
      else if (failure.code === "PRECONDITION_FAILED" && !replace) settle(id, { state: "exists", sentBytes: 0 });
      else settle(id, { state: "failed", message: `${failure.message} ${failure.advice}` });
    },
  });
  stops.set(id, stop);
}

function settle(id: number, change: Partial<Transfer>): void {
  stops.delete(id);
  if (change.state === "done" || change.state === "cancelled") files.delete(id);
  transfers.value = withTransfer(transfers.peek(), id, change);
  pump();
  if (!transfers.peek().some(isRunning)) uploadRounds.value++;
}

async function isTaken(bucket: string, key: string): Promise<boolean> {
  try {
    await client.call("describeObject", { path: { bucket }, query: { key } });
    return true;
  } catch (error) {
    if (error instanceof ApiFailure) return false;
    throw error;
  }
}
