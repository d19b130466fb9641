import { NODE_ID_MAX } from "../core/raft/index.ts";
import { hostFailure } from "./errors.ts";
import type { GroupEvent } from "./group-services.ts";
import { type CoreOptions, GROUP_DEFAULTS, type GroupLimits, HOST_DEFAULTS, type HostLimits } from "./options.ts";
import { SESSION_DEFAULTS, type SessionLimits } from "./sessions/client.ts";
import type { ResultCodec } from "./sessions/result-codec.ts";
import type { StateMachine } from "./state-machine.ts";
import type { RaftEnv, RaftStorage } from "./storage/raft-storage.ts";
import type { Transport } from "./transport/transport.ts";

/** Every limit of one member. Times are milliseconds where the name says so, else ticks of `tickMillis`. */
export interface RaftGroupLimits extends GroupLimits, HostLimits {}

export const RAFT_GROUP_DEFAULTS: RaftGroupLimits = { ...GROUP_DEFAULTS, ...HOST_DEFAULTS };

export interface RaftGroupOptions<Result> {
  /**
   * This member's number, from 1 on. It belongs to its storage: two storages never have the same id in one group, but
   * for a member that lost its disk and is given an empty one.
   */
  readonly id: number;
  /**
   * The ids of the group's founders, the same on all of them; where each is found is the transport's business. It is
   * looked at on an empty storage only. A member that is not among them joins: it waits until a member adds it.
   */
  readonly peers: readonly number[];
  /** Those of the founders that vote and hold nothing. */
  readonly witnesses?: readonly number[];
  /** The group's own from now on, until it is closed. */
  readonly storage: RaftStorage;
  /** The group's own, closed with it. Undefined: a group of one. */
  readonly transport?: Transport | undefined;
  /**
   * New, or one on disk that is where it was. "witness" for a member that votes and holds nothing: a founder of
   * `witnesses`, or one that `addWitness` takes in. The id of a witness that lost its storage is never used again.
   */
  readonly stateMachine: StateMachine<Result> | "witness";
  /**
   * Commands can be applied exactly once, by `session`. It changes what stands in the log: all members must have it or
   * none, from the beginning. Default: false.
   */
  readonly sessions?: boolean | GroupSessionOptions<Result>;
  readonly limits?: Partial<RaftGroupLimits>;
  /** Of the protocol itself. */
  readonly raft?: CoreOptions;
  /** Default: the storage's, else the platform's. */
  readonly env?: RaftEnv;
  readonly onEvent?: (event: GroupEvent) => void;
  /**
   * What is decided or durable can not be kept any more: a failed disk, a machine that threw. Called once; the member
   * has stopped, and its process should end.
   */
  readonly onFatal?: (error: Error) => void;
}

export interface GroupSessionOptions<Result> {
  readonly limits?: Partial<SessionLimits>;
  /** How results are kept. Default: bytes, undefined, or what JSON can say. */
  readonly results?: ResultCodec<Result>;
}

/** Throws GROUP_OPTION_INVALID. */
export function checkGroupOptions<Result>(options: RaftGroupOptions<Result>): RaftGroupLimits {
  const { id, peers, witnesses = [], transport, sessions } = options;
  for (const one of [id, ...peers]) checkId(one);
  check(peers.length > 0, "peers names at least one founder");
  check(new Set(peers).size === peers.length, "peers names every founder once");
  check(
    witnesses.every((one) => peers.includes(one)),
    "witnesses names founders",
  );
  check(witnesses.length < peers.length, "a founder holds data");
  const isWitness = options.stateMachine === "witness";
  check(
    !peers.includes(id) || witnesses.includes(id) === isWitness,
    "a founder is a witness on all members, or on none",
  );
  const isAlone = peers.length === 1 && peers[0] === id;
  check(isAlone || transport !== undefined, "members of several nodes need a transport");
  const limits = { ...RAFT_GROUP_DEFAULTS, ...options.limits };
  for (const [name, value] of Object.entries(limits)) {
    check(isWhole(value), `limits.${name} is a whole number above 0, not ${value}`);
    check(name in RAFT_GROUP_DEFAULTS, `there is no limit ${name}`);
  }
  if (typeof sessions === "object") {
    for (const [name, value] of Object.entries({ ...SESSION_DEFAULTS, ...sessions.limits })) {
      check(isWhole(value), `sessions.limits.${name} is a whole number above 0, not ${value}`);
      check(name in SESSION_DEFAULTS, `there is no limit ${name} of sessions`);
    }
  }
  return limits;
}

/** Throws GROUP_OPTION_INVALID. */
export function checkId(id: number): void {
  check(isWhole(id) && id <= NODE_ID_MAX, `an id is a whole number from 1 to ${NODE_ID_MAX}, not ${id}`);
}

function isWhole(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0;
}

function check(holds: boolean, rule: string): void {
  if (!holds) throw hostFailure("GROUP_OPTION_INVALID", { what: `An option of the group is not possible: ${rule}.` });
}
