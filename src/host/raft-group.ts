import {
  type Change,
  ChangeType,
  type Configuration,
  change,
  EMPTY_CONFIGURATION,
  type Explanation,
  isMember,
  type RaftStatus,
  type Role,
} from "../core/raft/index.ts";
import { WebRandom, webClock, webTimers } from "../env/web/index.ts";
import { assert } from "../std/assert.ts";
import { hasCode } from "../std/errors.ts";
import { hostFailure } from "./errors.ts";
import type { GroupEvent } from "./group-services.ts";
import type { HostedGroup, MemberChangeOptions } from "./hosted-group.ts";
import { checkGroupOptions, checkId, type RaftGroupLimits, type RaftGroupOptions } from "./raft-group-options.ts";
import { RaftHost } from "./raft-host.ts";
import { Waiters } from "./requests/waiters.ts";
import { type CallOptions, ClientSession, type SessionLimits, type SessionPropose } from "./sessions/client.ts";
import { encodePlain } from "./sessions/command.ts";
import { SessionMachine, type SessionOutcome } from "./sessions/machine.ts";
import type { StateMachine } from "./state-machine.ts";
import type { OpenRaftStorage, RaftEnv } from "./storage/raft-storage.ts";

/** What the group of a RaftGroup is called in its storage. */
export const SOLE_GROUP = 1;

export interface ChangeOptions extends CallOptions, MemberChangeOptions {}

type LeaderListener = (leader: number, role: Role) => void;

/**
 * One member of a replicated group, ready to use: the protocol, its storage, its network and the state machine that it
 * feeds. All members are used alike: what a follower is asked goes to the leader.
 */
export class RaftGroup<Result> implements AsyncDisposable {
  readonly id: number;
  readonly #options: RaftGroupOptions<Result>;
  readonly #limits: RaftGroupLimits;
  readonly #env: RaftEnv;
  readonly #storage: OpenRaftStorage;
  /** With sessions, what the host replicates stands around the user's machine. */
  readonly #sessions: Partial<SessionLimits> | undefined;
  readonly #machine: StateMachine<unknown> | undefined;
  readonly #waiters: Waiters;
  readonly #listeners = new Set<LeaderListener>();
  #host: RaftHost | undefined;
  #hosted: HostedGroup<unknown> | undefined;
  #failure: Error | undefined;
  #closing: Promise<void> | undefined;

  /**
   * Opens what the storage holds, or begins. It resolves once the machine holds all that this node knows to be
   * committed; founders of a new group, at their first start, do not wait for each other here but with their first
   * call. Rejects with GROUP_OPTION_INVALID, as the storage and the transport do, and where storage and machine can not
   * be trusted together: COMPACTED, LOG_BEHIND, SNAPSHOT_DAMAGED. Storage and transport are closed then.
   */
  static async start<Result>(options: RaftGroupOptions<Result>): Promise<RaftGroup<Result>> {
    const limits = checkGroupOptions(options);
    const { transport } = options;
    let fail: (error: Error) => void = () => {};
    let failure: Error | undefined;
    let storage: OpenRaftStorage | undefined;
    try {
      const onFatal = (error: Error): void => {
        failure ??= error;
        fail(error);
      };
      const machine = machineWithSessions(options);
      storage = await options.storage.open({ onFatal });
      const group = new RaftGroup(options, limits, storage, machine);
      fail = (error) => group.#fail(error);
      await group.#open();
      if (failure !== undefined) throw failure;
      return group;
    } catch (error) {
      await transport?.[Symbol.asyncDispose]();
      await storage?.[Symbol.asyncDispose]();
      throw error;
    }
  }

  private constructor(
    options: RaftGroupOptions<Result>,
    limits: RaftGroupLimits,
    storage: OpenRaftStorage,
    machine: StateMachine<unknown> | undefined,
  ) {
    const { id, env, storage: given, sessions = false } = options;
    this.id = id;
    this.#options = options;
    this.#limits = limits;
    this.#env = env ?? given.env ?? { clock: webClock, timers: webTimers, random: new WebRandom() };
    this.#storage = storage;
    this.#machine = machine;
    if (sessions !== false) this.#sessions = sessions === true ? {} : (sessions.limits ?? {});
    this.#waiters = new Waiters(this.#env.timers);
  }

  /** Who leads, as far as this member knows; 0 is nobody. */
  get leader(): number {
    return this.#hosted?.lead ?? 0;
  }

  get role(): Role {
    return this.#hosted?.status.role ?? "follower";
  }

  get isLeader(): boolean {
    return this.#hosted?.isLeader === true;
  }

  /** The members, as of what is applied here. Nobody while the founders have not met. */
  get members(): Configuration {
    return this.#hosted?.status.configuration ?? EMPTY_CONFIGURATION;
  }

  /** Undefined while the founders have not met. */
  get status(): RaftStatus | undefined {
    return this.#hosted?.status;
  }

  /** What stopped this member for good. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** Why there is no leader, who lags and why, what a change of membership waits for: a sentence each. */
  explain(): Explanation {
    if (this.#hosted !== undefined) return this.#hosted.explain();
    return { leader: this.#whyNotOpen(), lagging: [], change: undefined };
  }

  /** Is told whenever another member leads, or nobody (0), as far as this one knows. Until what it returns is called. */
  onLeader(listener: LeaderListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /**
   * Resolves with the command's result once it is durable on a quorum and applied here. Rejects with OVERLOADED,
   * COMMAND_TOO_LARGE, NO_SPACE, NO_LEADER or the signal's reason where it was not applied and never will be, and with
   * OUTCOME_UNKNOWN or STOPPED where that can not be said. The bytes must not be changed any more.
   */
  async propose(command: Uint8Array, { signal }: CallOptions = {}): Promise<Result> {
    assert(ArrayBuffer.isView(command), "a command is bytes");
    const hosted = this.#hosted ?? (await this.#opened(signal));
    if (this.#sessions === undefined) return (await hosted.propose(command, signal)) as Result;
    const outcome = (await hosted.propose(encodePlain(command), signal)) as SessionOutcome<Result>;
    assert(outcome.kind === "result", "a command without a session has a result");
    return outcome.result;
  }

  /**
   * Resolves when this member's machine holds every command that was answered before the call, anywhere: what is read
   * of it then is linearizable. Rejects with OVERLOADED, NO_LEADER, STOPPED, HOLDS_NO_DATA, or the signal's reason.
   */
  async read({ signal }: CallOptions = {}): Promise<void> {
    const hosted = this.#hosted ?? (await this.#opened(signal));
    signal?.throwIfAborted();
    if (hosted.status.configuration.witnesses.includes(this.id)) throw hostFailure("HOLDS_NO_DATA");
    await unlessAborted(hosted.readBarrier(), signal, (reason) => reason);
  }

  /** Begins a session, whose commands are applied exactly once. Throws GROUP_OPTION_INVALID where the group has none. */
  session(options: CallOptions & { readonly limits?: Partial<SessionLimits> } = {}): Promise<ClientSession<Result>> {
    return ClientSession.begin({
      propose: this.proposeForSession,
      timers: this.#env.timers,
      limits: { ...this.#sessions, ...options.limits },
      signal: options.signal,
    });
  }

  /** For sessions of clients that are elsewhere: what a ClientSession gives to `propose`, through this member. */
  readonly proposeForSession: SessionPropose<Result> = async (command, { signal }) => {
    if (this.#sessions === undefined) {
      throw hostFailure("GROUP_OPTION_INVALID", { what: "The group was started without sessions." });
    }
    const hosted = this.#hosted ?? (await this.#opened(signal));
    return (await hosted.propose(command, signal)) as SessionOutcome<Result>;
  };

  /**
   * Takes in a member that votes, or makes a learner one. Start it first, or soon: it follows as a learner until it has
   * caught up, and the call waits for that. All changes reject with GROUP_OPTION_INVALID, CHANGE_REFUSED, CHANGE_UNSAFE,
   * OVERLOADED, NO_LEADER or STOPPED, and with OUTCOME_UNKNOWN once the signal is aborted; they resolve with the members then.
   */
  async addMember(id: number, options: ChangeOptions = {}): Promise<Configuration> {
    const votes = ({ voters }: Configuration): boolean => voters.includes(id);
    const members = await this.#change(change(ChangeType.addJoining, id), votes, options);
    if (votes(members)) return members;
    return this.#waiters.until(() => (votes(this.members) ? this.members : undefined), {
      signal: options.signal,
      onAbort: unknownOutcome,
    });
  }

  /** Takes in a member that follows and does not vote, or makes one that votes such a one. */
  addLearner(id: number, options: ChangeOptions = {}): Promise<Configuration> {
    const learns = ({ learners, joining }: Configuration): boolean => learners.includes(id) && !joining.includes(id);
    return this.#change(change(ChangeType.addLearner, id), learns, options);
  }

  /**
   * Takes in a member that votes and stores no command, a cheap third one; it is started with the state machine
   * "witness", under an id that was never used. It can not lead, and nothing can be read there.
   */
  addWitness(id: number, options: ChangeOptions = {}): Promise<Configuration> {
    const witnesses = (members: Configuration): boolean => members.witnesses.includes(id);
    return this.#change(change(ChangeType.addWitness, id), witnesses, options);
  }

  /** Its id is not used again. It can be closed once this has resolved. */
  removeMember(id: number, options: ChangeOptions = {}): Promise<Configuration> {
    return this.#change(change(ChangeType.removeNode, id), (members) => !isMember(members, id), options);
  }

  /** Resolves when that member leads. Rejects with TRANSFER_FAILED, STOPPED, NO_LEADER or the signal's reason. */
  async transferLeadership(to: number, { signal }: CallOptions = {}): Promise<void> {
    checkId(to);
    const hosted = this.#hosted ?? (await this.#opened(signal));
    if (hosted.lead === to) return;
    hosted.transferLeadership(to);
    await this.#waiters.until(() => (this.leader === to ? true : undefined), {
      signal,
      timeoutMillis: this.#timeoutMillis,
      onTimeout: () => hostFailure("TRANSFER_FAILED", { data: { to } }),
    });
  }

  /**
   * For a machine on disk, which says so when a crash would not take the entries up to `index` back any more: the log
   * gives them up. Those in memory are compacted behind their snapshots.
   */
  async compact(index: number): Promise<void> {
    const hosted = this.#hosted ?? (await this.#opened(undefined));
    await hosted.compact(index);
  }

  /** Takes no more calls, waits for those that are under way, then closes transport and storage. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #open(): Promise<void> {
    const { id, peers, witnesses = [], transport, raft } = this.#options;
    const { tickMillis, frameBytes, cacheBytesMax, ...limits } = this.#limits;
    const { disk, log } = this.#storage;
    const host = await RaftHost.start({
      ...{ nodeId: id, env: { ...this.#env, disk }, log, limits: { tickMillis, frameBytes, cacheBytesMax } },
      ...(transport !== undefined && { transport }),
      onEvent: (event) => this.#heard(event),
      onFatal: (error) => this.#fail(error),
    });
    this.#host = host;
    const machine = this.#machine;
    const group = {
      ...{ id: SOLE_GROUP, founders: { voters: peers, witnesses }, limits, onStateLost: "rejoin" as const },
      ...(raft !== undefined && { core: raft }),
    };
    const opening = (
      machine === undefined ? host.openWitness({ ...group, isNewId: true }) : host.openGroup({ ...group, machine })
    ).then((hosted) => {
      this.#hosted = hosted;
      this.#waiters.look();
    });
    if (!host.missingFounders.has(SOLE_GROUP)) {
      try {
        await opening;
      } catch (error) {
        await host[Symbol.asyncDispose]();
        throw error;
      }
    } else {
      opening.catch((error: Error) => this.#fail(error));
    }
  }

  #opened(signal: AbortSignal | undefined): Promise<HostedGroup<unknown>> {
    return this.#waiters.until(() => this.#hosted, {
      signal,
      timeoutMillis: this.#timeoutMillis,
      onTimeout: () => hostFailure("NO_LEADER", { what: this.#whyNotOpen() }),
    });
  }

  get #timeoutMillis(): number {
    return this.#limits.timeoutTicks * this.#limits.tickMillis;
  }

  #whyNotOpen(): string {
    if (this.#failure !== undefined) return `This member has failed: ${this.#failure.message}`;
    if (this.#closing !== undefined) return "This member is closed.";
    const missing = this.#host?.missingFounders.get(SOLE_GROUP) ?? [];
    return `The group begins once all of its founders have met; member ${this.id} waits for ${missing.join(", ")}.`;
  }

  async #change(
    one: Change,
    isDone: (members: Configuration) => boolean,
    { signal, strict = true }: ChangeOptions,
  ): Promise<Configuration> {
    checkId(one.id);
    const hosted = this.#hosted ?? (await this.#opened(signal));
    signal?.throwIfAborted();
    // Whoever asks on a follower that lags must not undo what a change before has done.
    await unlessAborted(hosted.readBarrier(), signal, (reason) => reason);
    if (isDone(this.members)) return this.members;
    return unlessAborted(
      hosted.changeMembers({ transition: "auto", changes: [one] }, { strict }),
      signal,
      unknownOutcome,
    );
  }

  #heard(event: GroupEvent): void {
    if (event.kind === "leader") for (const listener of [...this.#listeners]) listener(event.lead, event.role);
    this.#options.onEvent?.(event);
    // Members are told as they change, before the configuration is the status's.
    this.#env.timers.endOfTurn(() => this.#waiters.look());
  }

  #fail(error: Error): void {
    if (this.#failure !== undefined || this.#closing !== undefined) return;
    this.#failure = error;
    this.#waiters.stop(hostFailure("STOPPED", { cause: error }));
    this.close().catch(() => {});
    this.#options.onFatal?.(error);
  }

  async #close(): Promise<void> {
    this.#waiters.stop(hostFailure("STOPPED"));
    await this.#hosted?.[Symbol.asyncDispose]();
    await this.#host?.[Symbol.asyncDispose]();
    await this.#options.transport?.[Symbol.asyncDispose]();
    await this.#storage[Symbol.asyncDispose]();
  }
}

/** What the host replicates; undefined for a witness. */
function machineWithSessions<Result>({
  stateMachine,
  sessions = false,
}: RaftGroupOptions<Result>): StateMachine<unknown> | undefined {
  if (stateMachine === "witness") return undefined;
  if (sessions === false) return stateMachine;
  return new SessionMachine(stateMachine, sessions === true ? undefined : sessions.results);
}

function unknownOutcome(reason: unknown): unknown {
  return hasCode(reason, "OUTCOME_UNKNOWN") ? reason : hostFailure("OUTCOME_UNKNOWN", { cause: reason });
}

/** The call goes on; nobody waits for it any more. */
function unlessAborted<T>(
  call: Promise<T>,
  signal: AbortSignal | undefined,
  failure: (reason: unknown) => unknown,
): Promise<T> {
  if (signal === undefined) return call;
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(failure(signal.reason));
    signal.addEventListener("abort", abort, { once: true });
    call.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
