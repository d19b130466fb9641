import { MemberChanges } from "../members/member-changes.ts";
import type { GroupLimits } from "../options.ts";
import type { HostBugs } from "../seeded-bugs.ts";
import { Proposals } from "./proposals.ts";
import { ReadBarriers } from "./read-barriers.ts";

/** A question to the leader that is not answered within so many ticks is asked again. */
const READ_RETRY_TICKS = 3;
/** A leader that was not heard of for so long is no leader any more: who still leads has had time to answer. */
const DOUBT_TICKS = 20;
/** A group makes one at a time: whoever has more of them waiting has lost count. */
const MEMBER_CHANGES_MAX = 64;

/** What this node's users wait for in one group. */
export class Callers<Result> {
  readonly proposals: Proposals<Result>;
  readonly reads: ReadBarriers;
  readonly changes: MemberChanges;

  constructor(life: number, limits: GroupLimits, bugs: HostBugs) {
    this.proposals = new Proposals(life, { ...limits, doubtTicks: DOUBT_TICKS }, bugs);
    this.reads = new ReadBarriers(life, { ...limits, retryTicks: READ_RETRY_TICKS }, bugs);
    this.changes = new MemberChanges(life, { waitingMax: MEMBER_CHANGES_MAX, timeoutTicks: limits.timeoutTicks });
  }

  /** Something could be sent, were there somebody to send it to. */
  get isWaiting(): boolean {
    return this.proposals.isQueued || this.reads.isWaiting;
  }

  appliedTo(index: number): void {
    this.proposals.appliedTo(index);
    this.reads.appliedTo(index);
  }

  /** `ledTerm` is the present leader's, 0 for nobody; `why` says what a change of membership waits for. */
  expire(tick: number, ledTerm: number, why: () => string | undefined): void {
    this.proposals.expire(tick, ledTerm);
    this.reads.expire(tick);
    this.changes.expire(tick, why);
  }

  stop(cause?: Error): void {
    this.proposals.stop(cause);
    this.reads.stop(cause);
    this.changes.stop();
  }
}
