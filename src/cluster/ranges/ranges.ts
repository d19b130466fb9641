// A node's part in what is cut into ranges: the groups that it holds, the members of those that it leads, and, where it
// leads the root group, what goes from group to group.

import { isMember } from "../../core/raft/index.ts";
import type { Env } from "../../env/index.ts";
import type { HostedGroup } from "../../host/index.ts";
import {
  type GroupCalls,
  type GroupRouter,
  type GroupRow,
  type PageLimits,
  type PeerCalls,
  type RangeTable,
  type ReplicatedOptions,
  type ReplicatedStore,
  ROOT_GROUP,
  type WrittenCheckpoint,
} from "../../store/index.ts";
import type { NodeRow } from "../node-row.ts";
import { backUpRanges } from "./backup.ts";
import { Director } from "./director.ts";
import { GroupKeeper, type GroupKeeperEvent, type GroupKeeperOptions } from "./group-keeper.ts";
import { GroupReconfigurer } from "./group-reconfigurer.ts";
import { GroupViews, type ViewedGroup } from "./group-views.ts";
import { type Layout, readLayout } from "./layout.ts";
import { Mover, type MoverEvent } from "./mover.ts";
import { abortTransfer, mergeRange, moveRange, splitRange } from "./range-changes.ts";
import { type GroupLoad, RangeMeter } from "./range-meter.ts";
import { type RangesStatus, rangesStatus, stoppedWithout } from "./ranges-status.ts";
import type { RangeBugs } from "./seeded-bugs.ts";
import { RANGE_COMMITS_PER_SECOND_MAX, Splitter } from "./splitter.ts";

export interface RangeOptions {
  /** A range that has become larger is split; 0: none is split or merged by itself. */
  readonly rangeBytesMax: number;
  /** One that takes more for a while is split, too. */
  readonly rangeCommitsPerSecondMax?: number;
  readonly transferBytesPerSecond: number;
  readonly pageLimits?: PageLimits;
  readonly foundingMillisMax?: number;
  readonly retireAfterMillis?: number;
  readonly balanceMillis?: number;
}

export interface RangesSettings {
  readonly env: Pick<Env, "clock" | "timers" | "disk" | "indexes">;
  readonly host: GroupKeeperOptions["host"];
  readonly nodeId: number;
  /** The root group and its Store, here. They stay their owner's. */
  readonly root: ReplicatedStore;
  readonly group: ViewedGroup & Pick<HostedGroup<unknown>, "isLeader">;
  readonly calls: GroupCalls;
  /** Both of the same root group; the router has begun, and finds the groups that are open here by `local`. */
  readonly router: GroupRouter;
  readonly table: RangeTable;
  readonly transport: PeerCalls;
  /** Number of the method by which nodes ask each other about groups. */
  readonly viewMethod: number;
  /** Of all nodes, as far as they are known here; none before anything is. */
  readonly nodes: () => readonly NodeRow[];
  readonly options: RangeOptions;
  readonly store?: Partial<ReplicatedOptions>;
  /** Groups were opened here, or closed. */
  readonly onChange?: () => void;
  readonly onEvent?: (event: GroupKeeperEvent | MoverEvent) => void;
  readonly onError: (error: unknown) => void;
  readonly bugs?: RangeBugs | undefined;
}

export class Ranges implements AsyncDisposable {
  readonly keeper: GroupKeeper;
  readonly views: GroupViews;
  readonly mover: Mover;
  readonly #settings: RangesSettings;
  readonly #reconfigurer: GroupReconfigurer;
  readonly #director: Director;
  readonly #meter: RangeMeter;

  /** Resolves when the groups are open that the node holds. */
  static async open(settings: RangesSettings): Promise<Ranges> {
    const { nodeId, transport, viewMethod, group } = settings;
    let keeper: GroupKeeper | undefined;
    const groupOf = (id: number): ViewedGroup | undefined => (id === ROOT_GROUP ? group : keeper?.get(id)?.group);
    let ranges: Ranges | undefined;
    const views = new GroupViews({
      ...{ transport, nodeId, method: viewMethod, groupOf },
      groups: () => [ROOT_GROUP, ...(keeper?.all.map(({ id }) => id) ?? [])],
      loadOf: (id) => ranges?.loadOf(id),
      moving: () => ranges?.mover.progress,
    });
    const { env, host, root, calls, router, table, store, onChange, onEvent, onError, bugs } = settings;
    keeper = await GroupKeeper.start({
      ...{ env, host, nodeId, root, calls, router, table, onError, bugs },
      ...(store && { store }),
      ...(onChange && { onChange }),
      ...(onEvent && { onEvent }),
      isMember: (id, row) => isMemberOf(views, nodeId, id, row),
    });
    ranges = new Ranges(settings, keeper, views);
    return ranges;
  }

  private constructor(settings: RangesSettings, keeper: GroupKeeper, views: GroupViews) {
    const { env, root, router, table, nodes, nodeId, group, options, onEvent, onError, bugs } = settings;
    this.#settings = settings;
    this.keeper = keeper;
    this.views = views;
    this.#reconfigurer = new GroupReconfigurer({ timers: env.timers, nodeId, root, table, keeper, nodes, onError });
    const leads = (): boolean => group.isLeader;
    const { rangeBytesMax, balanceMillis } = options;
    this.#meter = new RangeMeter({
      ...{ env, rangeBytesMax, led: () => this.#led() },
      ...(balanceMillis !== undefined && { lookMillis: balanceMillis }),
    });
    const splitter = rangeBytesMax > 0 ? this.#splitter() : undefined;
    this.mover = new Mover({
      ...{ env, root, leads, router, nodes, onError, bugs },
      bytesPerSecond: options.transferBytesPerSecond,
      ...(options.pageLimits && { pageLimits: options.pageLimits }),
      ...(options.foundingMillisMax !== undefined && { foundingMillisMax: options.foundingMillisMax }),
      ...(onEvent && { onEvent }),
    });
    this.#director = new Director({
      ...{ env, root, leads, nodes, table, mover: this.mover, onError, bugs },
      ...(options.retireAfterMillis !== undefined && { retireAfterMillis: options.retireAfterMillis }),
      ...(balanceMillis !== undefined && { balanceMillis }),
      ...(splitter && { balance: (layout: Layout) => splitter.look(layout) }),
    });
  }

  /** The Store of a group that is open here. */
  local(id: number): ReplicatedStore | undefined {
    return id === ROOT_GROUP ? this.#settings.root : this.keeper.get(id)?.store;
  }

  /** Of a group that this node leads. */
  loadOf(id: number): GroupLoad | undefined {
    return this.#meter.loadOf(id);
  }

  /** Rejects where nobody leads the root group. */
  async status(): Promise<RangesStatus> {
    return rangesStatus(await readLayout(this.#settings.root), await this.views.all(this.#present()));
  }

  /** As `splitRange`, and the others as theirs. */
  split(key: Uint8Array, options?: Parameters<typeof splitRange>[2]): Promise<number> {
    return splitRange(this.#settings.root, key, options);
  }

  merge(key: Uint8Array, options?: Parameters<typeof mergeRange>[2]): Promise<void> {
    return mergeRange(this.#settings.root, key, options);
  }

  move(key: Uint8Array, nodes: readonly number[]): Promise<void> {
    return moveRange(this.#settings.root, key, nodes);
  }

  abort(transfer: number, reason: string): Promise<void> {
    return abortTransfer(this.#settings.root, transfer, reason);
  }

  /** The rows of all groups, as `backUpRanges`. */
  backup(name: string, signal?: AbortSignal): Promise<WrittenCheckpoint> {
    const { env, root, router, options, onError } = this.#settings;
    const { transferBytesPerSecond: bytesPerSecond, pageLimits } = options;
    return backUpRanges(
      { env, root, router, onError, bytesPerSecond, ...(pageLimits && { pageLimits }) },
      name,
      signal,
    );
  }

  /** Groups beside the root one that would stop without this node, or might. */
  async stoppedWithout(node: number): Promise<readonly number[]> {
    const { groups } = await readLayout(this.#settings.root);
    return stoppedWithout(groups, await this.views.all(this.#present()), node);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#meter[Symbol.asyncDispose]();
    await this.#director[Symbol.asyncDispose]();
    await this.#reconfigurer[Symbol.asyncDispose]();
    await this.keeper[Symbol.asyncDispose]();
  }

  #led(): ReadonlyMap<number, ReplicatedStore> {
    const { group, root } = this.#settings;
    const led = new Map(
      this.keeper.all.flatMap((kept) => (kept.group.isLeader ? [[kept.id, kept.store] as const] : [])),
    );
    return group.isLeader ? led.set(ROOT_GROUP, root) : led;
  }

  #splitter(): Splitter {
    const { root, options } = this.#settings;
    const { rangeBytesMax, rangeCommitsPerSecondMax = RANGE_COMMITS_PER_SECOND_MAX } = options;
    return new Splitter({
      ...{ root, views: this.views, limits: { rangeBytesMax, rangeCommitsPerSecondMax } },
      nodes: () => this.#present(),
    });
  }

  /** Nodes that may lead a group. */
  #present(): readonly number[] {
    const { nodes } = this.#settings;
    return nodes().flatMap(({ id, state }) => (state === "active" || state === "draining" ? [id] : []));
  }
}

async function isMemberOf(
  views: GroupViews,
  nodeId: number,
  group: number,
  { members, nodes }: GroupRow,
): Promise<boolean | undefined> {
  const others = [...new Set([...members, ...nodes])].filter((node) => node !== nodeId);
  const view = await views.ask(group, others);
  return view && isMember(view.configuration, nodeId);
}
