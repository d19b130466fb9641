// Many callers on two nodes over one Store, interleaved by a seed: what they were told has to fit the rows that are
// left.

import assert from "node:assert/strict";
import { test } from "node:test";
import { text } from "../../std/bytes.ts";
import { AshlarError } from "../../std/errors.ts";
import { Prng } from "../../std/prng.ts";
import { TABLES } from "../../store/index.ts";
import type { Access } from "./access.ts";
import { decodeKey, decodeNumber, decodeUser } from "./records.ts";
import { standingOf, startAccess } from "./testing/access.ts";
import { ManualEnv } from "./testing/manual-env.ts";
import { MemoryStore } from "./testing/memory-store.ts";

const DOCUMENT = JSON.stringify({ Statement: { Effect: "Allow", Action: "s3:GetObject", Resource: "*" } });
const USERS = ["a", "b", "c"];
const POLICIES = ["p", "q"];

/** One random change; what the rules forbid at that moment is refused with a typed error. */
async function act(prng: Prng, access: Access, keyIds: string[]): Promise<void> {
  const { users, keys, policies } = access;
  const user = prng.pick(USERS);
  const policy = prng.pick(POLICIES);
  const actions: readonly (() => Promise<unknown>)[] = [
    () => users.create(user, { policies: prng.chance(0.5) ? [policy] : [] }),
    () => users.delete(user),
    () => users.attach(user, policy),
    () => users.detach(user, policy),
    () => users.update(user, { policies: POLICIES.filter(() => prng.chance(0.5)) }),
    () => policies.put(policy, { document: DOCUMENT }),
    () => policies.delete(policy),
    async () => keyIds.push((await keys.create(user)).id),
    () => keys.delete(keyIds.length === 0 ? "none" : prng.pick(keyIds)),
    () => keys.update(keyIds.length === 0 ? "none" : prng.pick(keyIds), { enabled: prng.chance(0.5) }),
  ];
  await prng.pick(actions)();
}

/** Every reference has its row and every row its reference. */
function checkRows(store: MemoryStore, seed: number): void {
  const users = new Map(store.rowsOf(TABLES.user).map((row) => [text(row.key), decodeUser(row)]));
  const keyRows = store.rowsOf(TABLES.accessKey);
  const keys = new Map(keyRows.map((row) => [text(row.key), decodeKey(row)]));
  for (const [name, user] of users) {
    for (const id of user.keyIds) assert.equal(keys.get(id)?.user, name, `seed ${seed}: key ${id} of ${name}`);
  }
  for (const [id, key] of keys) assert.ok(users.get(key.user)?.keyIds.includes(id), `seed ${seed}: owner of ${id}`);
  for (const policy of POLICIES) {
    const rows = store.rowsOf(TABLES.policy).filter((row) => text(row.key) === policy);
    const document = rows.find((row) => row.suffix.length === 0);
    const count = rows.find((row) => row.suffix.length > 0);
    const used = [...users.values()].filter((user) => user.policies.includes(policy)).length;
    assert.equal(count === undefined ? 0 : decodeNumber(count), used, `seed ${seed}: references of ${policy}`);
    assert.ok(used === 0 || document !== undefined, `seed ${seed}: ${policy} is attached and gone`);
  }
}

async function run(seed: number): Promise<number> {
  const prng = new Prng(seed);
  const store = new MemoryStore();
  store.pause = async () => {
    for (let turns = prng.below(6); turns > 0; turns--) await Promise.resolve();
  };
  await using first = await startAccess({ store, env: new ManualEnv(seed) });
  await using second = await startAccess({ store, env: new ManualEnv(seed + 1000) });
  const nodes = [first, second];
  const keyIds: string[] = [];
  let done = 0;
  const client = async (own: Prng): Promise<void> => {
    for (let step = 0; step < 15; step++) {
      try {
        await act(own, own.pick(nodes).access, keyIds);
        done++;
      } catch (error) {
        assert.ok(error instanceof AshlarError, `seed ${seed}: ${String(error)}`);
      }
      if (keyIds.length > 0) await standingOf(own.pick(nodes).access, own.pick(keyIds));
    }
  };
  await Promise.all(Array.from({ length: 5 }, () => client(prng.fork())));
  await first.env.advance(1);
  checkRows(store, seed);
  // With the watches caught up, both nodes say of each key what its rows say.
  const users = new Map(store.rowsOf(TABLES.user).map((row) => [text(row.key), decodeUser(row)]));
  const keys = new Map(store.rowsOf(TABLES.accessKey).map((row) => [text(row.key), decodeKey(row)]));
  for (const id of keyIds) {
    const key = keys.get(id);
    const enabled = key?.enabled === true && users.get(key.user)?.enabled === true;
    const expected = key === undefined ? "unknown" : enabled ? "found" : "disabled";
    for (const node of nodes) assert.equal(await standingOf(node.access, id), expected, `seed ${seed}: ${id}`);
  }
  return done;
}

test("concurrent changes leave no dangling key, policy or count, and caches agree with the rows", async () => {
  let done = 0;
  for (let seed = 1; seed <= 60; seed++) done += await run(seed);
  assert.ok(done > 1000, `only ${done} changes went through`);
});

test("of many that create the same user, or the same key, one wins", async () => {
  await using node = await startAccess();
  const { users, keys } = node.access;
  const created = await Promise.allSettled(Array.from({ length: 8 }, () => users.create("a")));
  assert.equal(created.filter(({ status }) => status === "fulfilled").length, 1);
  const imported = { id: "same", secret: "12345678" };
  const made = await Promise.allSettled(Array.from({ length: 8 }, () => keys.create("a", { imported })));
  assert.equal(made.filter(({ status }) => status === "fulfilled").length, 1);
  assert.equal((await users.get("a")).keyCount, 1);
});

test("keys made at the same time are all counted, and none beyond the limit", async () => {
  await using node = await startAccess();
  const { users, keys } = node.access;
  await users.create("a");
  for (let round = 0; round < 12; round++) await Promise.allSettled(Array.from({ length: 4 }, () => keys.create("a")));
  const { keyCount } = await users.get("a");
  assert.equal(keyCount, 40);
  assert.equal((await keys.listOf("a")).length, 40);
});
