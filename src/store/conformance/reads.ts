import assert from "node:assert/strict";
import { text } from "../../std/bytes.ts";
import { at, type Case, committed, failsWith, inParallel, put, TABLE } from "./subject.ts";

export const READ_CASES: readonly Case[] = [
  {
    name: "a read sees every commit that was answered before it began",
    async run({ store }) {
      await inParallel(200, 10, async (number) => {
        await committed(store.commit({ puts: [put(`row ${number % 10} of ${number}`, String(number))] }));
        const address = at(`row ${number % 10} of ${number}`);
        const [{ row }, [same], page] = await Promise.all([
          store.get(address),
          store.getMany([address]),
          store.scan(TABLE, { from: address }, { limit: 1 }),
        ]);
        assert.deepEqual(
          [row, same, page.rows[0]].map((found) => found && text(found.value)),
          Array(3).fill(String(number)),
        );
      });
    },
  },
  {
    name: "a read at least as new as a commit's position sees that commit",
    async run({ store }) {
      for (let number = 0; number < 20; number++) {
        const { position } = await committed(store.commit({ puts: [put("a", String(number))] }));
        const level = { atLeast: position };
        const found = await store.get(at("a"), { level });
        assert.equal(text(found.row!.value), String(number));
        const page = await store.scan(TABLE, {}, { limit: 1, level: { atLeast: found.position } });
        assert.equal(text(page.rows[0]!.value), String(number));
        const [row] = await store.getMany([at("a")], { level: { atLeast: page.position } });
        assert.equal(text(row!.value), String(number));
      }
    },
  },
  {
    name: "a conflict's position is one to read and watch from",
    async run({ store }) {
      await committed(store.commit({ puts: [put("a")] }));
      const conflict = await store.commit({ checks: [{ ...at("a"), absent: true }] });
      assert.equal(conflict.committed, false);
      assert.ok((await store.get(at("a"), { level: { atLeast: conflict.position } })).row);
    },
  },
  {
    name: "a position that is none is refused",
    async run({ store }) {
      const { position } = await committed(store.commit({ puts: [put("a")] }));
      for (const wrong of ["", "nonsense", `${position}!`, position.slice(0, -1).concat("\n"), "\u0000".repeat(300)]) {
        await assert.rejects(store.get(at("a"), { level: { atLeast: wrong } }), failsWith("POSITION_INVALID"));
      }
    },
  },
  {
    name: "a stale read gives a state that once was",
    async run({ store }) {
      const values = new Set<string | undefined>([undefined]);
      for (let number = 0; number < 10; number++) {
        values.add(String(number));
        await committed(store.commit({ puts: [put("a", String(number))] }));
        const { row } = await store.get(at("a"), { level: "stale" });
        assert.ok(values.has(row && text(row.value)));
      }
    },
  },
  {
    name: "a call with an aborted signal rejects with its reason and does nothing",
    async run({ store }) {
      const reason = new Error("the caller has gone");
      const signal = AbortSignal.abort(reason);
      const isReason = (error: unknown): boolean => error === reason;
      await assert.rejects(store.get(at("a"), { signal }), isReason);
      await assert.rejects(store.getMany([at("a")], { signal }), isReason);
      await assert.rejects(store.scan(TABLE, {}, { limit: 1, signal }), isReason);
      await assert.rejects(store.commit({ puts: [put("a")] }, { signal }), isReason);
      assert.equal((await store.get(at("a"))).row, undefined);
    },
  },
  {
    name: "a commit that is aborted on its way has happened in full, or not at all, or its outcome is unknown",
    async run({ store }) {
      const controller = new AbortController();
      const result = store.commit({ puts: [put("a"), put("b")] }, { signal: controller.signal });
      controller.abort();
      const outcome = await result.then(
        () => "committed",
        (error) => (failsWith("OUTCOME_UNKNOWN")(error) || error === controller.signal.reason ? "unknown" : "other"),
      );
      assert.notEqual(outcome, "other");
      await committed(store.commit({ puts: [put("behind")] }));
      const rows = await store.getMany([at("a"), at("b")]);
      assert.equal(rows[0] === undefined, rows[1] === undefined);
      if (outcome === "committed") assert.ok(rows[0]);
    },
  },
];
