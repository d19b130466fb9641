import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { describe, test } from "node:test";
import { hasCode } from "../std/errors.ts";
import { abandoned, admit, decodeJoinReply, decodeJoinRequest, encodeMessage, readNodes } from "./admission.ts";
import { formatToken, parseToken } from "./join-token.ts";
import { decodeNodeRow, encodeNodeRow, type NodeRow } from "./node-row.ts";
import { changeNode, claimStart } from "./starts.ts";
import { clusterStore } from "./testing/cluster-store.ts";
import { nodeRow } from "./testing/rows.ts";
import { grantToken } from "./token-rows.ts";

const HOUR = 3_600_000;
const LIFE = Uint8Array.of(1, 1, 1, 1, 1, 1, 1, 1);
const OTHER_LIFE = Uint8Array.of(2, 2, 2, 2, 2, 2, 2, 2);

describe("admission to a cluster", () => {
  test("gives each newcomer a number that nobody had, even at once", async () => {
    await using world = await clusterStore();
    const secret = await world.settle(grantToken(world, grant(world)));
    const peers = ["a:1", "b:1", "c:1", "d:1"];
    const rows = await world.settle(Promise.all(peers.map((peer) => admit(world, { secret, peer, zone: "" }))));
    deepEqual(rows.map(({ id }) => id).sort(), [1, 2, 3, 4]);
    await world.settle(changeNode(world.store, 4, (row) => ({ ...row, state: "removed" })));
    equal((await world.settle(admit(world, { secret, peer: "e:1", zone: "" }))).id, 5);
    deepEqual(
      (await world.settle(readNodes(world.store))).map(({ id, state }) => [id, state]),
      [...[1, 2, 3].map((id) => [id, "joining"]), [4, "removed"], [5, "joining"]],
    );
  });

  test("takes no secret that was not granted, or is too old", async () => {
    await using world = await clusterStore();
    const secret = await world.settle(grantToken(world, grant(world, { expiresMillis: world.clock.now() + HOUR })));
    const refused = (given: string) =>
      rejects(world.settle(admit(world, { secret: given, peer: "a:1", zone: "" })), (error: unknown) => {
        return hasCode(error, "TOKEN_REFUSED");
      });
    await refused("guess");
    await world.elapse(HOUR);
    await refused(secret);
  });

  test("takes a token that replaces a node once, and for its zone", async () => {
    await using world = await clusterStore();
    const first = await world.settle(grantToken(world, grant(world, { zone: "west" })));
    equal((await world.settle(admit(world, { secret: first, peer: "a:1", zone: "" }))).zone, "west");
    equal((await world.settle(admit(world, { secret: first, peer: "b:1", zone: "east" }))).zone, "east");
    const secret = await world.settle(grantToken(world, grant(world, { replaces: 2 })));
    const row = await world.settle(admit(world, { secret, peer: "c:1", zone: "" }));
    deepEqual([row.id, row.replaces, row.zone], [3, 2, "east"]);
    await rejects(world.settle(admit(world, { secret, peer: "d:1", zone: "" })), (error: unknown) => {
      return hasCode(error, "TOKEN_REFUSED");
    });
  });

  test("takes who comes to the address of a node in use, with its directory lost, in place of that one", async () => {
    await using world = await clusterStore();
    const secret = await world.settle(grantToken(world, grant(world)));
    const join = (peer: string) => world.settle(admit(world, { secret, peer, zone: "" }));
    const turn = (id: number, state: NodeRow["state"]) =>
      world.settle(changeNode(world.store, id, (row) => ({ ...row, state })));
    await join("a:1");
    // The answer may have been lost: nobody was ever there.
    deepEqual((await join("a:1")).replaces, 0);
    await turn(2, "active");
    deepEqual((await join("a:1")).replaces, 2);
    deepEqual((await join("b:1")).replaces, 0);
    await turn(3, "active");
    deepEqual((await join("a:1")).replaces, 3);
    for (const id of [2, 3]) await turn(id, "removed");
    deepEqual((await join("a:1")).replaces, 0);
  });

  test("newcomers that never started are known after an hour", () => {
    const rows = [
      nodeRow(1, { state: "joining", joinedMillis: 0 }),
      nodeRow(2, { state: "active", joinedMillis: 0 }),
      nodeRow(3, { state: "joining", joinedMillis: HOUR }),
    ];
    deepEqual(
      abandoned(rows, HOUR + 1).map(({ id }) => id),
      [1],
    );
  });

  test("its messages come back as they were, and nonsense does not", () => {
    const request = { secret: "s", publicKey: "p", peer: "h:1", zone: "z" };
    deepEqual(decodeJoinRequest(encodeMessage(request)), request);
    const reply = {
      node: 2,
      clusterName: "c",
      certificate: "",
      shared: { "a.json": "{}" },
      members: [{ id: 1, peer: "h:1" }],
    };
    deepEqual(decodeJoinReply(encodeMessage(reply)), reply);
    for (const text of [
      "",
      "null",
      "[]",
      "{",
      '{"secret":1}',
      `{"secret":"${"x".repeat(2000)}","publicKey":"","peer":"","zone":""}`,
    ]) {
      const bytes = new TextEncoder().encode(text);
      equal(decodeJoinRequest(bytes), undefined);
      equal(decodeJoinReply(bytes), undefined);
    }
  });
});

describe("a join token", () => {
  test("comes back as it was, with white space around it", () => {
    for (const authority of [undefined, "-----BEGIN CERTIFICATE-----\nAAA=\n-----END CERTIFICATE-----\n"]) {
      const token = { cluster: "c0ffee", authority, secret: "5ec2e7" };
      deepEqual(parseToken(` ${formatToken(token)}\n`), token);
    }
  });

  test("is refused where it is cut, changed or something else, without being shown", () => {
    const whole = formatToken({ cluster: "c", authority: undefined, secret: "5ec2e7" });
    for (const text of [
      "",
      "ashlar-join-1.",
      whole.slice(0, -5),
      whole.replace("join-1", "join-2"),
      `${whole}!!`,
      "x".repeat(10_000),
    ]) {
      const thrown = (): unknown => {
        try {
          return parseToken(text);
        } catch (error) {
          return error;
        }
      };
      const error = thrown();
      ok(hasCode(error, "TOKEN_INVALID"), text);
      ok(!JSON.stringify([error.message, error.data]).includes("5ec2e7"));
    }
  });
});

describe("a node's start", () => {
  async function admitted(world: Awaited<ReturnType<typeof clusterStore>>): Promise<NodeRow> {
    const secret = await world.settle(grantToken(world, grant(world)));
    return world.settle(admit(world, { secret, peer: "a:1", zone: "" }));
  }

  test("is claimed once by each process, which may claim it again", async () => {
    await using world = await clusterStore();
    const { id } = await admitted(world);
    const claim = { id, start: 1, life: LIFE, earlier: [], peer: "a:2", zone: "z" };
    const row = await world.settle(claimStart(world.store, claim));
    deepEqual([row.state, row.start, row.peer, row.zone], ["active", 1, "a:2", "z"]);
    equal((await world.settle(claimStart(world.store, claim))).start, 1);
    const next = { ...claim, start: 5, life: OTHER_LIFE, earlier: [LIFE] };
    equal((await world.settle(claimStart(world.store, next))).start, 5);
  });

  test("from a copy of its directory, or one that was put back, is refused", async () => {
    await using world = await clusterStore();
    const { id } = await admitted(world);
    const claim = { id, start: 3, life: LIFE, earlier: [], peer: "a:2", zone: "" };
    await world.settle(claimStart(world.store, claim));
    // However often it is tried.
    for (const start of [1, 3, 4, 9]) {
      const copy = { ...claim, start, life: OTHER_LIFE, earlier: [Uint8Array.of(9)] };
      await rejects(world.settle(claimStart(world.store, copy)), (error: unknown) => hasCode(error, "NODE_SUPERSEDED"));
    }
    // The answer to the second try was lost, its claim was not.
    const lost = { ...claim, start: 4, life: OTHER_LIFE, earlier: [LIFE] };
    await world.settle(claimStart(world.store, lost));
    const again = { ...claim, start: 5, life: Uint8Array.of(3), earlier: [LIFE, OTHER_LIFE] };
    equal((await world.settle(claimStart(world.store, again))).start, 5);
  });

  test("after its removal is refused, whatever the directory says", async () => {
    await using world = await clusterStore();
    const { id } = await admitted(world);
    await world.settle(changeNode(world.store, id, (row) => ({ ...row, state: "removed" })));
    const claim = { id, start: 9, life: LIFE, earlier: [], peer: "a:2", zone: "" };
    await rejects(world.settle(claimStart(world.store, claim)), (error: unknown) => hasCode(error, "NODE_REMOVED"));
    await rejects(world.settle(claimStart(world.store, { ...claim, id: 77 })), (error: unknown) =>
      hasCode(error, "NODE_UNKNOWN"),
    );
  });

  test("of two processes at once exactly one claims it", async () => {
    await using world = await clusterStore();
    const { id } = await admitted(world);
    const claims = [LIFE, OTHER_LIFE].map((life) =>
      claimStart(world.store, { id, start: 1, life, earlier: [], peer: "a:2", zone: "" }),
    );
    const outcomes = await world.settle(Promise.allSettled(claims));
    deepEqual(outcomes.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
  });
});

test("a node's row comes back as it was", () => {
  const row = nodeRow(7, {
    ...{
      state: "draining",
      start: 2 ** 40,
      life: LIFE,
      zone: "ö",
      replaces: 3,
      joinedMillis: 5,
      certificateEndMillis: 9,
    },
    endpoints: { s3: "http://h:1", api: "http://h:2" },
  });
  deepEqual(decodeNodeRow(7, encodeNodeRow(row)), row);
  const newer = encodeNodeRow(row).with(0, 9);
  try {
    decodeNodeRow(7, newer);
    ok(false);
  } catch (error) {
    ok(hasCode(error, "CLUSTER_FORMAT_NEWER"));
  }
});

function grant(world: { readonly clock: { now(): number } }, parts: Partial<Parameters<typeof grantToken>[1]> = {}) {
  return { expiresMillis: world.clock.now() + 24 * HOUR, replaces: 0, zone: "", ...parts };
}
