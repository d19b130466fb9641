// How a group is, as whoever leads it sees it. A view is taken behind a read barrier: what it says of the members held at
// some moment after it was asked for, whoever else believes to lead.

import type { HostedGroup } from "../../host/index.ts";
import { fromHex, text, toHex, utf8 } from "../../std/bytes.ts";
import { AshlarError } from "../../std/errors.ts";
import { type PeerCalls, ROOT_GROUP, storeFailure } from "../../store/index.ts";
import type { LeaderView } from "../leader-view.ts";
import type { MoveProgress } from "./mover.ts";
import type { GroupLoad } from "./range-meter.ts";

export interface GroupView extends LeaderView {
  readonly group: number;
  readonly load: GroupLoad | undefined;
  /** Of the root group: what is on its way from group to group. */
  readonly moving: MoveProgress | undefined;
}

export type ViewedGroup = Pick<HostedGroup<unknown>, "lead" | "isLeader" | "status" | "readBarrier">;

export interface GroupViewsOptions {
  readonly transport: PeerCalls;
  readonly method: number;
  readonly nodeId: number;
  /** Those that are open here. */
  readonly groups: () => readonly number[];
  /** Undefined where the group is not open here. */
  readonly groupOf: (id: number) => ViewedGroup | undefined;
  readonly loadOf: (id: number) => GroupLoad | undefined;
  readonly moving: () => MoveProgress | undefined;
}

const CALL_MILLIS = 5_000;
/** Of members that are asked one after the other; each may name another one that leads. */
const ASKED_MAX = 16;

export class GroupViews {
  readonly #options: GroupViewsOptions;

  constructor(options: GroupViewsOptions) {
    this.#options = options;
    options.transport.handle(options.method, async ({ head }) => {
      const { group } = JSON.parse(text(head)) as { readonly group?: number };
      const views = group === undefined ? await this.#ownViews() : [await this.#ownView(group)];
      return { head: utf8(JSON.stringify(views.map(encoded))) };
    });
  }

  /** Of all groups that these nodes lead; those of a node that does not answer are missing. */
  async all(nodes: readonly number[]): Promise<readonly GroupView[]> {
    const answers = await Promise.all(nodes.map((node) => this.#viewsOf(node, {}).catch(operating)));
    return answers.flat().sort((one, other) => one.group - other.group);
  }

  /** Asks those who may know. Undefined where none of them leads the group, or none answers. */
  async ask(group: number, members: readonly number[]): Promise<GroupView | undefined> {
    const waiting = [...members];
    const asked = new Set<number>();
    for (let node = waiting.shift(); node !== undefined && asked.size < ASKED_MAX; node = waiting.shift()) {
      if (asked.has(node)) continue;
      asked.add(node);
      try {
        return (await this.#viewsOf(node, { group }))[0];
      } catch (error) {
        if (!(error instanceof AshlarError)) throw error;
        const leader = error.data["leader"];
        if (typeof leader === "number" && leader > 0) waiting.unshift(leader);
      }
    }
    return undefined;
  }

  async #viewsOf(node: number, question: { readonly group?: number }): Promise<readonly GroupView[]> {
    const { transport, method, nodeId } = this.#options;
    const { group } = question;
    if (node === nodeId) return group === undefined ? this.#ownViews() : [await this.#ownView(group)];
    const head = utf8(JSON.stringify(question));
    const reply = await transport.call(node, method, { head }, { timeoutMillis: CALL_MILLIS });
    return (JSON.parse(text(reply.head)) as readonly EncodedView[]).map(decoded);
  }

  async #ownViews(): Promise<readonly GroupView[]> {
    const { groups, groupOf } = this.#options;
    const led = groups().filter((id) => groupOf(id)?.isLeader === true);
    const views = led.map((id) => this.#ownView(id).then((view) => [view], operating));
    return (await Promise.all(views)).flat();
  }

  /** Rejects with NOT_LEADER, or as the barrier does. */
  async #ownView(id: number): Promise<GroupView> {
    const group = this.#options.groupOf(id);
    if (group?.isLeader === true) await group.readBarrier();
    if (group?.isLeader !== true) throw storeFailure("NOT_LEADER", { data: { group: id, leader: group?.lead ?? 0 } });
    const { configuration, lastIndex, progress } = group.status;
    return {
      ...{ group: id, leader: this.#options.nodeId, lastIndex, configuration },
      progress: progress.map(({ id: node, match, isAlive }) => ({ id: node, match, isAlive })),
      load: this.#options.loadOf(id),
      moving: id === ROOT_GROUP ? this.#options.moving() : undefined,
    };
  }
}

/** Who does not answer has no views. Throws what is no operating error. */
function operating(error: unknown): readonly GroupView[] {
  if (error instanceof AshlarError) return [];
  throw error;
}

/** JSON, since nodes of different versions hold it. */
type EncodedView = Omit<GroupView, "load"> & {
  readonly load?: Omit<GroupLoad, "ranges"> & { readonly ranges: readonly EncodedRange[] };
};

type EncodedRange = Omit<GroupLoad["ranges"][number], "from" | "to" | "middle"> & {
  readonly from: string;
  readonly to: string;
  readonly middle?: string | undefined;
};

function encoded({ load, ...view }: GroupView): EncodedView {
  if (load === undefined) return view;
  const ranges = load.ranges.map(({ from, to, middle, ...range }) => {
    return { ...range, from: toHex(from), to: toHex(to), middle: middle && toHex(middle) };
  });
  return { ...view, load: { ...load, ranges } };
}

function decoded({ load, ...view }: EncodedView): GroupView {
  if (load === undefined) return { ...view, load: undefined };
  const ranges = load.ranges.map(({ from, to, middle, ...range }) => {
    return {
      ...range,
      from: fromHex(from)!,
      to: fromHex(to)!,
      middle: middle === undefined ? undefined : fromHex(middle)!,
    };
  });
  return { ...view, load: { ...load, ranges } };
}
