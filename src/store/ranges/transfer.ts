// Brings the keys of an interval from one group to another. The source goes on serving them while their rows are copied
// and what is written meanwhile is copied after; only for the last of that nobody serves them. A driver that breaks off
// leaves a state from which another one, under a higher attempt, begins again or sees that it is done.

import { EMPTY } from "../../std/bytes.ts";
import type { ExportPage, PageLimits, WrittenPage } from "../machine/export-pages.ts";
import { isResultKey, requestOfResultKey } from "../machine/keys.ts";
import type { RangeCommand } from "../machine/range-commands.ts";
import type { KeyInterval } from "../machine/range-state.ts";
import type { Transferred } from "../machine/result.ts";

/** A group as whoever drives a transfer sees it. Its calls go on until their outcome is known. */
export interface TransferGroup {
  /** Rejects with TRANSFER_SUPERSEDED where another driver has taken over, with RANGE_MISMATCH where it can not be. */
  step(command: RangeCommand): Promise<Transferred>;
  /** Linearizable, as is `writtenPage`. */
  exportPage(interval: KeyInterval, from: Uint8Array | undefined, limits: PageLimits): Promise<ExportPage>;
  writtenPage(transfer: number, limits: PageLimits): Promise<WrittenPage>;
}

export interface TransferName extends KeyInterval {
  readonly transfer: number;
  readonly attempt: number;
  /** The ids of the two groups. */
  readonly source: number;
  readonly target: number;
}

export interface TransferRun extends TransferName {
  readonly sourceGroup: TransferGroup;
  readonly targetGroup: TransferGroup;
  readonly limits: PageLimits;
  /** Called before rows and results of leases come to the target. */
  readonly lend?: (leases: ReadonlySet<number>) => Promise<void>;
  /**
   * Called behind each page with its bytes: the way has other users. What is urgent was written meanwhile: it has to
   * come faster than more is written, and nobody serves the keys while the last of it comes.
   */
  readonly pace?: (bytes: number, isUrgent: boolean) => Promise<void>;
}

export const PAGE_LIMITS: PageLimits = { rowsMax: 512, bytesMax: 512 * 1024 };

/** Resolves when the target serves the keys. Nobody has been told that yet: the source still holds them frozen. */
export async function bringKeys(run: TransferRun): Promise<void> {
  const { sourceGroup, targetGroup, transfer, attempt, from, to, source, target } = run;
  const name = { transfer, attempt };
  const begun = await targetGroup.step({ kind: "import-begin", ...name, from, to, source });
  if (begun.phase === "finished") return;
  await sourceGroup.step({ kind: "export-begin", ...name, from, to, target });
  await untilDone(() => targetGroup.step({ kind: "import-clear", ...name }));
  const copier = new Copier(run);
  await copier.copyRows();
  while ((await copier.copyWritten()).more);
  const { revision } = await sourceGroup.step({ kind: "export-freeze", ...name });
  while ((await copier.copyWritten()).rows > 0);
  await targetGroup.step({ kind: "import-finish", ...name, pieces: copier.pieces, revision });
}

/** The source lets go of keys that the range map names the target for. */
export async function releaseKeys({ sourceGroup, targetGroup, transfer, attempt }: TransferRun): Promise<void> {
  const name = { transfer, attempt };
  await untilDone(() => sourceGroup.step({ kind: "export-end", ...name, isMoved: true }));
  await targetGroup.step({ kind: "import-end", ...name, isFinished: true });
}

/** Undoes what has been done. False where it is too late: the target serves the keys. */
export async function giveUp(run: TransferRun): Promise<boolean> {
  const { sourceGroup, targetGroup, transfer, attempt } = run;
  const name = { transfer, attempt };
  const ended = await untilDone(() => targetGroup.step({ kind: "import-end", ...name, isFinished: false }));
  if (ended.phase === "finished") return false;
  await untilDone(() => sourceGroup.step({ kind: "export-end", ...name, isMoved: false }));
  return true;
}

export type CopyRun = Omit<TransferRun, "target" | "targetGroup"> & {
  readonly targetGroup: Pick<TransferGroup, "step">;
};

/** Copies an interval from where it is given away, piece by piece. */
export class Copier {
  readonly #run: CopyRun;
  #pieces = 0;

  constructor(run: CopyRun) {
    this.#run = run;
  }

  get pieces(): number {
    return this.#pieces;
  }

  async copyRows(): Promise<void> {
    const { sourceGroup, limits } = this.#run;
    let from: Uint8Array | undefined;
    do {
      const { rows, next } = await sourceGroup.exportPage(this.#run, from, limits);
      await this.#import(rows, false);
      from = next;
    } while (from !== undefined);
  }

  /** One page of what was written since it was copied. */
  async copyWritten(): Promise<{ readonly rows: number; readonly more: boolean }> {
    const { sourceGroup, transfer, attempt, limits } = this.#run;
    const { rows, written, more } = await sourceGroup.writtenPage(transfer, limits);
    await this.#import(rows, true);
    if (written.length > 0) await sourceGroup.step({ kind: "export-clean", transfer, attempt, rows: written });
    return { rows: written.length, more };
  }

  async #import(rows: ExportPage["rows"], isUrgent: boolean): Promise<void> {
    if (rows.length === 0) return;
    const { targetGroup, transfer, attempt, pace, lend } = this.#run;
    const leases = leasesOf(rows);
    if (leases.size > 0) await lend?.(leases);
    await targetGroup.step({ kind: "import-rows", transfer, attempt, piece: this.#pieces, rows });
    this.#pieces++;
    let bytes = 0;
    for (const { key, value = EMPTY } of rows) bytes += key.length + value.length;
    await pace?.(bytes, isUrgent);
  }
}

/** Sessions are leases, too. */
function leasesOf(rows: ExportPage["rows"]): Set<number> {
  const leases = new Set<number>();
  for (const { key, lease, value } of rows) {
    if (value === undefined) continue;
    if (lease !== 0) leases.add(lease);
    if (isResultKey(key)) leases.add(requestOfResultKey(key).session);
  }
  return leases;
}

/** Of a step that is asked for again while more of it is left. */
export async function untilDone(step: () => Promise<Transferred>): Promise<Transferred> {
  for (;;) {
    const result = await step();
    if (!result.more) return result;
  }
}
