import { allMembers, type Configuration, isJoint } from "../../core/raft/index.ts";
import type { Timers } from "../../env/index.ts";
import {
  decodeGroupRow,
  encodeGroupRow,
  type GroupRow,
  groupAddress,
  type RangeTable,
  type Store,
} from "../../store/index.ts";
import { change, unchanged } from "../change.ts";
import { nextGroupChange } from "../next-change.ts";
import type { NodeRow } from "../node-row.ts";
import { heirOf, isPassing } from "../reconfigurer.ts";
import { Repeated } from "../repeated.ts";
import type { GroupKeeper, KeptGroup } from "./group-keeper.ts";

export interface GroupReconfigurerOptions {
  readonly timers: Timers;
  readonly nodeId: number;
  /** The root group's, here. */
  readonly root: Store;
  readonly keeper: Pick<GroupKeeper, "all">;
  readonly table: Pick<RangeTable, "groups">;
  /** Rows of all nodes, as far as they are known here. */
  readonly nodes: () => readonly NodeRow[];
  readonly onError: (error: unknown) => void;
}

const LOOK_MILLIS = 500;

/**
 * For each group that this node leads: brings its members to what its row says, one change after the other, lets go of
 * the lead where the leader is to leave, and notes in the row who the members are.
 */
export class GroupReconfigurer implements AsyncDisposable {
  readonly #options: GroupReconfigurerOptions;
  readonly #looks: Repeated;

  constructor(options: GroupReconfigurerOptions) {
    const { timers, onError } = options;
    this.#options = options;
    this.#looks = new Repeated({ timers, pauseMillis: LOOK_MILLIS, look: () => this.#lookAtAll(), onError });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#looks[Symbol.asyncDispose]();
  }

  async #lookAtAll(): Promise<void> {
    const { keeper, onError } = this.#options;
    const looks = keeper.all.map((kept) =>
      this.#look(kept).catch((error: unknown) => {
        if (!isPassing(error)) onError(error);
      }),
    );
    await Promise.all(looks);
  }

  async #look({ id, group }: KeptGroup): Promise<void> {
    const { table, nodes, nodeId } = this.#options;
    const row = table.groups.get(id);
    if (!group.isLeader || row === undefined || row.state === "retiring") return;
    const { configuration, progress } = group.status;
    if (!isNoted(row, configuration)) await this.#note(id, configuration);
    const rows = nodes();
    const isActive = (node: number): boolean => rows.some((one) => one.id === node && one.state === "active");
    const isStaying = (node: number): boolean => row.nodes.includes(node) && isActive(node);
    if (!isStaying(nodeId)) {
      const heir = heirOf(group, nodeId, isStaying);
      if (heir !== undefined) return group.transferLeadership(heir);
    }
    const answers = (node: number): boolean => progress.some(({ id, isAlive }) => id === node && isAlive);
    const changes = nextGroupChange(row.nodes, rows, configuration, answers);
    if (changes === undefined || this.#looks.isOver) return;
    // A leader that removes itself leads on until that is committed: another one is to do it.
    if (changes.some((one) => one.id === nodeId && !row.nodes.includes(nodeId))) return;
    await group.changeMembers({ transition: "auto", changes });
  }

  /** Whoever looks for the group asks these; and one that has a leader is founded. */
  #note(id: number, configuration: Configuration): Promise<void> {
    const { root } = this.#options;
    return change<void>(root, async () => {
      const { row } = await root.get(groupAddress(id));
      const known = row && decodeGroupRow(row.key, row.value);
      if (known === undefined || known.state === "retiring" || isNoted(known, configuration))
        return { result: undefined };
      const noted: GroupRow = { ...known, state: "open", members: allMembers(configuration) };
      const put = { ...groupAddress(id), value: encodeGroupRow(noted) };
      return { commit: { checks: [unchanged(groupAddress(id), row)], puts: [put] }, result: undefined };
    });
  }
}

function isNoted({ state, members }: GroupRow, configuration: Configuration): boolean {
  if (state === "open" && isJoint(configuration)) return true;
  return state === "open" && String(members) === String(allMembers(configuration));
}
