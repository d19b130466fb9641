import { assert } from "../../std/assert.ts";
import { Inflights } from "./inflights.ts";

/**
 * How a leader feeds one follower. `probe` sends one append at a time, to find where the logs meet; `replicate` sends ahead as far as
 * the window allows; `snapshot` sends nothing until the follower has the snapshot. Always: match < next.
 */
export type ProgressState = "probe" | "replicate" | "snapshot";

export class Progress {
  readonly id: number;
  /** The follower's log is known to hold all up to here. */
  match = 0;
  /** The first index that was not sent yet. */
  next: number;
  /** The largest commit index on its way to the follower: it needs no message of its own again. */
  #sentCommit = 0;
  state: ProgressState = "probe";
  pendingSnapshot = 0;
  /** Heard of since the last check of the quorum. */
  recentActive = false;
  /** It was at that check. */
  #wasActive = false;
  /**
   * It has answered since the check of the quorum before the last: so it is alive also right after one. A term's members
   * have until the first check, a new member has to answer first.
   */
  isHeard = false;
  isAppendPaused = false;
  isLearner = false;
  isWitness = false;
  /** What the follower is since it last lost its disk, by its report in this term or by the configuration; 0 where it never did. */
  incarnation = 0;
  /** It lost its disk and is not a learner yet: nothing is sent to it, and nothing it says counts. */
  isLost = false;
  /** The leader's tick when it sent the newest heartbeat that was answered; of use to lease reads. */
  leaseTick = 0;
  readonly inflights: Inflights;

  constructor(id: number, next: number, inflightMessagesMax: number, inflightBytesMax: number) {
    this.id = id;
    this.next = next;
    this.inflights = new Inflights(inflightMessagesMax, inflightBytesMax);
  }

  /** At the start of a term nothing is known of the follower. */
  reset(next: number): void {
    this.#resetState("probe");
    this.match = 0;
    this.next = next;
    this.#sentCommit = 0;
    this.recentActive = false;
    this.#wasActive = false;
    this.isHeard = true;
    this.isLost = false;
    this.leaseTick = 0;
  }

  /** The follower's disk is gone: what it acknowledged no longer counts. */
  forget(incarnation: number, next: number): void {
    this.reset(next);
    this.incarnation = incarnation;
    this.isLost = true;
    this.heard();
  }

  /** The follower has answered. */
  heard(): void {
    this.recentActive = true;
    this.isHeard = true;
  }

  /** The quorum was checked: who is not heard of until the next time is not there. */
  checked(): void {
    this.isHeard &&= this.recentActive;
    this.#wasActive = this.recentActive;
    this.recentActive = false;
  }

  /** It has answered in this term, and lately: within two election timeouts, also right after a check. */
  get isAlive(): boolean {
    return this.recentActive || this.#wasActive;
  }

  becomeProbe(): void {
    const afterSnapshot = this.state === "snapshot" ? this.pendingSnapshot + 1 : 0;
    this.#resetState("probe");
    this.next = Math.max(this.match + 1, afterSnapshot);
    this.#lowerSentCommit();
  }

  becomeReplicate(): void {
    this.#resetState("replicate");
    this.next = this.match + 1;
  }

  becomeSnapshot(index: number): void {
    this.#resetState("snapshot");
    this.pendingSnapshot = index;
    this.next = index + 1;
    this.#sentCommit = index;
  }

  get isPaused(): boolean {
    return this.state === "snapshot" || this.isAppendPaused;
  }

  sentEntries(count: number, bytes: number): void {
    assert(this.state !== "snapshot", "nothing is sent while a snapshot is on its way");
    if (this.state === "probe") {
      if (count > 0) this.isAppendPaused = true;
      return;
    }
    if (count > 0) {
      this.next += count;
      this.inflights.add(this.next - 1, bytes);
    }
    this.isAppendPaused = this.inflights.isFull;
  }

  sentCommit(commit: number): void {
    this.#sentCommit = commit;
  }

  /** Whether telling the follower of the commit index could move it. */
  canBumpCommit(commit: number): boolean {
    return commit > this.#sentCommit && this.#sentCommit < this.next - 1;
  }

  /** False where the acknowledgement is an old one. */
  maybeUpdate(index: number): boolean {
    if (index <= this.match) return false;
    this.match = index;
    this.next = Math.max(this.next, index + 1);
    this.isAppendPaused = false;
    return true;
  }

  /** After a rejection: false where it is an old one, else `next` goes back. */
  maybeDecrease(rejected: number, hint: number): boolean {
    if (this.state === "replicate") {
      if (rejected <= this.match) return false;
      this.next = this.match + 1;
      this.#lowerSentCommit();
      return true;
    }
    if (this.next - 1 !== rejected) return false;
    this.next = Math.max(Math.min(rejected, hint + 1), this.match + 1);
    this.#lowerSentCommit();
    this.isAppendPaused = false;
    return true;
  }

  #lowerSentCommit(): void {
    this.#sentCommit = Math.min(this.#sentCommit, this.next - 1);
  }

  #resetState(state: ProgressState): void {
    this.isAppendPaused = false;
    this.pendingSnapshot = 0;
    this.state = state;
    this.inflights.reset();
  }
}
