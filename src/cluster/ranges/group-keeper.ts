// Opens on this node the groups whose rows name it, and lets go of those that no longer do.
//
// 1. What the node holds of a group it opens at once when it starts, before any row can be read: the rows stand in a group
//    of their own, and a majority that starts anew has to find itself first.
// 2. A group is founded by those of whom its row says so, read where nobody can have gone on since: a row that is out of
//    date could tell the founders of a group that lives elsewhere by now to found it again.
// 3. It is forgotten once whoever leads it says that this node is no member, or once it has no row any more. Until then it
//    stays open, wanted or not: its vote may be needed to let it go.

import type { Clock, Env, Timer, Timers } from "../../env/index.ts";
import type { HostedGroup, OpenGroupOptions, RaftHost } from "../../host/index.ts";
import { hasCode } from "../../std/errors.ts";
import {
  type CommandResult,
  decodeGroupRow,
  type GroupCalls,
  type GroupRouter,
  type GroupRow,
  groupAddress,
  openReplicatedStore,
  type RangeTable,
  type ReplicatedOptions,
  type ReplicatedStore,
  type Store,
} from "../../store/index.ts";
import { clusterFailure } from "../errors.ts";
import { groupsOnDisk, placeOf, removeGroupFiles } from "./group-files.ts";
import { NO_RANGE_BUGS, type RangeBugs } from "./seeded-bugs.ts";

export interface KeptGroup {
  readonly id: number;
  readonly store: ReplicatedStore;
  readonly group: HostedGroup<CommandResult>;
}

export type GroupKeeperEvent =
  | { readonly kind: "opened" | "forgotten"; readonly group: number }
  /** What was here could not be read: the group's other members bring it again. */
  | { readonly kind: "refetched"; readonly group: number; readonly error: Error };

export interface GroupKeeperOptions {
  readonly env: Pick<Env, "clock" | "timers" | "disk" | "indexes">;
  readonly host: Pick<RaftHost, "openGroup" | "forgetGroup" | "abandonFounding" | "holdsGroup">;
  readonly nodeId: number;
  /** The root group's, here. */
  readonly root: Store;
  readonly calls: GroupCalls;
  readonly router: GroupRouter;
  readonly table: Pick<RangeTable, "groups" | "observe" | "ready">;
  /** Whether whoever leads the group counts this node among its members; undefined where nobody says. */
  readonly isMember: (group: number, row: GroupRow) => Promise<boolean | undefined>;
  readonly store?: Partial<ReplicatedOptions>;
  readonly groupsMax?: number;
  readonly onChange?: () => void;
  readonly onEvent?: (event: GroupKeeperEvent) => void;
  /** Of a group that could not be opened or forgotten: it is tried again. */
  readonly onError: (error: unknown) => void;
  readonly bugs?: RangeBugs | undefined;
}

/** Each has an index and checkpoints of its own, and shares log and host with the others. */
export const GROUPS_MAX = 256;

const LOOK_MILLIS = 500;
const RETRY_MILLIS = 10_000;

export class GroupKeeper implements AsyncDisposable {
  readonly #options: GroupKeeperOptions;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #kept = new Map<number, KeptGroup>();
  /** Groups that are being opened or forgotten. */
  readonly #busy = new Map<number, Promise<void>>();
  /** Groups of which files may be here. */
  readonly #onDisk = new Set<number>();
  readonly #failures = new Map<number, { readonly error: unknown; readonly retryMillis: number }>();
  #unobserve = (): void => {};
  #timer: Timer | undefined;
  #isClosed = false;

  /** Resolves when all groups are open that the node holds, or are known not to open. */
  static async start(options: GroupKeeperOptions): Promise<GroupKeeper> {
    const keeper = new GroupKeeper(options, await groupsOnDisk(options.env));
    await Promise.all(keeper.#busy.values());
    return keeper;
  }

  private constructor(options: GroupKeeperOptions, onDisk: readonly number[]) {
    const { env, host, table } = options;
    this.#options = options;
    this.#clock = env.clock;
    this.#timers = env.timers;
    for (const id of onDisk) this.#onDisk.add(id);
    for (const id of onDisk) if (host.holdsGroup(id)) this.#begin(id, () => this.#open(id));
    // Before that, a row that is not known may be there.
    void table.ready.then(() => {
      if (this.#isClosed) return;
      this.#unobserve = table.observe(() => this.#look());
      this.#look();
      this.#plan();
    });
  }

  /** Those that are open here. */
  get all(): readonly KeptGroup[] {
    return [...this.#kept.values()];
  }

  get(id: number): KeptGroup | undefined {
    return this.#kept.get(id);
  }

  /** Why groups that should be open here are not. */
  get failures(): ReadonlyMap<number, unknown> {
    return new Map([...this.#failures].map(([id, { error }]) => [id, error]));
  }

  /** Closes all groups; they are opened again at the next start. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#unobserve();
    for (const id of this.#busy.keys()) this.#options.host.abandonFounding(id);
    await Promise.all(this.#busy.values());
    await Promise.all(this.all.map(({ store }) => store[Symbol.asyncDispose]()));
    this.#kept.clear();
  }

  #plan(): void {
    if (this.#isClosed) return;
    this.#timer = this.#timers.after(LOOK_MILLIS, () => {
      this.#look();
      this.#plan();
    });
  }

  #look(): void {
    if (this.#isClosed) return;
    for (const id of this.#options.table.groups.keys()) {
      if (this.#isWanted(id) && !this.#kept.has(id)) this.#begin(id, () => this.#take(id));
    }
    for (const id of new Set([...this.#kept.keys(), ...this.#onDisk])) {
      if (this.#isWanted(id)) continue;
      this.#begin(id, () => this.#leave(id));
    }
    // One that waits for its other founders would do so for ever.
    for (const id of this.#busy.keys()) if (!this.#isWanted(id)) this.#options.host.abandonFounding(id);
  }

  #isWanted(id: number): boolean {
    const row = this.#options.table.groups.get(id);
    return row !== undefined && row.state !== "retiring" && row.nodes.includes(this.#options.nodeId);
  }

  #begin(id: number, work: () => Promise<void>): void {
    const failure = this.#failures.get(id);
    if (this.#busy.has(id) || (failure !== undefined && failure.retryMillis > this.#clock.monotonic())) return;
    const done = work().then(
      () => void this.#failures.delete(id),
      (error: unknown) => this.#failed(id, error),
    );
    this.#busy.set(
      id,
      done.finally(() => this.#busy.delete(id)),
    );
  }

  #failed(id: number, error: unknown): void {
    if (this.#isClosed || PASSING.some((code) => hasCode(error, code))) return;
    this.#failures.set(id, { error, retryMillis: this.#clock.monotonic() + RETRY_MILLIS });
    this.#options.onError(error);
  }

  async #take(id: number): Promise<void> {
    const { host, nodeId, groupsMax = GROUPS_MAX, env } = this.#options;
    if (host.holdsGroup(id)) return this.#open(id);
    if (this.#kept.size + this.#busy.size >= groupsMax) {
      throw clusterFailure("GROUPS_MAX", { data: { group: id, groupsMax } });
    }
    const row = await this.#readRow(id);
    if (row === undefined || row.state === "retiring" || !row.nodes.includes(nodeId)) return;
    if (row.members.length === 1 && row.members[0] === nodeId && row.state === "open") {
      const what = `Group ${id} has no other member, and this node's log does not know it.`;
      throw clusterFailure("GROUP_UNREADABLE", { what, data: { group: id } });
    }
    this.#onDisk.add(id);
    // Of an earlier membership: its log is gone, so it says nothing any more.
    await removeGroupFiles(env, id);
    await this.#open(id, row.state === "founding" ? { founders: { voters: row.nodes } } : {});
  }

  async #open(id: number, beginning: Pick<OpenGroupOptions<CommandResult>, "founders"> = {}): Promise<void> {
    const { onEvent, onChange } = this.#options;
    let kept: KeptGroup;
    try {
      kept = await this.#openStore(id, beginning);
    } catch (error) {
      if (!UNREADABLE.some((code) => hasCode(error, code))) throw error;
      kept = await this.#fetchAnew(id, error as Error);
    }
    if (this.#isClosed) return kept.store[Symbol.asyncDispose]();
    this.#kept.set(id, kept);
    onEvent?.({ kind: "opened", group: id });
    onChange?.();
  }

  async #openStore(id: number, beginning: Pick<OpenGroupOptions<CommandResult>, "founders">): Promise<KeptGroup> {
    const { env, calls, router, host, store: options } = this.#options;
    let group: HostedGroup<CommandResult> | undefined;
    const store = await openReplicatedStore({
      ...{ env, calls, options: { ...options, ...placeOf(id), beginsEmpty: true } },
      ...{ participants: router, leaseGroups: router },
      openGroup: async (machine, committedAtLeast) => {
        group = await host.openGroup({ id, machine, committedAtLeast, ...beginning });
        return group;
      },
    });
    return { id, store, group: group! };
  }

  /** The node gives up what it holds: it comes back as a member that lost its disk. */
  async #fetchAnew(id: number, cause: Error): Promise<KeptGroup> {
    const { env, host, onEvent } = this.#options;
    try {
      await host.forgetGroup(id);
    } catch (error) {
      if (!hasCode(error, "CHANGE_REFUSED")) throw error;
      throw clusterFailure("GROUP_UNREADABLE", { data: { group: id }, cause });
    }
    await removeGroupFiles(env, id);
    onEvent?.({ kind: "refetched", group: id, error: cause });
    return this.#openStore(id, {});
  }

  async #leave(id: number): Promise<void> {
    const { nodeId, isMember, onChange, bugs = NO_RANGE_BUGS } = this.#options;
    const row = await this.#readRow(id);
    if (row?.state === "founding" || row?.nodes.includes(nodeId) === true) return;
    const isOver = row === undefined || row.state === "retiring";
    const kept = this.#kept.get(id);
    if (kept === undefined && !isOver && this.#options.host.holdsGroup(id)) return this.#open(id);
    const isOut = isOver || bugs.has("forget-group-too-early") || (await isMember(id, row)) === false;
    if (!isOut || this.#isClosed) return;
    this.#kept.delete(id);
    await kept?.store[Symbol.asyncDispose]();
    onChange?.();
    await this.#forget(id, isOver);
  }

  /** Where it breaks off the node still holds the group, or files that say nothing. */
  async #forget(id: number, isOver: boolean): Promise<void> {
    const { host, env, onEvent } = this.#options;
    const held = host.holdsGroup(id);
    if (held) await host.forgetGroup(id, { isOver });
    await removeGroupFiles(env, id);
    this.#onDisk.delete(id);
    if (held) onEvent?.({ kind: "forgotten", group: id });
  }

  /** As whoever leads the root group has it. */
  async #readRow(id: number): Promise<GroupRow | undefined> {
    const { row } = await this.#options.root.get(groupAddress(id));
    return row && decodeGroupRow(row.key, row.value);
  }
}

/** Tried again at the next look. */
const PASSING = ["NO_LEADER", "STOPPED", "OVERLOADED"] as const;

/** Index, checkpoints and log do not give the group's state back. */
const UNREADABLE = ["CHECKPOINT_DAMAGED", "COMPACTED", "LOG_BEHIND", "SNAPSHOT_DAMAGED"] as const;
