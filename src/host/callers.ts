import { MemberChanges } from "./member-changes.ts";
import type { GroupLimits } from "./options.ts";
import { Proposals } from "./proposals.ts";
import { ReadBarriers } from "./read-barriers.ts";

/** A question to the leader that is not answered within so many ticks is asked again. */
const READ_RETRY_TICKS = 3;

/** What this node's users wait for in one group. */
export class Callers<Result> {
  readonly proposals: Proposals<Result>;
  readonly reads: ReadBarriers;
  readonly changes: MemberChanges;

  constructor(life: number, limits: GroupLimits) {
    this.proposals = new Proposals(life, limits);
    this.reads = new ReadBarriers(life, { ...limits, retryTicks: READ_RETRY_TICKS });
    this.changes = new MemberChanges(life, limits.timeoutTicks);
  }

  /** Something could be sent, were there somebody to send it to. */
  get isWaiting(): boolean {
    return this.proposals.isQueued || this.reads.isWaiting;
  }

  appliedTo(index: number): void {
    this.proposals.appliedTo(index);
    this.reads.appliedTo(index);
  }

  /** `why` says what a change of membership waits for. */
  expire(tick: number, why: () => string | undefined): void {
    this.proposals.expire(tick);
    this.reads.expire(tick);
    this.changes.expire(tick, why);
  }

  stop(cause?: Error): void {
    this.proposals.stop(cause);
    this.reads.stop(cause);
    this.changes.stop();
  }
}
