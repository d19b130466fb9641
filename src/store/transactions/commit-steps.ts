// One try of a commit over several groups, without input or output: it says what to send, and is told the answers.
//
//   prepare in all groups at once -> decide at home -> finish in the others -> forget at home
//                                 \-> finish (abort) wherever it may have prepared
//
// Its outcome stands before its last steps: when the decision is durable, or when nobody will ever decide. A prepare is
// sent once and never again: home's lock, which only the decision or an abort takes away, is what keeps the transaction
// undecided.

import { assert } from "../../std/assert.ts";
import type { PreparedCommit, PreparedRequest } from "../commit-rules.ts";
import type { TransactionBugs } from "../machine/prepared-bugs.ts";
import type { CommitOutcome, Refused } from "../machine/result.ts";
import type { LockedBy, SentCommand, TransactionName, TransactionResult } from "./participant.ts";
import type { Share } from "./shares.ts";

export interface Step {
  readonly share: Share;
  readonly command: SentCommand;
}

/** Of a step: its result; what it was refused with, so that nothing was written; or nothing that is known. */
export type Answer =
  | TransactionResult
  | { readonly kind: "failed"; readonly error: unknown }
  | { readonly kind: "unknown" };

export type TryOutcome =
  | { readonly kind: "committed"; readonly revision: number; readonly marks: readonly RevisionMark[] }
  | { readonly kind: "conflict"; readonly failedChecks: readonly number[]; readonly marks: readonly RevisionMark[] }
  /** The request was answered before. */
  | { readonly kind: "answered"; readonly outcome: CommitOutcome; readonly marks: readonly RevisionMark[] }
  | Refused
  | { readonly kind: "failed"; readonly error: unknown }
  /** Nothing happened: a group does not serve, or not now, what it was asked for. */
  | { readonly kind: "moved" }
  /** Nothing happened, and the next try may do better. */
  | { readonly kind: "again"; readonly locked?: LockedBy; readonly lockedIn?: Share }
  /** Only here something may have happened. */
  | { readonly kind: "unknown" };

/** Who reads a group at this revision or behind it sees the commit. */
export interface RevisionMark {
  readonly id: number;
  readonly revision: number;
}

const AGAIN: TryOutcome = { kind: "again" };
const MOVED: TryOutcome = { kind: "moved" };
const UNKNOWN: TryOutcome = { kind: "unknown" };

/** Refusals of a group that gives rows up, or has: another one is to be asked. */
const MOVED_CODES: ReadonlySet<string> = new Set(["RANGE_MISMATCH", "RANGE_MOVING"]);

export class CommitSteps {
  readonly #name: TransactionName;
  readonly #request: PreparedRequest | undefined;
  readonly #shares: readonly Share[];
  readonly #bugs: TransactionBugs;
  readonly #answers = new Map<Share, Answer>();
  #next: Step[] = [];
  #outcome: TryOutcome | undefined;
  #revision = 0;
  #unanswered = 0;
  #gaveUp = false;
  /** A decision was sent, and what became of it is not known. */
  #inDoubt = false;
  #unfinished = false;

  constructor(
    name: TransactionName,
    { lease, request }: Pick<PreparedCommit, "lease" | "request">,
    shares: readonly Share[],
    bugs: TransactionBugs,
  ) {
    this.#name = name;
    this.#request = request;
    this.#shares = shares;
    this.#bugs = bugs;
    for (const share of shares) {
      const { checks, puts, deletes, participant } = share;
      const isHome = share === this.#home;
      const known = isHome ? participant.revision : undefined;
      const fields = { lease, request: isHome ? request : undefined, checks, puts, deletes };
      this.#send(share, { kind: "prepare", ...name, known, ...fields });
    }
  }

  /** Undefined while it is open. */
  get outcome(): TryOutcome | undefined {
    return this.#outcome;
  }

  /** What has become due to be sent since the last call. */
  take(): Step[] {
    const due = this.#next;
    this.#next = [];
    return due;
  }

  answered({ share, command }: Step, answer: Answer): void {
    this.#unanswered--;
    switch (command.kind) {
      case "prepare":
        this.#answers.set(share, answer);
        if (this.#unanswered === 0) this.#allPrepared();
        return;
      case "decide":
        this.#decided(answer);
        return;
      case "finish":
        if (command.conflict !== undefined) this.#conflictRemembered(answer);
        else if (command.revision > 0) this.#finishedCommit(answer);
        return;
      default:
        return;
    }
  }

  /** Its time is over: what is not decided yet will not be by this try. */
  giveUp(): void {
    if (this.#outcome !== undefined) return;
    this.#gaveUp = true;
    this.#outcome = this.#answers.size < this.#shares.length || this.#unanswered === 0 ? AGAIN : UNKNOWN;
  }

  get #home(): Share {
    return this.#shares[0]!;
  }

  get #others(): readonly Share[] {
    return this.#shares.slice(1);
  }

  #allPrepared(): void {
    const answers = [...this.#answers.values()];
    if (this.#gaveUp || answers.some(({ kind }) => kind !== "prepared")) {
      this.#abandon();
      return;
    }
    for (const answer of answers)
      if (answer.kind === "prepared") this.#revision = Math.max(this.#revision, answer.revision);
    if (this.#bugs.has("finish-before-decision")) this.#finish(this.#others, this.#revision);
    this.#sendDecision();
  }

  #sendDecision(): void {
    const others = this.#others.flatMap(({ keys }) => keys);
    const { keys } = this.#home;
    this.#send(this.#home, {
      kind: "decide",
      ...this.#name,
      revision: this.#revision,
      request: this.#request,
      keys,
      others,
    });
  }

  #decided(answer: Answer): void {
    switch (answer.kind) {
      case "decided":
        if (answer.decision.committed) this.#committed(answer.decision.revision, answer.revision);
        else this.#aborted(AGAIN);
        return;
      case "answered":
        this.#aborted({ ...answer, marks: this.#marks() });
        return;
      case "refused": {
        const moved = MOVED_CODES.has(answer.code);
        if (moved && this.#inDoubt) this.#outcome ??= UNKNOWN;
        else this.#aborted(moved ? MOVED : answer);
        return;
      }
      case "failed":
        // What was sent before and never answered may have decided.
        if (this.#inDoubt) this.#unknownDecision();
        else this.#aborted(answer);
        return;
      case "gone":
        if (this.#inDoubt) this.#outcome ??= UNKNOWN;
        else this.#aborted(AGAIN);
        return;
      default:
        assert(answer.kind === "unknown", "a decision is answered with one");
        this.#unknownDecision();
    }
  }

  /** Asked again until it is known: the same decision comes back. */
  #unknownDecision(): void {
    this.#inDoubt = true;
    if (!this.#gaveUp) this.#sendDecision();
  }

  #committed(revision: number, homeRevision: number): void {
    this.#outcome ??= { kind: "committed", revision, marks: this.#marks(homeRevision) };
    if (this.#others.length === 0) return;
    if (this.#bugs.has("forget-unfinished")) this.#forget();
    this.#finish(this.#others, revision);
  }

  #aborted(outcome: TryOutcome): void {
    this.#outcome ??= outcome;
    this.#finish(this.#shares, 0);
  }

  /** Not all have prepared. Who has, or may have, lets go again; the decision is never sent. */
  #abandon(): void {
    const outcome = this.#obstacle();
    const prepared = this.#shares.filter((share) => mayHavePrepared(this.#answers.get(share)!));
    const request = this.#request;
    if (outcome.kind !== "conflict" || request === undefined || this.#gaveUp) {
      this.#outcome ??= outcome;
      this.#finish(prepared, 0);
      return;
    }
    // Home says whether this is the request's first answer.
    const { keys } = this.#home;
    const conflict = { request, failedChecks: outcome.failedChecks };
    this.#send(this.#home, { kind: "finish", transaction: this.#name.transaction, revision: 0, keys, conflict });
    this.#finish(
      prepared.filter((share) => share !== this.#home),
      0,
    );
  }

  #obstacle(): TryOutcome {
    const failedChecks: number[] = [];
    let other: TryOutcome | undefined;
    for (const [share, answer] of this.#answers) {
      if (answer.kind === "conflict") failedChecks.push(...answer.failedChecks.map((at) => share.checkPositions[at]!));
      else other = worseOf(other, obstacleOf(answer, share, this.#marks()));
    }
    if (other !== undefined && rankOf(other) > 0) return other;
    if (failedChecks.length === 0) return other ?? AGAIN;
    return { kind: "conflict", failedChecks: failedChecks.sort((left, right) => left - right), marks: this.#marks() };
  }

  #finish(shares: readonly Share[], revision: number): void {
    const { transaction } = this.#name;
    for (const share of shares) {
      this.#send(share, { kind: "finish", transaction, revision, keys: share.keys, conflict: undefined });
    }
  }

  #finishedCommit(answer: Answer): void {
    if (answer.kind !== "finished") this.#unfinished = true;
    if (this.#unanswered === 0 && !this.#unfinished && this.#outcome?.kind === "committed") this.#forget();
  }

  #conflictRemembered(answer: Answer): void {
    if (answer.kind === "answered") this.#outcome ??= { ...answer, marks: this.#marks() };
    else if (answer.kind === "refused" || answer.kind === "failed") this.#outcome ??= answer;
    else this.#outcome ??= AGAIN;
  }

  #forget(): void {
    this.#send(this.#home, { kind: "forget", records: [this.#name] });
  }

  #marks(homeRevision?: number): RevisionMark[] {
    const marks: RevisionMark[] = [];
    for (const [share, answer] of this.#answers) {
      const { id } = share.participant;
      if (share === this.#home && homeRevision !== undefined) marks.push({ id, revision: homeRevision });
      else if (answer.kind === "prepared" || answer.kind === "conflict") marks.push({ id, revision: answer.revision });
    }
    return marks;
  }

  #send(share: Share, command: SentCommand): void {
    this.#unanswered++;
    this.#next.push({ share, command });
  }
}

function mayHavePrepared({ kind }: Answer): boolean {
  return kind === "prepared" || kind === "unknown";
}

function obstacleOf(answer: Answer, share: Share, marks: readonly RevisionMark[]): TryOutcome | undefined {
  switch (answer.kind) {
    case "answered":
      return { ...answer, marks };
    case "refused":
      return MOVED_CODES.has(answer.code) ? MOVED : answer;
    case "failed":
      return answer;
    case "locked":
      return { kind: "again", locked: answer, lockedIn: share };
    case "prepared":
      return undefined;
    default:
      return AGAIN;
  }
}

function worseOf(one: TryOutcome | undefined, other: TryOutcome | undefined): TryOutcome | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return rankOf(other) > rankOf(one) ? other : one;
}

/** That the request was answered says more than any refusal, and a refusal more than that it is worth another try. */
function rankOf({ kind }: TryOutcome): number {
  return kind === "answered" ? 2 : kind === "again" || kind === "moved" ? 0 : 1;
}
