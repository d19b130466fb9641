import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  APPEND_THREAD,
  EMPTY_CONFIGURATION,
  type Entry,
  EntryType,
  type HardState,
  type Message,
  MessageType,
  newMessage,
  type Snapshot,
} from "../../core/raft/index.ts";
import { EMPTY } from "../../std/bytes.ts";
import { ManualLog } from "../testing/manual-log.ts";
import type { GroupStorage } from "./group-storage.ts";
import { StorageQueue } from "./storage-queue.ts";

const state = (term: number, commit: number, vote = 0): HardState => {
  return { term, vote, commit, incarnation: 0, isLost: false };
};
const entries = (from: number, to: number, term: number, bytes = 4): Entry[] => {
  return Array.from({ length: to - from + 1 }, (_, at) => {
    return { index: from + at, term, type: 0, data: new Uint8Array(bytes) };
  });
};
const snapshotAt = (index: number): Snapshot => {
  return { index, term: 3, configuration: EMPTY_CONFIGURATION, data: EMPTY };
};

function fixture(recordBytesMax = 1000) {
  const log = new ManualLog(recordBytesMax);
  const released: number[] = [];
  const cached: string[] = [];
  const failures: Error[] = [];
  const installs: { readonly end: () => void; readonly fail: (error: Error) => void }[] = [];
  const storage = {
    appended: (some: readonly Entry[]) => {
      if (some.length > 0) cached.push(`${some[0]!.index}-${some.at(-1)!.index}`);
    },
    dropCache: () => cached.push("dropped"),
  } as unknown as GroupStorage;
  const queue = new StorageQueue({
    ...{ log: log.log, group: 7, storage, hardState: undefined },
    install: () => new Promise<void>((end, fail) => installs.push({ end, fail })),
    release: (responses) => released.push(...responses.map(({ index }) => index)),
    fail: (error) => failures.push(error),
  });
  let number = 0;
  /** Work whose response has the next number. */
  const add = (work: Partial<Message>): void => {
    const response = newMessage(MessageType.appendResponse, 2);
    response.index = ++number;
    queue.add({ ...newMessage(MessageType.storageAppend, APPEND_THREAD), ...work, responses: [response] });
  };
  return { log, queue, add, released, cached, failures, installs };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("the storage work of a group", () => {
  test("is promised when it is durable, entries before the hard state that may commit them", () => {
    const { log, add, released } = fixture();
    add({ entries: entries(1, 3, 1), hardState: state(1, 2) });
    assert.deepEqual(released, []);
    log.land();
    assert.deepEqual(released, [1]);
    assert.deepEqual(log.story, ["entries 1-3 of 1", "term 1 vote 0 commit 2"]);
  });

  test("has a change of membership behind the commit of what comes before it", () => {
    const { log, add } = fixture();
    const changes = entries(1, 6, 1).map((entry) => ({
      ...entry,
      type: entry.index % 3 === 0 ? EntryType.confChangeV2 : entry.type,
    }));
    add({ entries: changes, hardState: state(1, 4) });
    for (let left = 3; left > 0; left--) log.land();
    assert.deepEqual(log.story, [
      "entries 1-2 of 1",
      "term 1 vote 0 commit 2",
      "entries 3-5 of 1",
      "term 1 vote 0 commit 4",
      "entries 6-6 of 1",
      "term 1 vote 0 commit 4",
    ]);
  });

  test("that stores nothing new waits for what is on its way, and for nothing else", () => {
    const { log, add, released } = fixture();
    add({ entries: entries(1, 1, 1), hardState: state(1, 0) });
    add({});
    assert.deepEqual(released, []);
    log.land();
    assert.deepEqual(released, [1, 2]);
    add({});
    assert.deepEqual(released, [1, 2, 3]);
  });

  test("writes a new commit index with the next entries, but a term or a vote at once", () => {
    const { log, add, released } = fixture();
    add({ hardState: state(1, 0) });
    log.land();
    add({ hardState: state(1, 5) });
    assert.equal(log.pending.length, 0);
    assert.deepEqual(released, [1, 2]);
    add({ hardState: state(1, 5, 2) });
    assert.deepEqual(released, [1, 2]);
    log.land();
    add({ hardState: state(1, 6, 2) });
    add({ entries: entries(1, 1, 1) });
    log.land();
    assert.deepEqual(log.story.slice(1), ["term 1 vote 2 commit 5", "entries 1-1 of 1", "term 1 vote 2 commit 6"]);
  });

  test("cuts a suffix off before it writes what takes its place, also one that is only on its way", () => {
    const { log, add } = fixture();
    add({ entries: entries(1, 5, 1) });
    add({ entries: entries(3, 4, 2) });
    log.land();
    log.land();
    assert.deepEqual(log.story, ["entries 1-5 of 1", "truncate 3", "entries 3-4 of 2"]);
  });

  test("parts entries by term and by size, and promises when the last part is durable", () => {
    const { log, add, released, cached } = fixture(200);
    add({ entries: [...entries(1, 6, 1, 20), ...entries(7, 7, 2, 150)], hardState: state(2, 0) });
    assert.equal(log.pending.length, 3);
    log.land();
    log.land();
    assert.deepEqual([released, cached], [[], []]);
    log.land();
    assert.deepEqual([released, cached], [[1], ["1-7"]]);
    assert.deepEqual(log.story.slice(0, 3), ["entries 1-3 of 1", "entries 4-6 of 1", "entries 7-7 of 2"]);
  });

  test("parts entries without data, too: each takes some room in a record", () => {
    const { log, add } = fixture(200);
    add({ entries: entries(1, 100, 1, 0) });
    for (const { records } of log.pending) {
      for (const record of records) if (record.kind === "entries") assert.ok(record.entries.length <= 12);
    }
  });

  test("ends with a failure of the log, which is told once", () => {
    const { log, add, released, failures } = fixture(200);
    add({ entries: entries(1, 6, 1, 50) });
    add({ hardState: state(2, 0) });
    log.fail();
    assert.deepEqual([released, failures.length], [[], 1]);
    add({ entries: entries(7, 7, 1) });
    assert.equal(log.pending.length, 0);
  });
});

describe("without space", () => {
  test("what was refused is tried again in its order, and promised only then", () => {
    const { log, queue, add, released } = fixture();
    add({ entries: entries(1, 2, 1), hardState: state(1, 0, 2) });
    add({ entries: entries(3, 3, 1) });
    log.refuse();
    add({ hardState: state(2, 0) });
    assert.equal(log.pending.length, 0);
    queue.retry();
    assert.deepEqual(released, []);
    while (log.pending.length > 0) log.land();
    assert.deepEqual(released, [1, 2, 3]);
    assert.deepEqual(log.story, [
      "entries 1-2 of 1",
      "term 1 vote 2 commit 0",
      "entries 3-3 of 1",
      "term 2 vote 0 commit 0",
    ]);
  });

  test("an append of which the first part was written is written again as a whole", () => {
    const { log, queue, add, released } = fixture(200);
    add({ entries: entries(1, 6, 1, 50) });
    log.land();
    log.refuse();
    queue.retry();
    while (log.pending.length > 0) log.land();
    assert.deepEqual(released, [1]);
    assert.equal(log.story[1], "truncate 1");
    assert.equal(log.lastIndex, 6);
  });

  test("answers that waited for a refused append go on waiting with it", () => {
    const { log, queue, add, released } = fixture();
    add({ entries: entries(1, 1, 1) });
    add({});
    log.refuse();
    assert.deepEqual(released, []);
    queue.retry();
    log.land();
    assert.deepEqual(released, [1, 2]);
  });

  test("marks wait until there is some", async () => {
    const { log, queue } = fixture();
    let isDurable = false;
    const marks = queue.marks([{ kind: "compaction", group: 7, index: 1, term: 1 }]).then(() => {
      isDurable = true;
    });
    log.refuse();
    await settled();
    queue.retry();
    log.refuse();
    await settled();
    assert.equal(isDurable, false);
    queue.retry();
    log.land();
    await marks;
  });
});

describe("a snapshot", () => {
  test("is installed when all before it is written, and what follows it is appended behind it", async () => {
    const { log, add, released, cached, installs } = fixture();
    add({ entries: entries(1, 5, 1), hardState: state(1, 0) });
    add({ snapshot: snapshotAt(10), hardState: state(3, 10) });
    add({ entries: entries(11, 12, 3) });
    assert.equal(installs.length, 0);
    log.land();
    assert.equal(installs.length, 1);
    assert.equal(log.pending.length, 0);
    installs[0]!.end();
    await settled();
    assert.deepEqual(released, [1, 2]);
    log.land();
    assert.deepEqual(released, [1, 2, 3]);
    assert.deepEqual(cached, ["1-5", "dropped", "11-12"]);
    assert.equal(log.story.at(-1), "entries 11-12 of 3");
  });

  test("waits for entries that the log had no space for: behind it they would cut off what is compacted", async () => {
    const { log, queue, add, installs } = fixture();
    add({ entries: entries(1, 5, 1) });
    add({ snapshot: snapshotAt(10), hardState: state(3, 10) });
    log.refuse();
    assert.equal(installs.length, 0);
    queue.retry();
    assert.equal(installs.length, 0);
    log.land();
    assert.equal(installs.length, 1);
    installs[0]!.end();
    await settled();
    queue.retry();
    assert.deepEqual(log.story, ["entries 1-5 of 1"]);
  });

  test("that can not be installed ends the group", async () => {
    const { add, failures, installs } = fixture();
    add({ snapshot: snapshotAt(10), hardState: state(3, 10) });
    installs[0]!.fail(new Error("the disk"));
    await settled();
    assert.equal(failures.length, 1);
  });
});

describe("the end", () => {
  test("tells nothing any more, and waits for what is on its way", async () => {
    const { log, queue, add, released, cached } = fixture();
    add({ entries: entries(1, 1, 1) });
    let isOver = false;
    const over = queue.stop().then(() => {
      isOver = true;
    });
    await settled();
    assert.equal(isOver, false);
    log.land();
    await over;
    assert.deepEqual([released, cached], [[], []]);
    await queue.stop();
  });

  test("waits for an installation", async () => {
    const { queue, add, installs, released } = fixture();
    add({ snapshot: snapshotAt(10), hardState: state(3, 10) });
    let isOver = false;
    const over = queue.stop().then(() => {
      isOver = true;
    });
    await settled();
    assert.equal(isOver, false);
    installs[0]!.end();
    await over;
    assert.deepEqual(released, []);
  });

  test("does not wait for space", async () => {
    const { log, queue } = fixture();
    const marks = queue.marks([{ kind: "compaction", group: 7, index: 1, term: 1 }]);
    log.refuse();
    await queue.stop();
    await assert.rejects(marks, { code: "STOPPED" });
  });
});
