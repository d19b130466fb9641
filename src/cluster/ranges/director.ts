// What whoever leads the root group sees to: that groups are on nodes that are in use, that what is on its way arrives, and
// that groups which serve nothing any more go.

import type { Clock, Timers } from "../../env/index.ts";
import { type GroupRow, type RangeTable, type Store, TABLES } from "../../store/index.ts";
import type { NodeRow } from "../node-row.ts";
import { isPassing } from "../reconfigurer.ts";
import { Repeated } from "../repeated.ts";
import { changeLayout, type Layout, readLayout } from "./layout.ts";
import type { Mover } from "./mover.ts";
import { settledNodes } from "./placement.ts";
import { NO_RANGE_BUGS, type RangeBugs } from "./seeded-bugs.ts";

export interface DirectorOptions {
  readonly env: { readonly clock: Clock; readonly timers: Timers };
  readonly root: Store;
  readonly leads: () => boolean;
  readonly nodes: () => readonly NodeRow[];
  readonly table: Pick<RangeTable, "groups">;
  readonly mover: Mover;
  /** Asked now and then while nothing is on its way. */
  readonly balance?: (layout: Layout) => Promise<void>;
  readonly balanceMillis?: number;
  /** A group without a range is kept for so long: it tells those who still ask it that it serves nothing. */
  readonly retireAfterMillis?: number;
  readonly onError: (error: unknown) => void;
  readonly bugs?: RangeBugs | undefined;
}

const LOOK_MILLIS = 500;
const BALANCE_MILLIS = 10_000;
const RETIRE_AFTER_MILLIS = 30_000;

export class Director implements AsyncDisposable {
  readonly #options: DirectorOptions;
  /** Groups without a range, and since when. */
  readonly #emptySince = new Map<number, number>();
  readonly #looks: Repeated;
  #moving: Promise<void> | undefined;
  #balancedMillis = 0;

  constructor(options: DirectorOptions) {
    this.#options = options;
    this.#looks = new Repeated({
      timers: options.env.timers,
      pauseMillis: LOOK_MILLIS,
      look: () => this.#look(),
      onError: (error) => this.#failed(error),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const looked = this.#looks[Symbol.asyncDispose]();
    this.#options.mover.stop();
    await looked;
    await this.#moving;
  }

  #failed(error: unknown): void {
    if (!isPassing(error)) this.#options.onError(error);
  }

  async #look(): Promise<void> {
    const { root, leads, table } = this.#options;
    if (!leads()) {
      this.#emptySince.clear();
      return;
    }
    await this.#settleNodes();
    const { rows } = await root.scan(TABLES.transfer, {}, { limit: 1, level: "stale" });
    const isMoving = rows.length > 0;
    if (isMoving) this.#move();
    if (table.groups.size === 0 && this.#options.balance === undefined) return;
    const nowMillis = this.#options.env.clock.monotonic();
    if (nowMillis - this.#balancedMillis < (this.#options.balanceMillis ?? BALANCE_MILLIS)) return;
    this.#balancedMillis = nowMillis;
    const layout = await readLayout(root);
    await this.#retire(layout, nowMillis);
    if (layout.transfers.length === 0 && !this.#looks.isOver) await this.#options.balance?.(layout);
  }

  #move(): void {
    this.#moving ??= this.#options.mover
      .run()
      .catch((error: unknown) => this.#failed(error))
      .finally(() => {
        this.#moving = undefined;
      });
  }

  /** By what is known here; decided anew by what is so. */
  async #settleNodes(): Promise<void> {
    const { root, nodes, table } = this.#options;
    const groups = [...table.groups.values()];
    for (const { id } of groups.filter((row) => this.#isUnsettled(row, groups))) {
      await changeLayout(root, (layout) => {
        const row = layout.groups.find((one) => one.id === id);
        if (row === undefined || !this.#isUnsettled(row, layout.groups)) return undefined;
        return { groups: [{ ...row, nodes: settledNodes(row, nodes(), layout.groups) }], result: undefined };
      });
    }
  }

  /** One that is being founded has the nodes that its founders were told of. */
  #isUnsettled(row: GroupRow, groups: readonly GroupRow[]): boolean {
    const wanted = settledNodes(row, this.#options.nodes(), groups);
    return row.state === "open" && wanted.length > 0 && String(wanted) !== String(row.nodes);
  }

  async #retire(layout: Layout, nowMillis: number): Promise<void> {
    const { root, retireAfterMillis = RETIRE_AFTER_MILLIS } = this.#options;
    const empty = this.#emptyGroups(layout);
    for (const id of this.#emptySince.keys()) if (!empty.includes(id)) this.#emptySince.delete(id);
    for (const id of empty) if (!this.#emptySince.has(id)) this.#emptySince.set(id, nowMillis);
    const isDue = (id: number): boolean => nowMillis - (this.#emptySince.get(id) ?? nowMillis) >= retireAfterMillis;
    if (!empty.some(isDue)) return;
    await changeLayout(root, (current) => {
      const groupsGone = this.#emptyGroups(current).filter(isDue);
      return groupsGone.length === 0 ? undefined : { groupsGone, result: undefined };
    });
  }

  #emptyGroups({ groups, map, transfers }: Layout): number[] {
    const { bugs = NO_RANGE_BUGS } = this.#options;
    const named = new Set(map.ranges.map(({ group }) => group));
    const isHurried = bugs.has("retire-while-keys-come");
    for (const { source, target } of isHurried ? [] : transfers) named.add(source).add(target);
    return groups.map(({ id }) => id).filter((id) => !named.has(id));
  }
}
