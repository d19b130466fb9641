// Which group has a row, and the way to it: straight where this node is a member, else by asking those who are. One a
// node. What it knows of other groups' revisions is what their answers said.

import type { Clock, Timers } from "../../env/index.ts";
import { assert } from "../../std/assert.ts";
import { hasCode } from "../../std/errors.ts";
import { storeFailure } from "../errors.ts";
import { decodeKeyBound } from "../key-codec.ts";
import type { LeaseGroups } from "../replicated/lease-groups.ts";
import type { ReplicatedStore } from "../replicated/replicated-store.ts";
import type { LeaseId } from "../store.ts";
import { ROOT_GROUP, TABLES } from "../tables.ts";
import type { Participant, Participants } from "../transactions/participant.ts";
import type { GroupCalls } from "./group-calls.ts";
import type { GroupStore } from "./group-store.ts";
import { RangeMap } from "./range-map.ts";
import type { RangeTable } from "./range-table.ts";
import { RemoteGroup, type RemoteGroupOptions } from "./remote-group.ts";
import { RemoteParticipant } from "./remote-participant.ts";

export interface GroupRouterSettings {
  readonly env: { readonly clock: Clock; readonly timers: Timers };
  readonly calls: GroupCalls;
  readonly options?: Partial<RemoteGroupOptions>;
}

export interface RoutedGroups {
  readonly table: RangeTable;
  /** The group's Store on this node while it is open here. */
  readonly local: (group: number) => ReplicatedStore | undefined;
}

interface RemoteRoute {
  readonly group: RemoteGroup;
  readonly participant: Participant;
  askedMillis: number;
}

/** Groups elsewhere that are remembered; beyond it the oldest are forgotten, with what is known of them. */
const ROUTES_MAX = 4096;
/** What is known of a revision is asked for anew where it is older than this, for the next who needs it. */
const KNOWN_MILLIS_MAX = 1_000;
/** Groups beside those that an answer is of, whose revisions it tells. */
const KNOWN_GROUPS_MAX = 64;

/** Of a lease in one group, and what is between two of its steps. */
const END_MILLIS_MAX = 10_000;
const PAUSE_MILLIS = 50;
/** Each meets the end of another lease that was just forgotten, or loses an answer. */
const ADOPTIONS_MAX = 10;

const WHOLE = new RangeMap([], 0);

export class GroupRouter implements Participants, LeaseGroups {
  readonly #settings: GroupRouterSettings;
  readonly #routes = new Map<number, RemoteRoute>();
  #groups: RoutedGroups | undefined;

  constructor(settings: GroupRouterSettings) {
    this.#settings = settings;
  }

  /** To be called once, with the root group open: until then all is the root group's. */
  begin(groups: RoutedGroups): void {
    assert(this.#groups === undefined, "a router begins once");
    this.#groups = groups;
    // So that positions tell of new groups as soon as can be.
    groups.table.observe(() => void this.known());
  }

  get map(): RangeMap {
    return this.#groups?.table.current ?? WHOLE;
  }

  group(id: number): GroupStore {
    return this.#groups?.local(id) ?? this.#route(id).group;
  }

  participant(id: number): Participant {
    return this.#groups?.local(id)?.participant ?? this.#route(id).participant;
  }

  /** Of the row under an encoded address. */
  of(row: Uint8Array): Participant {
    return this.participant(this.map.of(row).group);
  }

  /** Resolves when the map is not older than the call. */
  async correct(): Promise<void> {
    await this.#groups?.table.correct();
  }

  async lend(lease: LeaseId, group: number): Promise<boolean> {
    const result = await this.group(ROOT_GROUP).propose({ kind: "lend", lease, group, isEnding: false });
    return result.kind === "lent";
  }

  async lendMoved(leases: Iterable<LeaseId>, group: number): Promise<void> {
    const root = this.group(ROOT_GROUP);
    const lent = [...leases].map((lease) => root.propose({ kind: "lend", lease, group, isEnding: true }));
    await Promise.all(lent);
  }

  async end(lease: LeaseId, group: number): Promise<void> {
    const { clock, timers } = this.#settings.env;
    const deadline = clock.monotonic() + END_MILLIS_MAX;
    for (;;) {
      try {
        const result = await this.group(group).propose({ kind: "end", lease });
        if (result.kind === "ended" && result.done) return;
        // Rows that are locked, or on their way to another group, take a while.
        if (clock.monotonic() >= deadline) throw storeFailure("RANGE_MOVING", { data: { group } });
      } catch (error) {
        if (hasCode(error, "NO_LEADER") && (await this.#isGone(group))) return;
        if (!hasCode(error, "OUTCOME_UNKNOWN") || clock.monotonic() >= deadline) throw error;
      }
      await new Promise<void>((resolve) => void timers.after(PAUSE_MILLIS, resolve));
    }
  }

  /** Makes a group take rows of a lease. False where the lease has ended. */
  async adopt(lease: LeaseId, group: number): Promise<boolean> {
    let cause: unknown;
    for (let tries = 0; tries < ADOPTIONS_MAX; tries++) {
      // What it had reached before home is asked: see lent-leases.ts.
      const known = this.participant(group).revision;
      try {
        if (!(await this.lend(lease, group))) return false;
        const result = await this.group(group).propose({ kind: "adopt", lease, known });
        if (result.kind !== "late") return result.kind === "lent";
      } catch (error) {
        // Neither does harm twice.
        if (!hasCode(error, "OUTCOME_UNKNOWN")) throw error;
        cause = error;
      }
    }
    const what = "A group could not be told of the lease.";
    throw storeFailure("OVERLOADED", { what, data: { group }, cause });
  }

  /** Nobody is a member of it any more, as far as a map says that is not older than the call. */
  async #isGone(group: number): Promise<boolean> {
    if (group === ROOT_GROUP || this.#groups === undefined) return false;
    await this.correct();
    return !this.#groups.table.groups.has(group);
  }

  /** Revisions that the groups of the map have reached, but for those that are left out; not of all where there are many. */
  known(except?: number): Map<number, number> {
    const known = new Map<number, number>();
    for (const group of this.map.groups) {
      if (known.size >= KNOWN_GROUPS_MAX) break;
      if (group === except) continue;
      const revision = this.#revisionOf(group);
      if (revision > 0) known.set(group, revision);
    }
    return known;
  }

  #revisionOf(group: number): number {
    const local = this.#groups?.local(group);
    if (local !== undefined) return local.participant.revision;
    const route = this.#route(group);
    const now = this.#settings.env.clock.monotonic();
    if (now - route.askedMillis >= KNOWN_MILLIS_MAX) {
      route.askedMillis = now;
      this.#askRevision(group, route);
    }
    return route.group.revision;
  }

  /** Any row of its keys will do: it is the answer's position that tells. */
  #askRevision(group: number, route: RemoteRoute): void {
    const range = this.map.ranges.find((one) => one.group === group);
    if (range === undefined) return;
    const address = { table: TABLES.kv, key: decodeKeyBound(range.from) };
    route.group.get(address, { level: "stale" }).catch(() => {});
  }

  #route(id: number): RemoteRoute {
    const known = this.#routes.get(id);
    if (known !== undefined) return known;
    const { env, calls, options = {} } = this.#settings;
    const members = (): readonly number[] => this.#groups?.table.membersOf(id) ?? [];
    const group = new RemoteGroup({ group: id, calls, ...env, members, options });
    const route = { group, participant: new RemoteParticipant(id, group), askedMillis: -KNOWN_MILLIS_MAX };
    if (this.#routes.size >= ROUTES_MAX) this.#routes.delete(this.#routes.keys().next().value!);
    this.#routes.set(id, route);
    return route;
  }
}
