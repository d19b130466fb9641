import type { ConfChange, Configuration, Explanation, RaftStatus } from "../core/raft/index.ts";
import { assert } from "../std/assert.ts";
import { hasCode } from "../std/errors.ts";
import { hostFailure } from "./errors.ts";
import { GroupMember, type GroupMemberOptions } from "./group-member.ts";
import type { GroupObserver, GroupServices } from "./group-services.ts";
import type { GroupLimits } from "./options.ts";
import { Callers } from "./requests/callers.ts";
import { COMMAND_OVERHEAD_BYTES } from "./requests/proposals.ts";
import { compactLog } from "./snapshots/group-snapshots.ts";
import type { Group } from "./state-machine.ts";

export interface HostedGroupOptions<Result>
  extends Omit<GroupMemberOptions<Result>, "callers" | "members" | "stored" | "closed"> {
  readonly limits: GroupLimits;
  /** Names what its callers send: each opening has another one, or what an earlier one sent would be taken for its own. */
  readonly life: number;
  /** Messages for it may come from now on, until it is closed. */
  readonly opened: (member: GroupMember<Result>) => void;
  readonly closed: () => void;
}

export interface MemberChangeOptions {
  /**
   * The leader refuses a change behind which the members that it hears of would be no quorum. Default true; without it
   * the group may stand still until others come back.
   */
  readonly strict?: boolean;
}

const APPLIED = Promise.resolve();

/** A group as the users of this node see it. */
export class HostedGroup<Result> implements Group<Result> {
  readonly id: number;
  readonly #services: GroupServices;
  readonly #member: GroupMember<Result>;
  readonly #callers: Callers<Result>;
  #isClosing = false;

  /**
   * Resolves when the machine holds all that this node knows to be committed. Rejects with COMPACTED or LOG_BEHIND
   * where machine and log do not fit together, with SNAPSHOT_DAMAGED, and as the machine does.
   */
  static async open<Result>(
    services: GroupServices,
    options: HostedGroupOptions<Result>,
  ): Promise<HostedGroup<Result>> {
    const callers = new Callers<Result>(options.life, options.limits, services.bugs);
    const member = await GroupMember.open(services, { ...options, callers });
    return new HostedGroup(services, member, callers);
  }

  private constructor(services: GroupServices, member: GroupMember<Result>, callers: Callers<Result>) {
    this.id = member.id;
    this.#services = services;
    this.#member = member;
    this.#callers = callers;
  }

  /** Who leads, as far as this node knows; 0 is nobody. */
  get lead(): number {
    return this.#member.node.lead;
  }

  get isLeader(): boolean {
    return this.#member.node.role === "leader";
  }

  get status(): RaftStatus {
    return this.#member.node.status;
  }

  get failure(): Error | undefined {
    return this.#member.failure;
  }

  get logBytesSinceCompaction(): number {
    return this.#services.log.group(this.id).entryBytes;
  }

  explain(): Explanation {
    return this.#member.node.explain();
  }

  /** Until what it returns is called. */
  observe(observer: GroupObserver): () => void {
    this.#member.observers.add(observer);
    return () => void this.#member.observers.delete(observer);
  }

  /** Also rejects once the signal is aborted: with its reason where nothing was or will be written, else OUTCOME_UNKNOWN. */
  propose(command: Uint8Array, signal?: AbortSignal): Promise<Result> {
    if (signal?.aborted === true) return Promise.reject(signal.reason as Error);
    return this.#proposing(command.length, (tick) => this.#callers.proposals.add(command, tick, signal));
  }

  /** Commands that stay next to each other, and their results: one promise for all of them. Rejects as `propose`. */
  proposeAll(commands: readonly Uint8Array[]): Promise<readonly Result[]> {
    let bytes = 0;
    for (const command of commands) bytes += command.length + COMMAND_OVERHEAD_BYTES;
    return this.#proposing(bytes, (tick) => this.#callers.proposals.addAll(commands, tick));
  }

  readBarrier(): Promise<void> {
    if (this.#isOver) return Promise.reject(this.#stopped());
    if (this.#member.node.isAloneAndCurrent) return APPLIED;
    try {
      const answered = this.#callers.reads.add(this.#services.tick());
      this.#services.wake(this.id);
      return answered;
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  /**
   * Resolves with the members once the change is applied here. Rejects with CHANGE_REFUSED, CHANGE_UNSAFE or OVERLOADED where
   * it was not made, with OUTCOME_UNKNOWN or STOPPED where that can not be said.
   */
  changeMembers(
    change: Omit<ConfChange, "context">,
    { strict = true }: MemberChangeOptions = {},
  ): Promise<Configuration> {
    if (this.#isOver) return Promise.reject(this.#stopped());
    const { changes } = this.#callers;
    const { node } = this.#member;
    try {
      const [named, done] = changes.begin(change, strict, this.#services.tick());
      const hazard = strict ? node.changeHazard(named, this.#services.isSilent) : undefined;
      try {
        if (hazard !== undefined) throw hostFailure("CHANGE_UNSAFE", { what: hazard });
        node.proposeConfChange(named);
        this.#services.wake(this.id);
      } catch (error) {
        changes.refused(error as Error);
      }
      return done;
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  /** Asks the leader to let another member lead. */
  transferLeadership(to: number): void {
    this.#member.node.transferLeadership(to);
    this.#services.wake(this.id);
  }

  compact(index: number): Promise<void> {
    assert(index <= this.#member.appliedIndex, "only applied entries are compacted");
    return compactLog(this.#services.log, this.id, index);
  }

  /**
   * Takes no more calls, waits for those that are under way, and lets another member lead. The log stays open: it is its
   * owner's.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosing = true;
    await this.#callers.proposals.idle();
    await this.#member.handOver();
    await this.#member.stop();
  }

  get #isOver(): boolean {
    return this.#isClosing || this.#member.failure !== undefined;
  }

  #proposing<T>(bytes: number, add: (tick: number) => Promise<T>): Promise<T> {
    if (this.#isOver) return Promise.reject(this.#stopped());
    // An entry is one record of the log, and leaves some room there.
    const { log } = this.#services;
    const bytesMax = Math.floor((log.recordBytesMax * 3) / 4);
    if (bytes > bytesMax) return Promise.reject(hostFailure("COMMAND_TOO_LARGE", { data: { bytes, bytesMax } }));
    if (log.isNearlyFull === true) return Promise.reject(hostFailure("NO_SPACE", { data: { group: this.id } }));
    try {
      const added = add(this.#services.tick());
      this.#services.wake(this.id);
      return added;
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  #stopped(): Error {
    const { failure } = this.#member;
    const isOwnEnd = failure === undefined || hasCode(failure, "STOPPED");
    return hostFailure("STOPPED", isOwnEnd ? {} : { cause: failure });
  }
}
