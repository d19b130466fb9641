import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ChangeType, change, EntryType, encodeConfChange } from "../../core/raft/index.ts";
import { SimDisk } from "../../env/sim/index.ts";
import type { GroupDamage, Log, LogRecord } from "../../log/index.ts";
import { EMPTY, utf8 } from "../../std/bytes.ts";
import { encodeBatch, toStored } from "../requests/entry.ts";
import { appendTo, openLog } from "../testing/open-log.ts";
import { proveMembership } from "./membership-proof.ts";

const GROUP = 7;
const ONLY_MEMBERSHIP: GroupDamage = {
  ...{ certainIndex: 20, firstMissing: 0, areEntriesWhole: true, isHardStateStale: false },
  firstChangeInDoubt: 6,
};
const COMMAND = encodeBatch({ life: 1, sequence: 1 }, [utf8("command")]);
const CHANGE = toStored({
  ...{ index: 0, term: 1, type: EntryType.confChangeV2 },
  data: encodeConfChange({ transition: "auto", changes: [change(ChangeType.addJoining, 4)], context: EMPTY }),
});

interface Sample {
  readonly damage?: Partial<GroupDamage>;
  readonly changeAt?: number;
  readonly compactedTo?: number;
  readonly hasMark?: boolean;
}

/** Entries 3 to 20, of which one may be a change of membership, and what damage was found. */
async function sample({ damage, changeAt = 0, compactedTo = 2, hasMark = true }: Sample): Promise<Log> {
  const log = await openLog(new SimDisk().mount());
  if (hasMark) await appendTo(log, { kind: "configuration", group: GROUP, index: 2, bytes: utf8("members") });
  await appendTo(log, { kind: "compaction", group: GROUP, index: 2, term: 1 });
  for (let index = 3; index <= 20; index++) {
    const entries = [index === changeAt ? CHANGE : COMMAND];
    await appendTo(log, { kind: "entries", group: GROUP, firstIndex: index, term: 1, entries });
  }
  const compaction: LogRecord = { kind: "compaction", group: GROUP, index: compactedTo, term: 1 };
  await appendTo(log, compaction, { kind: "damaged", group: GROUP, ...ONLY_MEMBERSHIP, ...damage });
  return log;
}

describe("a membership that is in doubt", () => {
  for (const [title, parts] of [
    ["no entry changes it", {}],
    ["the only change has its mark", { changeAt: 5 }],
    ["every entry in doubt is still there", { compactedTo: 5 }],
  ] as const) {
    test(`is known where ${title}, and is in doubt no more`, async () => {
      await using log = await sample(parts);
      assert.equal(await proveMembership(log, GROUP), true);
      assert.equal(log.group(GROUP).damage, undefined);
      assert.deepEqual(log.group(GROUP).configuration, { index: 2, bytes: utf8("members") });
    });
  }

  for (const [title, parts] of [
    ["an entry changes it", { changeAt: 6 }],
    ["the last entry changes it", { changeAt: 20 }],
    ["entries in doubt are compacted", { compactedTo: 6 }],
    ["there is no mark at all", { hasMark: false }],
    ["entries may be missing", { damage: { areEntriesWhole: false } }],
    ["a vote may be forgotten", { damage: { isHardStateStale: true } }],
  ] as const) {
    test(`stays unknown where ${title}`, async () => {
      await using log = await sample(parts);
      assert.equal(await proveMembership(log, GROUP), false);
      assert.notEqual(log.group(GROUP).damage, undefined);
    });
  }
});
