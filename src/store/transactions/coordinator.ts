// Commits over several groups. Each try is a transaction of its own; a try that meets a lock lets go of all that it has
// locked, pauses and is followed by another, until the caller's deadline. So nobody ever waits while others wait for him.

import type { Clock, Random, Timers } from "../../env/index.ts";
import { AssertionError } from "../../std/assert.ts";
import { hasCode } from "../../std/errors.ts";
import { commitBytes, type PreparedCommit, prepareCommit } from "../commit-rules.ts";
import { storeFailure } from "../errors.ts";
import { NO_TRANSACTION_BUGS, type TransactionBugs } from "../machine/prepared-bugs.ts";
import { TRANSACTION_BYTES } from "../machine/prepared-keys.ts";
import type { Commit } from "../store.ts";
import { type Answer, CommitSteps, type RevisionMark, type Step, type TryOutcome } from "./commit-steps.ts";
import { Deadlines } from "./deadlines.ts";
import { TRANSACTION_DEFAULTS, type TransactionOptions } from "./options.ts";
import type { Participants } from "./participant.ts";
import { Resolver } from "./resolver.ts";
import { homeOf, sharesOf } from "./shares.ts";

export interface CoordinatorSettings {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly participants: Participants;
  readonly options?: Partial<TransactionOptions>;
  readonly bugs?: TransactionBugs;
}

export interface AcrossOptions {
  /** How long it may take; `commitMillisMax` where left out. */
  readonly withinMillis?: number;
  readonly signal?: AbortSignal;
}

export type AcrossResult =
  | { readonly committed: true; readonly revision: number; readonly marks: readonly RevisionMark[] }
  | { readonly committed: false; readonly failedChecks: readonly number[]; readonly marks: readonly RevisionMark[] };

export class Coordinator {
  readonly #settings: CoordinatorSettings;
  readonly #options: TransactionOptions;
  readonly #bugs: TransactionBugs;
  readonly #resolver: Resolver;
  readonly #deadlines: Deadlines;
  /** Tries whose last step has not been answered. */
  #underWay = 0;
  #bytesUnderWay = 0;
  #closed = false;

  constructor(settings: CoordinatorSettings) {
    this.#settings = settings;
    this.#options = { ...TRANSACTION_DEFAULTS, ...settings.options };
    this.#bugs = settings.bugs ?? NO_TRANSACTION_BUGS;
    const { clock, participants } = settings;
    this.#resolver = new Resolver({ clock, participants, options: this.#options, bugs: this.#bugs });
    this.#deadlines = new Deadlines(settings);
  }

  get underWay(): number {
    return this.#underWay;
  }

  /**
   * Resolves when the decision is durable; rows are seen to be written from then on. Rejects as a Store's commit, and with
   * DEADLINE_PASSED where nothing was written because others were in the way for too long.
   */
  async commit(commit: Commit, options: AcrossOptions = {}): Promise<AcrossResult> {
    return this.commitPrepared(prepareCommit(commit), options);
  }

  async commitPrepared(prepared: PreparedCommit, { withinMillis, signal }: AcrossOptions = {}): Promise<AcrossResult> {
    const home = homeOf(prepared);
    if (home === undefined) {
      throw storeFailure("REQUEST_INVALID", {
        what: "A commit over several groups writes or checks at least one row.",
      });
    }
    const { clock, participants } = this.#settings;
    const deadline = clock.monotonic() + (withinMillis ?? this.#options.commitMillisMax);
    for (let tries = 1; ; tries++) {
      this.#checkOpen(signal);
      const outcome = await this.#try(prepared, home, deadline, signal);
      const result = resultOf(outcome);
      if (result !== undefined) return result;
      if (outcome.kind === "moved") await participants.correct?.();
      else if (outcome.kind === "again") await this.#look(outcome, tries);
      if (clock.monotonic() >= deadline) throw storeFailure("DEADLINE_PASSED", { data: { tries } });
      await this.#pause(tries, deadline);
    }
  }

  /** What is under way ends as if its time was over. */
  close(): void {
    this.#closed = true;
    this.#deadlines.passAll();
    this.#deadlines.close();
  }

  #checkOpen(signal: AbortSignal | undefined): void {
    if (this.#closed) throw storeFailure("STOPPED");
    signal?.throwIfAborted();
  }

  #try(commit: PreparedCommit, home: Uint8Array, millis: number, signal?: AbortSignal): Promise<TryOutcome> {
    const { participants, random } = this.#settings;
    const { commitsMax, commitsBytesMax } = this.#options;
    const bytes = commitBytes(commit);
    if (this.#underWay >= commitsMax || this.#bytesUnderWay + bytes > commitsBytesMax) {
      const data = { commits: this.#underWay, bytes: this.#bytesUnderWay };
      return Promise.reject(storeFailure("OVERLOADED", { data }));
    }
    const shares = sharesOf(commit, participants, this.#options.participantsMax);
    const name = { transaction: random.bytes(TRANSACTION_BYTES), home };
    const steps = new CommitSteps(name, commit, shares, this.#bugs);
    return new Promise((resolve) => {
      const giveUp = (): void => {
        steps.giveUp();
        running.told();
      };
      const deadline = { millis, passed: giveUp };
      const told = (): void => {
        if (steps.outcome === undefined) return;
        this.#deadlines.remove(deadline);
        signal?.removeEventListener("abort", giveUp);
        resolve(steps.outcome);
      };
      const running: Running = { steps, told, bytes, unanswered: 0 };
      this.#deadlines.add(deadline);
      signal?.addEventListener("abort", giveUp, { once: true });
      this.#underWay++;
      this.#bytesUnderWay += bytes;
      this.#sendDue(running);
    });
  }

  #sendDue(running: Running): void {
    for (const step of running.steps.take()) {
      running.unanswered++;
      this.#send(step).then(
        (answer) => this.#answered(running, step, answer),
        (error) => this.#answered(running, step, failure(error)),
      );
    }
    if (running.unanswered > 0) return;
    this.#underWay--;
    this.#bytesUnderWay -= running.bytes;
  }

  async #send({ share, command }: Step): Promise<Answer> {
    return share.participant.send(command);
  }

  #answered(running: Running, step: Step, answer: Answer): void {
    const { steps } = running;
    running.unanswered--;
    steps.answered(step, answer);
    running.told();
    // A decision that was sent and not answered goes out again, but not at once.
    if (step.command.kind === "decide" && steps.outcome === undefined) {
      running.unanswered++;
      this.#settings.timers.after(this.#options.pauseMillisMax, () => {
        running.unanswered--;
        this.#sendDue(running);
      });
    } else this.#sendDue(running);
  }

  /** A transaction that was in the way of one try may have gone by itself; of two in a row it is looked after. */
  async #look({ locked, lockedIn }: Extract<TryOutcome, { kind: "again" }>, tries: number): Promise<void> {
    if (locked === undefined || lockedIn === undefined) return;
    this.#resolver.ageMillis(locked.transaction);
    if (tries > 1) await this.#resolver.look(locked, lockedIn.participant).catch(() => {});
  }

  /** Cut by chance, so that two that were in each other's way are not so again. */
  #pause(tries: number, deadline: number): Promise<void> {
    const { timers, random, clock } = this.#settings;
    const { pauseMillisMin, pauseMillisMax } = this.#options;
    const longest = Math.min(pauseMillisMax, pauseMillisMin * 2 ** Math.min(tries, 20));
    const [byte] = random.bytes(1);
    const millis = Math.min((longest * (byte! + 1)) / 256, Math.max(0, deadline - clock.monotonic()));
    return new Promise((resolve) => void timers.after(millis, resolve));
  }
}

interface Running {
  readonly steps: CommitSteps;
  readonly bytes: number;
  /** Tells the caller of the outcome, as soon as there is one. */
  readonly told: () => void;
  unanswered: number;
}

/** Undefined where another try may do better. */
function resultOf(outcome: TryOutcome): AcrossResult | undefined {
  switch (outcome.kind) {
    case "committed": {
      const { revision, marks } = outcome;
      return { committed: true, revision, marks };
    }
    case "conflict":
      return { committed: false, failedChecks: outcome.failedChecks, marks: outcome.marks };
    case "answered": {
      const { outcome: first, marks } = outcome;
      if (first.kind === "committed") return { committed: true, revision: first.revision, marks };
      return { committed: false, failedChecks: first.failedChecks, marks };
    }
    case "refused":
      throw storeFailure(outcome.code);
    case "failed":
      throw outcome.error;
    case "unknown":
      throw storeFailure("OUTCOME_UNKNOWN");
    case "moved":
    case "again":
      return undefined;
  }
}

/** What a participant's rejection says of its step. */
function failure(error: unknown): Answer {
  if (error instanceof AssertionError) throw error;
  return hasCode(error, "OUTCOME_UNKNOWN") || hasCode(error, "STOPPED")
    ? { kind: "unknown" }
    : { kind: "failed", error };
}
