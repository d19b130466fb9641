import assert from "node:assert/strict";
import { text } from "../../std/bytes.ts";
import { type Commit, STORE_LIMITS } from "../store.ts";
import { absent, at, type Case, committed, failsWith, inParallel, put, type Subject } from "./subject.ts";

const TTL = 60_000;

export const SESSION_CASES: readonly Case[] = [
  {
    name: "a request that comes again is answered with its first result and not applied again",
    async run({ store }) {
      const { id: session } = await store.grant(TTL);
      const commit: Commit = { puts: [put("a", "mine")], request: { session, sequence: 1 } };
      const first = await committed(store.commit(commit));
      await committed(store.commit({ puts: [put("a", "another's")] }));
      const again = await committed(store.commit(commit));
      assert.equal(again.revision, first.revision);
      assert.equal(text((await store.get(at("a"))).row!.value), "another's");
    },
  },
  {
    name: "a request that met a conflict is answered so again, even where its checks would hold by now",
    async run({ store }) {
      const { id: session } = await store.grant(TTL);
      await committed(store.commit({ puts: [put("b")] }));
      const checks = [absent("a"), absent("b")];
      const commit: Commit = { checks, puts: [put("a")], request: { session, sequence: 1 } };
      for (let round = 0; round < 2; round++) {
        const result = await store.commit(commit);
        assert.ok(!result.committed);
        assert.deepEqual(result.failedChecks, [1]);
        await committed(store.commit({ deletes: [at("b")] }));
      }
      assert.equal((await store.get(at("a"))).row, undefined);
    },
  },
  {
    name: "a request that is sent many times at once is applied once",
    async run({ store }) {
      const { id: session } = await store.grant(TTL);
      const commit: Commit = { checks: [absent("a")], puts: [put("a")], request: { session, sequence: 1 } };
      const results = await Promise.all(Array.from({ length: 20 }, () => committed(store.commit(commit))));
      assert.equal(new Set(results.map((result) => result.revision)).size, 1);
    },
  },
  {
    name: "requests of several sessions and sequences do not mix",
    async run({ store }) {
      const sessions = [await store.grant(TTL), await store.grant(TTL)];
      const revisions = new Set<number>();
      for (const { id: session } of sessions) {
        for (const sequence of [3, 1, 2]) {
          const result = await committed(store.commit({ puts: [put("a")], request: { session, sequence } }));
          revisions.add(result.revision);
        }
      }
      assert.equal(revisions.size, 6);
    },
  },
  {
    name: "a session may have as many unacknowledged requests as the limit and not one more",
    async run({ store }) {
      const { sessionWindowMax } = STORE_LIMITS;
      const { id: session } = await store.grant(TTL);
      const send = (sequence: number, acknowledged?: number) =>
        store.commit({
          puts: [put("a", String(sequence))],
          request: { session, sequence, ...(acknowledged && { acknowledged }) },
        });
      await inParallel(sessionWindowMax, 100, (number) => committed(send(number + 1)));
      await assert.rejects(send(sessionWindowMax + 1), failsWith("SESSION_WINDOW"));
      await committed(send(sessionWindowMax + 1, 1));
      await assert.rejects(send(sessionWindowMax + 2, 1), failsWith("SESSION_WINDOW"));
      await committed(send(sessionWindowMax + 2, 500));
    },
  },
  {
    name: "a request that was acknowledged is refused when it comes again",
    async run({ store }) {
      const { id: session } = await store.grant(TTL);
      await committed(store.commit({ puts: [put("a", "1")], request: { session, sequence: 1 } }));
      await committed(store.commit({ puts: [put("a", "2")], request: { session, sequence: 2, acknowledged: 1 } }));
      const again = { puts: [put("a", "1 again")], request: { session, sequence: 1 } };
      await assert.rejects(store.commit(again), failsWith("SESSION_WINDOW"));
      assert.equal(text((await store.get(at("a"))).row!.value), "2");
    },
  },
  {
    name: "a session that never was or has ended is refused, and nothing is applied",
    async run({ store }) {
      const { id: session } = await store.grant(TTL);
      await committed(store.commit({ request: { session, sequence: 1 } }));
      await store.revoke(session);
      for (const unknown of [session, session + 1000]) {
        for (const sequence of [1, 2]) {
          const commit = { puts: [put("a")], request: { session: unknown, sequence } };
          await assert.rejects(store.commit(commit), failsWith("SESSION_UNKNOWN"));
        }
      }
      assert.equal((await store.get(at("a"))).row, undefined);
    },
  },
  {
    name: "results outlive a restart",
    needs: ["reopen"],
    run: (subject) => answersAgainAfter(subject, () => subject.reopen()),
  },
  {
    name: "results outlive a crash",
    needs: ["crash"],
    run: (subject) => answersAgainAfter(subject, () => subject.crash()),
  },
];

async function answersAgainAfter(subject: Subject, restart: () => Promise<void>): Promise<void> {
  const { id: session } = await subject.store.grant(TTL);
  const commits = [1, 2, 3].map((sequence): Commit => ({ puts: [put("a")], request: { session, sequence } }));
  const before = [];
  for (const commit of commits) before.push(await committed(subject.store.commit(commit)));
  await restart();
  for (const [number, commit] of commits.entries()) {
    assert.equal((await committed(subject.store.commit(commit))).revision, before[number]!.revision);
  }
  await subject.store.keepAlive(session);
}
