import type { Case } from "./case.ts";
import { holds, same, sameBytes } from "./expect.ts";
import {
  append,
  appending,
  entries,
  entryBytes,
  hardState,
  type StorageNeed,
  type StorageSubject,
} from "./storage-subject.ts";

const GROUP = 3;

/** What a log does while nothing bad happens. */
export const LOG_CASES: readonly Case<StorageSubject, StorageNeed>[] = [
  {
    name: "a group that nobody has written to is empty",
    async run({ opened: { log } }) {
      const {
        hardState: state,
        configuration,
        compaction,
        firstIndex,
        lastIndex,
        lastTerm,
        entryBytes: bytes,
      } = log.group(GROUP);
      same([state, configuration], [undefined, undefined], "there are no marks");
      same(
        [compaction.index, compaction.term, firstIndex, lastIndex, lastTerm, bytes],
        [0, 0, 1, 0, 0, 0],
        "nor entries",
      );
      same(log.group(GROUP).termOf(1), undefined, "no entry has a term");
      const [one, again] = [log.group(GROUP), log.group(GROUP)];
      holds(one === again, "a group is one object");
    },
  },
  {
    name: "entries are there once they are durable, with their terms and bytes",
    async run(subject) {
      const { log } = subject.opened;
      await append(subject, [entries(GROUP, 1, 3), entries(GROUP, 4, 2, 2)]);
      const group = log.group(GROUP);
      same([group.firstIndex, group.lastIndex, group.lastTerm], [1, 5, 2], "the group has five entries");
      same(
        [1, 3, 4, 5, 6].map((index) => group.termOf(index)),
        [1, 1, 2, 2, undefined],
        "of two terms",
      );
      holds(group.entryBytes >= 5 * 20, "their size is known");
      const read = await subject.settle(log.readEntries(GROUP, 1, 5, Number.MAX_SAFE_INTEGER));
      same(
        read.map(({ index, term }) => [index, term]),
        [
          [1, 1],
          [2, 1],
          [3, 1],
          [4, 2],
          [5, 2],
        ],
        "they are read in order",
      );
      for (const { index, term, bytes } of read) sameBytes(bytes, entryBytes(index, term, 20), `entry ${index}`);
    },
  },
  {
    name: "appends take effect and are answered in the order of their calls, not within them",
    async run(subject) {
      const { log } = subject.opened;
      const order: number[] = [];
      const all: Promise<void>[] = [];
      for (let index = 1; index <= 200; index++) {
        all.push(
          new Promise((resolve, reject) => {
            log.append([entries(GROUP + (index % 2), Math.ceil(index / 2), 1)], (error) => {
              order.push(index);
              if (error === undefined) resolve();
              else reject(error);
              const shown = log.group(GROUP + (index % 2)).lastIndex;
              if (shown < Math.ceil(index / 2)) reject(new Error("what is answered is shown"));
            });
          }),
        );
        same(order.length, 0, "no answer comes from within the call");
      }
      await subject.settle(Promise.all(all));
      same(
        order,
        Array.from({ length: 200 }, (_, at) => at + 1),
        "answers come in order",
      );
    },
  },
  {
    name: "reading gives at least one entry, then as many as the bytes allow, and no more than asked",
    async run(subject) {
      const { log } = subject.opened;
      for (let first = 1; first <= 50; first += 10) await append(subject, [entries(GROUP, first, 10, 1, 1000)]);
      const indexes = async (from: number, to: number, bytesMax: number): Promise<readonly number[]> =>
        (await subject.settle(log.readEntries(GROUP, from, to, bytesMax))).map(({ index }) => index);
      same(await indexes(7, 20, 0), [7], "one, however few bytes are allowed");
      same(await indexes(7, 7, 1_000_000), [7], "one, where one is asked for");
      const some = await indexes(1, 50, 10_500);
      holds(
        some.length >= 1 && some.length <= 11,
        `about ten thousand bytes are not ${some.length} entries of a thousand`,
      );
      same(
        some,
        some.map((_, at) => at + 1),
        "without a gap",
      );
      same((await indexes(41, 50, 1_000_000)).at(-1)! <= 50, true, "not beyond the last one asked for");
    },
  },
  {
    name: "entries without bytes, and as long as a record can be, come back as they were",
    async run(subject) {
      const { log } = subject.opened;
      const length = log.recordBytesMax - 256;
      const long = entryBytes(2, 1, length);
      await append(subject, [{ kind: "entries", group: GROUP, firstIndex: 1, term: 1, entries: [new Uint8Array(0)] }]);
      await append(subject, [{ kind: "entries", group: GROUP, firstIndex: 2, term: 1, entries: [long] }]);
      await subject.reopen();
      const [first] = await subject.settle(subject.opened.log.readEntries(GROUP, 1, 1, 1));
      const [second] = await subject.settle(subject.opened.log.readEntries(GROUP, 2, 2, 1));
      sameBytes(first?.bytes, new Uint8Array(0), "the empty one");
      sameBytes(second?.bytes, long, "the long one");
    },
  },
  {
    name: "what was read stays as it is, whatever is written and read later",
    async run(subject) {
      const { log } = subject.opened;
      await append(subject, [entries(GROUP, 1, 20, 1, 300)]);
      const held = [...(await subject.settle(log.readEntries(GROUP, 1, 20, 1_000_000)))];
      for (let round = 0; round < 10; round++) {
        await append(subject, [entries(GROUP, 21 + round * 20, 20, 1, 300)]);
        await subject.settle(log.readEntries(GROUP, 5 + round, 30 + round, 1_000_000));
      }
      for (const { index, term, bytes } of held) sameBytes(bytes, entryBytes(index, term, 300), `entry ${index}`);
    },
  },
  {
    name: "a truncated suffix is gone, and others take its place",
    async run(subject) {
      await append(subject, [entries(GROUP, 1, 10)]);
      await append(subject, [{ kind: "truncateSuffix", group: GROUP, fromIndex: 6 }, entries(GROUP, 6, 2, 2)]);
      const check = async (): Promise<void> => {
        const { log } = subject.opened;
        const group = log.group(GROUP);
        same(
          [group.lastIndex, group.lastTerm, group.termOf(5), group.termOf(8)],
          [7, 2, 1, undefined],
          "the end is another",
        );
        const read = await subject.settle(log.readEntries(GROUP, 5, 7, 1_000_000));
        for (const { index, term, bytes } of read) sameBytes(bytes, entryBytes(index, term, 20), `entry ${index}`);
      };
      await check();
      await subject.reopen();
      await check();
    },
  },
  {
    name: "of each kind of mark the latest counts, also after it was opened again",
    async run(subject) {
      await append(subject, [entries(GROUP, 1, 5), hardState(GROUP, { term: 1, vote: 2, commit: 3 })]);
      await append(subject, [{ kind: "configuration", group: GROUP, index: 2, bytes: Uint8Array.of(1, 2) }]);
      await append(subject, [hardState(GROUP, { term: 4, vote: 1, commit: 5, incarnation: 77, isLost: true })]);
      await append(subject, [{ kind: "configuration", group: GROUP, index: 5, bytes: Uint8Array.of(3) }]);
      const check = (): void => {
        const { hardState: state, configuration } = subject.opened.log.group(GROUP);
        same(
          [state?.term, state?.vote, state?.commit, state?.incarnation, state?.isLost],
          [4, 1, 5, 77, true],
          "hard state",
        );
        same([configuration?.index, [...(configuration?.bytes ?? [])]], [5, [3]], "configuration");
      };
      check();
      await subject.reopen();
      check();
    },
  },
  {
    name: "compaction gives up the beginning and keeps its place",
    async run(subject) {
      await append(subject, [entries(GROUP, 1, 4, 1), entries(GROUP, 5, 6, 2)]);
      const before = subject.opened.log.group(GROUP).entryBytes;
      await append(subject, [{ kind: "compaction", group: GROUP, index: 7, term: 2 }]);
      await subject.settle(subject.opened.log.release());
      const check = async (): Promise<void> => {
        const group = subject.opened.log.group(GROUP);
        same([group.compaction.index, group.compaction.term], [7, 2], "the mark");
        same([group.firstIndex, group.lastIndex], [8, 10], "what is left");
        same(group.termOf(7), 2, "the term before the first entry is known");
        const read = await subject.settle(subject.opened.log.readEntries(GROUP, 8, 10, 1_000_000));
        same(
          read.map(({ index }) => index),
          [8, 9, 10],
          "the rest can be read",
        );
      };
      await check();
      holds(subject.opened.log.group(GROUP).entryBytes < before, "what is given up does not count");
      await subject.reopen();
      await check();
    },
  },
  {
    name: "a snapshot takes the place of a log that ends before it",
    async run(subject) {
      await append(subject, [entries(GROUP, 1, 5), hardState(GROUP, { term: 1, commit: 5 })]);
      await append(subject, [
        { kind: "snapshot", group: GROUP, index: 100, term: 3, note: new Uint8Array(0) },
        { kind: "configuration", group: GROUP, index: 100, bytes: Uint8Array.of(9) },
        { kind: "truncateSuffix", group: GROUP, fromIndex: 101 },
        { kind: "compaction", group: GROUP, index: 100, term: 3 },
        hardState(GROUP, { term: 3, commit: 100 }),
      ]);
      await append(subject, [entries(GROUP, 101, 2, 3)]);
      const check = (): void => {
        const group = subject.opened.log.group(GROUP);
        same([group.firstIndex, group.lastIndex, group.termOf(100)], [101, 102, 3], "it goes on behind the snapshot");
      };
      check();
      await subject.reopen();
      check();
    },
  },
  {
    name: "a group that was removed is empty, and may begin anew",
    async run(subject) {
      await append(subject, [entries(GROUP, 1, 5), hardState(GROUP, { term: 3, vote: 2, commit: 4 })]);
      await append(subject, [{ kind: "removed", group: GROUP }, hardState(GROUP, { term: 3, isLost: true })]);
      const check = (): void => {
        const group = subject.opened.log.group(GROUP);
        same([group.lastIndex, group.firstIndex, group.compaction.index], [0, 1, 0], "no entries");
        same(
          [group.hardState?.term, group.hardState?.vote, group.hardState?.isLost],
          [3, 0, true],
          "the new hard state",
        );
      };
      check();
      await subject.reopen();
      check();
    },
  },
  {
    name: "groups do not see each other",
    async run(subject) {
      await append(subject, [entries(1, 1, 3), entries(2, 1, 5, 4), hardState(2, { term: 4, vote: 2 })]);
      await append(subject, [{ kind: "truncateSuffix", group: 1, fromIndex: 2 }]);
      await subject.reopen();
      const [one, two] = [subject.opened.log.group(1), subject.opened.log.group(2)];
      same([one.lastIndex, one.lastTerm, one.hardState], [1, 1, undefined], "the first");
      same([two.lastIndex, two.lastTerm, two.hardState?.vote], [5, 4, 2], "the second");
    },
  },
  {
    name: "gives space back without losing what is needed, over many rounds",
    async run(subject) {
      const { log } = subject.opened;
      const length = Math.min(8192, log.recordBytesMax >> 5);
      await append(subject, [hardState(1, { term: 9, vote: 3 }), entries(1, 1, 2, 9)]);
      for (let round = 0; round < 60; round++) {
        const first = round * 20 + 1;
        await append(subject, [entries(2, first, 20, 1, length)]);
        await append(subject, [{ kind: "compaction", group: 2, index: first + 18, term: 1 }]);
        await subject.settle(log.release());
      }
      await subject.reopen();
      const idle = subject.opened.log.group(1);
      same([idle.hardState?.vote, idle.lastIndex, idle.lastTerm], [3, 2, 9], "the idle group has everything");
      const busy = subject.opened.log.group(2);
      same([busy.firstIndex, busy.lastIndex], [1200, 1200], "the busy one its last entry");
      const [last] = await subject.settle(subject.opened.log.readEntries(2, 1200, 1200, 1));
      sameBytes(last?.bytes, entryBytes(1200, 1, length), "which can be read");
    },
  },
  {
    name: "closing waits for what is on its way",
    async run(subject) {
      const all = Array.from({ length: 20 }, (_, at) => appending(subject, [entries(GROUP, at + 1, 1)]));
      await subject.reopen();
      await Promise.all(all);
      same(subject.opened.log.group(GROUP).lastIndex, 20, "everything that was answered is there");
    },
  },
];
