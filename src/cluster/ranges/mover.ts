// Drives what the rows of transfers say, on whoever leads the root group: brings the keys, then has the map name the
// target, then has the source let go. Each driver begins by taking the number of a new attempt, from which on the groups
// refuse what an earlier one still asks for. A driver that breaks off leaves a row from which the next one goes on.
//
//   bringing    the source serves the keys, or nobody for a moment; the map names the source
//   releasing   the target serves them, and the map says so; the source still has their rows
//   givingUp    the source keeps them, unless the target serves them by now
//   holding     somebody holds all keys where they are: see hold.ts

import { Pacer } from "../../blob/index.ts";
import type { Clock, Timers } from "../../env/index.ts";
import { AshlarError, hasCode } from "../../std/errors.ts";
import {
  bringKeys,
  type GroupRouter,
  type GroupRow,
  giveUp,
  HOLD,
  PAGE_LIMITS,
  type PageLimits,
  releaseKeys,
  type Store,
  storeFailure,
  type TransferGroup,
  type TransferRow,
  type TransferRun,
  transferGroup,
} from "../../store/index.ts";
import type { NodeRow } from "../node-row.ts";
import { pause } from "../pause.ts";
import { type HeldMap, letGo } from "./hold.ts";
import { assigned, changeLayout, readLayout } from "./layout.ts";
import { NO_RANGE_BUGS, type RangeBugs } from "./seeded-bugs.ts";

export interface MoverOptions {
  readonly env: { readonly clock: Clock; readonly timers: Timers };
  readonly root: Store;
  readonly leads: () => boolean;
  readonly router: Pick<GroupRouter, "group" | "lendMoved">;
  readonly nodes: () => readonly NodeRow[];
  /** Of rows as they lie at the source. */
  readonly bytesPerSecond: number;
  readonly pageLimits?: PageLimits;
  /** A target that is not founded by then is not waited for any longer. */
  readonly foundingMillisMax?: number;
  readonly onEvent?: (event: MoverEvent) => void;
  readonly onError: (error: unknown) => void;
  readonly bugs?: RangeBugs | undefined;
}

export interface MoverEvent {
  /** Brought: the target serves the keys. Arrived: the map says so. */
  readonly kind: "brought" | "arrived" | "ended" | "given-up";
  readonly transfer: TransferRow;
}

export interface MoveProgress {
  readonly transfer: number;
  readonly attempt: number;
  /** Of rows that this attempt has brought. */
  readonly bytes: number;
}

const FOUNDING_MILLIS_MAX = 60_000;
const PAUSE_MILLIS = 500;
const STEP_PAUSE_MILLIS = 50;
/** Of one step, until the attempt counts as broken off. */
const STEP_MILLIS_MAX = 30_000;
/** Of one transfer by one driver; then it is given up. */
const FAILURES_MAX = 20;

export class Mover {
  readonly #options: MoverOptions;
  readonly #abort = new AbortController();
  readonly #pacer: Pacer;
  #progress: MoveProgress | undefined;
  #failures = 0;
  /** The transfer whose target is waited for, and since when. */
  #founding: { readonly transfer: number; readonly sinceMillis: number } | undefined;

  constructor(options: MoverOptions) {
    const { env, bytesPerSecond } = options;
    this.#options = options;
    const sleep = (millis: number): Promise<void> => pause(env.timers, millis, this.#abort.signal);
    this.#pacer = new Pacer(env.clock, { sleep }, bytesPerSecond);
  }

  /** Of what this node drives. */
  get progress(): MoveProgress | undefined {
    return this.#progress;
  }

  stop(): void {
    this.#abort.abort();
  }

  /** Until nothing is on its way, or this node is not to drive any more. */
  async run(): Promise<void> {
    this.#failures = 0;
    while (this.#mayGoOn) {
      try {
        const isMore = await this.#drive();
        if (!isMore) return;
        this.#failures = 0;
      } catch (error) {
        if (!(error instanceof AshlarError)) throw error;
        await this.#failed(error);
      } finally {
        this.#progress = undefined;
      }
    }
  }

  get #mayGoOn(): boolean {
    return !this.#abort.signal.aborted && this.#options.leads();
  }

  /** One transfer to its end. False where there is none. */
  async #drive(): Promise<boolean> {
    const { transfers, groups, map } = await readLayout(this.#options.root);
    const [row] = transfers;
    if (row === undefined) return false;
    if (row.phase === "holding") {
      await this.#awaitLetGo({ row, ranges: map.ranges });
      return true;
    }
    const target = groups.find(({ id }) => id === row.target);
    if (target?.state === "founding") {
      await this.#awaitFounding(row, target);
      return true;
    }
    const claimed = await this.#claim(row.id);
    if (claimed === undefined) return true;
    const run = this.#runOf(claimed);
    if (claimed.phase === "givingUp" && (await this.#giveUp(run))) {
      await this.#end(claimed, "given-up");
      return true;
    }
    if (claimed.phase === "bringing") await this.#bring(run, claimed);
    if (claimed.phase !== "releasing") await this.#arrived(claimed);
    if (!this.#has("release-skipped")) await releaseKeys(run);
    await this.#end(claimed, "ended");
    return true;
  }

  /** While whoever holds all ranges is alive; then in his place. */
  async #awaitLetGo({ row, ranges }: HeldMap): Promise<void> {
    const { env, root, router, onEvent } = this.#options;
    const { row: hold } = await root.get(HOLD);
    if (hold !== undefined) return pause(env.timers, PAUSE_MILLIS, this.#abort.signal);
    const claimed = await this.#claim(row.id);
    if (claimed === undefined) return;
    await letGo({ env, root, router }, { row: claimed, ranges });
    onEvent?.({ kind: "given-up", transfer: claimed });
  }

  /** Nobody has begun with a group that is not founded: row and group go together. */
  async #awaitFounding({ id, target }: TransferRow, { nodes: founders }: GroupRow): Promise<void> {
    const { env, root, nodes, foundingMillisMax = FOUNDING_MILLIS_MAX } = this.#options;
    const nowMillis = env.clock.monotonic();
    if (this.#founding?.transfer !== id) this.#founding = { transfer: id, sinceMillis: nowMillis };
    // All of them found it together, or none does.
    const isOneGone = nodes().some((node) => node.state === "removed" && founders.includes(node.id));
    const isLate = isOneGone || nowMillis - this.#founding.sinceMillis > foundingMillisMax;
    await changeLayout(root, ({ transfers, groups }) => {
      const row = transfers.find((one) => one.id === id);
      const isUnfounded = groups.some((group) => group.id === target && group.state === "founding");
      if (row === undefined || !isUnfounded || (!isLate && row.phase !== "givingUp")) return undefined;
      return { groupsGone: [target], transfersGone: [id], result: undefined };
    });
    if (!isLate) await pause(env.timers, PAUSE_MILLIS, this.#abort.signal);
  }

  async #claim(id: number): Promise<TransferRow | undefined> {
    return changeLayout(this.#options.root, ({ transfers }) => {
      const row = transfers.find((one) => one.id === id);
      if (row === undefined || !this.#mayGoOn) return undefined;
      const attempt = this.#has("attempt-not-counted") ? 1 : row.attempt + 1;
      const claimed: TransferRow = { ...row, attempt };
      return { transfers: [claimed], result: claimed };
    });
  }

  #runOf({ id, attempt, source, target, from, to }: TransferRow): TransferRun {
    const { router, pageLimits = PAGE_LIMITS } = this.#options;
    this.#progress = { transfer: id, attempt, bytes: 0 };
    return {
      ...{ transfer: id, attempt, source, target, from, to, limits: pageLimits },
      ...{ sourceGroup: this.#group(source), targetGroup: this.#group(target) },
      lend: (leases) => router.lendMoved(leases, target),
      pace: (bytes, isUrgent) => this.#pace(bytes, isUrgent),
    };
  }

  /** Where it is reached may change between two steps. */
  #group(id: number): TransferGroup {
    const { env, router } = this.#options;
    return transferGroup({
      ...{ ...env, pauseMillis: STEP_PAUSE_MILLIS, millisMax: STEP_MILLIS_MAX },
      group: {
        propose: (command) => router.group(id).propose(command),
        exportPage: (...page) => router.group(id).exportPage(...page),
        writtenPage: (...page) => router.group(id).writtenPage(...page),
      },
    });
  }

  async #pace(bytes: number, isUrgent: boolean): Promise<void> {
    const progress = this.#progress!;
    this.#progress = { ...progress, bytes: progress.bytes + bytes };
    if (!isUrgent) await this.#pacer.pace(bytes);
    if (!this.#mayGoOn) throw storeFailure("TRANSFER_SUPERSEDED");
    if (isUrgent) return;
    const { transfers } = await readLayout(this.#options.root);
    const { transfer, attempt } = progress;
    const isOurs = transfers.some((row) => row.id === transfer && row.attempt === attempt && row.phase === "bringing");
    if (!isOurs) throw storeFailure("TRANSFER_SUPERSEDED");
  }

  async #bring(run: TransferRun, row: TransferRow): Promise<void> {
    if (this.#has("map-changed-first")) await this.#arrived(row);
    try {
      await bringKeys(run);
      this.#options.onEvent?.({ kind: "brought", transfer: row });
    } catch (error) {
      if (hasCode(error, "RANGE_MISMATCH")) await this.#abandon(row.id, (error as AshlarError).message);
      throw error;
    }
  }

  async #giveUp(run: TransferRun): Promise<boolean> {
    return (await giveUp(run)) || this.#has("give-up-too-late");
  }

  /** The target serves the keys: whoever finds that out may say so, whatever attempt it was. */
  async #arrived({ id }: TransferRow): Promise<void> {
    const arrived = await changeLayout(this.#options.root, ({ map, transfers }) => {
      const row = transfers.find((one) => one.id === id);
      if (row === undefined || row.phase === "releasing") return undefined;
      const released: TransferRow = { ...row, phase: "releasing" };
      return { ranges: assigned(map, row, row.target), transfers: [released], result: released };
    });
    if (arrived !== undefined) this.#options.onEvent?.({ kind: "arrived", transfer: arrived });
  }

  async #end(transfer: TransferRow, kind: "ended" | "given-up"): Promise<void> {
    const isEnded = await changeLayout(this.#options.root, ({ transfers }) => {
      if (!transfers.some(({ id }) => id === transfer.id)) return undefined;
      return { transfersGone: [transfer.id], result: true };
    });
    if (isEnded === true) this.#options.onEvent?.({ kind, transfer });
  }

  async #abandon(id: number, reason: string): Promise<void> {
    await changeLayout(this.#options.root, ({ transfers }) => {
      const row = transfers.find((one) => one.id === id);
      if (row?.phase !== "bringing") return undefined;
      return { transfers: [{ ...row, phase: "givingUp" as const, reason }], result: undefined };
    });
  }

  /** Somebody who is not reached may come back: the same is tried again for a while. */
  async #failed(error: AshlarError): Promise<void> {
    const { env, onError } = this.#options;
    const transfer = this.#progress?.transfer;
    if (!hasCode(error, "TRANSFER_SUPERSEDED")) {
      this.#failures++;
      if (!QUIET.some((code) => hasCode(error, code))) onError(error);
    }
    if (this.#failures >= FAILURES_MAX && transfer !== undefined && this.#mayGoOn) {
      this.#failures = 0;
      await this.#abandon(transfer, error.message).catch(onError);
    }
    await pause(env.timers, PAUSE_MILLIS, this.#abort.signal);
  }

  #has(bug: Parameters<RangeBugs["has"]>[0]): boolean {
    return (this.#options.bugs ?? NO_RANGE_BUGS).has(bug);
  }
}

const QUIET = ["NO_LEADER", "OUTCOME_UNKNOWN", "STOPPED", "OVERLOADED", "CONTENDED", "RANGE_MISMATCH"] as const;
