// The map of ranges as a node that is stopped knew it last: what its index holds may be behind its log, and its log behind
// the cluster.

import type { Index } from "../../env/index.ts";
import { decodeAddress, encodeAddress, encodeRange } from "../key-codec.ts";
import { StoreMachine } from "../machine.ts";
import { ROOT_GROUP, TABLES } from "../tables.ts";
import { decodeGroupRow, type GroupRow, groupAddress, idOfKey } from "./range-rows.ts";

const PAGE_ROWS = 10_000;

/** All groups but the root one, of its index. Throws ROW_DAMAGED. */
export function groupsInIndex(index: Index): readonly GroupRow[] {
  const machine = new StoreMachine({ index, group: ROOT_GROUP });
  const rows = machine.scan({ ...encodeRange(TABLES.group, {}), limit: PAGE_ROWS });
  return rows.flatMap(({ key }) => {
    const id = idOfKey(decodeAddress(key).key);
    const row = id === 0 ? undefined : machine.row(encodeAddress(groupAddress(id)));
    return row === undefined ? [] : [decodeGroupRow(decodeAddress(key).key, row.value)];
  });
}
