import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SimMachine, SimScheduler } from "../../env/sim/index.ts";
import { encodeCommand } from "../command.ts";
import { prepareCommit } from "../commit-rules.ts";
import { StoreMachine } from "../machine.ts";
import { ROOT_GROUP } from "../tables.ts";
import { encodeGroupRow, encodeIdCounter, type GroupRow, groupAddress, ID_COUNTER } from "./range-rows.ts";
import { groupsInIndex } from "./stopped-map.ts";

describe("the map of a node that is stopped", () => {
  test("names the groups that its index knows of, and none of an empty one", async () => {
    const scheduler = new SimScheduler();
    const { env } = new SimMachine({ seed: 1, scheduler, label: "stopped" });
    await scheduler.settle(
      (async () => {
        const index = await env.indexes.open("index");
        assert.deepEqual(groupsInIndex(index), []);
        const groups: GroupRow[] = [
          { id: 2, state: "open", nodes: [1, 2, 3], members: [1, 2, 3] },
          { id: 7, state: "founding", nodes: [4, 5], members: [] },
        ];
        const puts = groups.map((row) => ({ ...groupAddress(row.id), value: encodeGroupRow(row) }));
        const commit = prepareCommit({ puts: [{ ...ID_COUNTER, value: encodeIdCounter(8) }, ...puts] });
        const machine = new StoreMachine({ index, group: ROOT_GROUP });
        machine.apply([{ index: 1, term: 1, commands: [encodeCommand({ kind: "commit", ...commit })] }]);
        assert.deepEqual(groupsInIndex(index), groups);
      })(),
    );
  });
});
