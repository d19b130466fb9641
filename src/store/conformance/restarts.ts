import assert from "node:assert/strict";
import { text } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import type { Row, Store } from "../store.ts";
import { at, type Case, committed, failsWith, inParallel, put, revision, type Subject, TABLE } from "./subject.ts";

async function allRows(store: Store): Promise<Row[]> {
  const rows: Row[] = [];
  for (let more = true; more; ) {
    const page = await store.scan(TABLE, rows.length > 0 ? { after: rows.at(-1)! } : {}, { limit: 1000 });
    rows.push(...page.rows);
    ({ more } = page);
  }
  return rows;
}

async function keepsCommits(subject: Subject, restart: () => Promise<void>): Promise<void> {
  for (let round = 0; round < 3; round++) {
    await inParallel(60, 10, (number) => {
      const key = `row ${(number * 7) % 40}`;
      return committed(
        subject.store.commit(
          number % 4 === 0 ? { deletes: [at(key)] } : { puts: [put(key, `${round} ${number}`.repeat(number))] },
        ),
      );
    });
    const before = await allRows(subject.store);
    await restart();
    assert.deepEqual(await allRows(subject.store), before);
  }
}

/** Rows that one commit writes: after a crash all of them have one value. */
const TOGETHER = 5;

async function isAtomicOverCrash(subject: Subject): Promise<void> {
  const acknowledged = new Map<number, number>();
  for (let round = 0; round < 4; round++) {
    const { store } = subject;
    for (let number = 0; number < 40; number++) {
      const puts = Array.from({ length: TOGETHER }, (_, part) => put(`${number} ${part}`, `${round}`));
      store.commit({ puts }).then(
        () => acknowledged.set(number, round),
        () => {},
      );
    }
    // Some of them are answered by the time when this one is, others are still on their way when the crash comes.
    await store.commit({ puts: [put("behind", `${round}`)] });
    for (let number = 0; number < 40; number++) {
      const puts = Array.from({ length: TOGETHER }, (_, part) => put(`${40 + number} ${part}`, `${round}`));
      store.commit({ puts }).then(
        () => acknowledged.set(40 + number, round),
        () => {},
      );
    }
    await subject.crash();
    const rows = new Map((await allRows(subject.store)).map((row) => [text(row.key), text(row.value)]));
    assert.equal(rows.get("behind"), `${round}`);
    for (let number = 0; number < 80; number++) {
      const values = new Set(Array.from({ length: TOGETHER }, (_, part) => rows.get(`${number} ${part}`)));
      assert.equal(values.size, 1, "a commit is there as a whole or not at all");
      const value = [...values][0];
      const atLeast = acknowledged.get(number);
      if (atLeast !== undefined)
        assert.ok(value !== undefined && Number(value) >= atLeast, "what was answered is kept");
    }
  }
}

async function goesOnFrom(subject: Subject, restart: () => Promise<void>): Promise<void> {
  const before = await committed(subject.store.commit({ puts: [put("a", "before")] }));
  await restart();
  const { store } = subject;
  const found = await store.get(at("a"), { level: { atLeast: before.position } });
  assert.equal(found.row?.revision, before.revision);
  await committed(store.commit({ checks: [revision("a", before.revision)], deletes: [at("a")] }));
  const after = await committed(store.commit({ puts: [put("a", "after")] }));
  assert.ok(after.revision > before.revision);
}

export const RESTART_CASES: readonly Case[] = [
  {
    name: "all commits are there after the Store was closed and opened again",
    needs: ["reopen"],
    run: (subject) => keepsCommits(subject, () => subject.reopen()),
  },
  {
    name: "all commits that were answered are there after a crash",
    needs: ["crash"],
    run: (subject) => keepsCommits(subject, () => subject.crash()),
  },
  {
    name: "a commit that a crash met on its way is there as a whole or not at all",
    needs: ["crash"],
    run: isAtomicOverCrash,
  },
  {
    name: "revisions and positions go on over a restart",
    needs: ["reopen"],
    run: (subject) => goesOnFrom(subject, () => subject.reopen()),
  },
  {
    name: "revisions and positions go on over a crash",
    needs: ["crash"],
    run: (subject) => goesOnFrom(subject, () => subject.crash()),
  },
  {
    name: "a watch from before a restart goes on or is told that its history is lost, and never skips",
    needs: ["reopen"],
    async run(subject) {
      const { position } = await committed(subject.store.commit({ puts: [put("a", "1")] }));
      await committed(subject.store.commit({ puts: [put("a", "2")] }));
      await subject.reopen();
      await committed(subject.store.commit({ puts: [put("a", "3")] }));
      const events = subject.store.watch(TABLE, {}, { since: position })[Symbol.asyncIterator]();
      const first = await events.next().catch((error) => error);
      if (first instanceof Error) assert.ok(failsWith("HISTORY_LOST")(first));
      else assert.equal(text(first.value!.changes[0]!.value!), "2");
      await events.return?.();
    },
  },
  {
    name: "a closed Store refuses every call, ends its watches, and has answered what was on its way",
    needs: ["reopen"],
    async run(subject) {
      const { store } = subject;
      const events = store.watch(TABLE, {})[Symbol.asyncIterator]();
      const waiting = assert.rejects(events.next(), failsWith("STOPPED"));
      const onTheWay = Array.from({ length: 20 }, (_, number) => store.commit({ puts: [put(`row ${number}`)] }));
      // A Store that closes may also have found nobody to write them for it.
      const isAnswer = (error: unknown): boolean => hasCode(error, "OUTCOME_UNKNOWN") || hasCode(error, "NO_LEADER");
      const answered = Promise.all(onTheWay.map((result) => result.then(({ committed: is }) => is, isAnswer)));
      await subject.reopen();
      await waiting;
      const outcomes = await answered;
      assert.ok(outcomes.every((outcome) => outcome));
      const stopped = failsWith("STOPPED");
      await assert.rejects(store.get(at("a")), stopped);
      await assert.rejects(store.getMany([at("a")]), stopped);
      await assert.rejects(store.scan(TABLE, {}, { limit: 1 }), stopped);
      await assert.rejects(store.commit({}), stopped);
      await assert.rejects(store.grant(5000), stopped);
      await assert.rejects(store.keepAlive(1), stopped);
      await assert.rejects(store.revoke(1), stopped);
      await assert.rejects(store.watch(TABLE, {})[Symbol.asyncIterator]().next(), stopped);
      await store[Symbol.asyncDispose]();
    },
  },
];
