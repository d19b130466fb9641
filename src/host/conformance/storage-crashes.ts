import { Prng } from "../../std/prng.ts";
import type { Case } from "./case.ts";
import { holds, same, sameBytes } from "./expect.ts";
import { append, entries, entryBytes, hardState, type StorageNeed, type StorageSubject } from "./storage-subject.ts";

const GROUP = 3;

/** What survives when power fails. */
export const CRASH_CASES: readonly Case<StorageSubject, StorageNeed>[] = [
  {
    name: "what was answered survives a crash: entries, vote and members",
    needs: ["crash"],
    async run(subject) {
      await append(subject, [{ kind: "configuration", group: GROUP, index: 2, bytes: Uint8Array.of(5) }]);
      await append(subject, [entries(GROUP, 1, 30), hardState(GROUP, { term: 6, vote: 2, commit: 20 })]);
      await subject.crash();
      const group = subject.opened.log.group(GROUP);
      same([group.lastIndex, group.hardState?.vote, group.hardState?.term], [30, 2, 6], "all of it is there");
      same([...(group.configuration?.bytes ?? [])], [5], "the members, too");
    },
  },
  {
    name: "of what was not answered a crash leaves a beginning without holes, over many lives",
    needs: ["crash"],
    async run(subject) {
      const prng = new Prng(1);
      let answered = 0;
      for (let life = 0; life < 12; life++) {
        const { log } = subject.opened;
        const { lastIndex } = log.group(GROUP);
        holds(lastIndex >= answered, `entry ${answered} was answered, and ${lastIndex} is the last after a crash`);
        answered = lastIndex;
        let next = lastIndex + 1;
        let last: Promise<void> = Promise.resolve();
        for (let turn = 0; turn < 8; turn++) {
          const [first, count] = [next, 1 + prng.below(6)];
          next += count;
          const done = new Promise<void>((resolve, reject) => {
            log.append([entries(GROUP, first, count, 1, 200)], (error) => {
              if (error !== undefined) return reject(error);
              answered = first + count - 1;
              resolve();
            });
          });
          done.catch(() => {});
          if (turn < 5) last = done;
        }
        if (prng.chance(0.7)) await subject.settle(last);
        await subject.crash();
        const group = subject.opened.log.group(GROUP);
        holds(group.lastIndex < next, "nothing is there that was not appended");
        await checkAll(subject, group.lastIndex);
      }
    },
  },
  {
    name: "a suffix that was truncated and replaced does not come back",
    needs: ["crash"],
    async run(subject) {
      await append(subject, [entries(GROUP, 1, 10, 1)]);
      await append(subject, [{ kind: "truncateSuffix", group: GROUP, fromIndex: 4 }, entries(GROUP, 4, 1, 2)]);
      await subject.crash();
      const group = subject.opened.log.group(GROUP);
      same([group.lastIndex, group.lastTerm, group.termOf(3)], [4, 2, 1], "the log ends with what replaced it");
    },
  },
  {
    name: "a file of a snapshot that was synced and named survives a crash, whole",
    needs: ["crash"],
    async run(subject) {
      const bytes = entryBytes(1, 1, 100_000);
      await subject.settle(writeFile(subject, "raft/1/part.tmp", "raft/1/whole", bytes));
      await subject.crash();
      const { disk } = subject.opened;
      same(await subject.settle(disk.list("raft/1")), ["whole"], "it has its name");
      sameBytes(await subject.settle(readFile(subject, "raft/1/whole")), bytes, "and its bytes");
    },
  },
];

/** What snapshots need of a disk. */
export const DISK_CASES: readonly Case<StorageSubject, StorageNeed>[] = [
  {
    name: "files are written in pieces, renamed, listed in order, read from any place, and removed",
    async run(subject) {
      const { disk } = subject.opened;
      const run = <T>(promise: Promise<T>): Promise<T> => subject.settle(promise);
      same(await run(disk.list("raft/9")), [], "a folder that is missing is empty");
      const bytes = entryBytes(1, 1, 300_000);
      await run(writeFile(subject, "raft/9/b.tmp", "raft/9/b", bytes));
      await run(writeFile(subject, "raft/9/a.tmp", "raft/9/a", bytes.subarray(0, 10)));
      same(await run(disk.list("raft/9")), ["a", "b"], "names are sorted, and without their folder");
      const file = await run(disk.open("raft/9/b", "read"));
      same(await run(file.length()), 300_000, "its length");
      sameBytes(await run(file.read(123_456, 1000)), bytes.subarray(123_456, 124_456), "a piece in its middle");
      same((await run(file.read(299_990, 1000))).length, 10, "fewer at the end");
      same((await run(file.read(300_000, 10))).length, 0, "none behind it");
      await run(file.close());
      await run(disk.remove("raft/9/a"));
      same(await run(disk.list("raft/9")), ["b"], "one is removed");
    },
  },
  {
    name: "a missing file and one that is there already have their codes",
    async run(subject) {
      const { disk } = subject.opened;
      const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
        subject.settle(
          promise.then(
            () => "none",
            (error: { readonly code?: unknown }) => error.code,
          ),
        );
      await subject.settle(disk.makeDirectory("raft/9"));
      same(await codeOf(disk.open("raft/9/none", "read")), "FILE_MISSING", "read");
      same(await codeOf(disk.open("raft/9/none", "write")), "FILE_MISSING", "write");
      same(await codeOf(disk.remove("raft/9/none")), "FILE_MISSING", "remove");
      await subject.settle(writeFile(subject, "raft/9/b.tmp", "raft/9/b", Uint8Array.of(1)));
      same(await codeOf(disk.open("raft/9/b", "create")), "FILE_EXISTS", "create");
    },
  },
];

async function writeFile(
  { opened }: StorageSubject,
  temporary: string,
  name: string,
  bytes: Uint8Array,
): Promise<void> {
  const { disk } = opened;
  const folder = name.slice(0, name.lastIndexOf("/"));
  await disk.makeDirectory(folder);
  const file = await disk.open(temporary, "create");
  const [some, half] = [bytes.length >> 3, bytes.length >> 1];
  await file.write(0, [bytes.subarray(0, some), bytes.subarray(some, half)]);
  await file.write(half, [bytes.subarray(half)]);
  await file.sync();
  await file.close();
  await disk.rename(temporary, name);
  await disk.syncDirectory(folder);
}

async function readFile({ opened }: StorageSubject, name: string): Promise<Uint8Array> {
  const file = await opened.disk.open(name, "read");
  try {
    return await file.read(0, await file.length());
  } finally {
    await file.close();
  }
}

async function checkAll(subject: StorageSubject, lastIndex: number): Promise<void> {
  for (let from = 1; from <= lastIndex; ) {
    const read = await subject.settle(subject.opened.log.readEntries(GROUP, from, lastIndex, 1_000_000));
    for (const { index, term, bytes } of read) {
      same(index, from++, "entries are without holes");
      sameBytes(bytes, entryBytes(index, term, 200), `entry ${index}`);
    }
  }
}
