import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { hasCode } from "../../std/errors.ts";
import { ACCESS_LIMITS } from "./limits.ts";
import { principalOf, ROOT, standingOf, startAccess, type TestAccess } from "./testing/access.ts";
import type { TemporaryCredentials } from "./tokens.ts";

const HOUR_MILLIS = 3_600_000;
const READ = JSON.stringify({ Statement: { Effect: "Allow", Action: "s3:GetObject", Resource: "*" } });
const GET = { action: "s3:GetObject", resource: "arn:aws:s3:::bucket/key" } as const;
const PUT = { action: "s3:PutObject", resource: "arn:aws:s3:::bucket/key" } as const;

interface Issued extends TestAccess {
  readonly keyId: string;
  readonly temporary: TemporaryCredentials;
}

async function startIssued(policy?: string): Promise<Issued> {
  const node = await startAccess();
  await node.access.users.create("alice", { policies: ["readwrite"] });
  const { id: keyId } = await node.access.keys.create("alice");
  const principal = await principalOf(node.access, keyId);
  const temporary = node.access.issueTemporary(principal, { durationMillis: HOUR_MILLIS, ...(policy && { policy }) });
  return { ...node, keyId, temporary };
}

function standing({ access, temporary }: Issued): Promise<string> {
  return standingOf(access, temporary.accessKeyId, temporary.sessionToken);
}

describe("temporary credentials", () => {
  test("do what their user can, with a secret of their own, and cost no commit", async () => {
    await using node = await startIssued();
    const { access, temporary, store } = node;
    const commits = store.commits;
    const result = await access.findCredential(temporary.accessKeyId, temporary.sessionToken);
    assert.ok(result.found && result.principal.type === "user");
    assert.equal(result.secret, temporary.secret);
    const { name, accessKeyId, tokenIssuedMillis } = result.principal;
    assert.deepEqual([name, accessKeyId, tokenIssuedMillis], ["alice", temporary.accessKeyId, node.env.nowMillis]);
    assert.equal(access.authorize(result.principal, PUT).decision, "allow");
    assert.equal(temporary.expiresMillis, node.env.nowMillis + HOUR_MILLIS);
    assert.equal(store.commits, commits);
    assert.ok(access.credential(temporary.accessKeyId, temporary.sessionToken)?.found);
  });

  test("are narrowed by their own policy and by that of their key", async () => {
    await using node = await startIssued(READ);
    const { access, keyId, temporary } = node;
    const decide = async (request: typeof GET | typeof PUT): Promise<string> =>
      access.authorize(await principalOf(access, temporary.accessKeyId, temporary.sessionToken), request).decision;
    assert.deepEqual([await decide(GET), await decide(PUT)], ["allow", "implicit-deny"]);
    await access.keys.update(keyId, { policy: READ.replace("GetObject", "PutObject") });
    assert.deepEqual([await decide(GET), await decide(PUT)], ["implicit-deny", "implicit-deny"]);
  });

  test("end at their expiry", async () => {
    await using node = await startIssued();
    await node.env.advance(HOUR_MILLIS - 1);
    assert.equal(await standing(node), "found");
    await node.env.advance(1);
    assert.equal(await standing(node), "token-expired");
  });

  test("end with their key, with their user, and when the user's are revoked", async () => {
    const ends: readonly ((node: Issued) => Promise<unknown>)[] = [
      ({ access, keyId }) => access.keys.delete(keyId),
      ({ access, keyId }) => access.keys.update(keyId, { enabled: false }),
      ({ access }) => access.users.update("alice", { enabled: false }),
      ({ access }) => access.users.delete("alice"),
      ({ access }) => access.users.update("alice", { revokeTokens: true }),
    ];
    for (const end of ends) {
      await using node = await startIssued();
      assert.equal(await standing(node), "found");
      await end(node);
      assert.match(await standing(node), /^token-/, String(end));
    }
  });

  test("issued after a revocation are good", async () => {
    await using node = await startIssued();
    const { access, keyId, env } = node;
    await access.users.update("alice", { revokeTokens: true });
    await env.advance(1);
    const principal = await principalOf(access, keyId);
    const next = access.issueTemporary(principal, { durationMillis: HOUR_MILLIS });
    assert.equal(await standingOf(access, next.accessKeyId, next.sessionToken), "found");
    assert.equal(await standing(node), "token-expired");
  });

  test("are not taken over by a user that is created later under the same name with the same key", async () => {
    await using node = await startAccess();
    const { access } = node;
    const imported = { id: "taken-over", secret: "12345678" };
    await access.users.create("alice", { policies: ["readwrite"] });
    await access.keys.create("alice", { imported });
    const principal = await principalOf(access, imported.id);
    const { accessKeyId, sessionToken } = access.issueTemporary(principal, { durationMillis: HOUR_MILLIS });
    await access.users.delete("alice");
    await access.users.create("alice", { policies: ["readwrite"] });
    await access.keys.create("alice", { imported });
    assert.equal(await standingOf(access, accessKeyId, sessionToken), "token-invalid");
  });

  test("of root are root's, narrowed by their policy, and end when the root key is another", async () => {
    await using node = await startAccess();
    const { access, store } = node;
    const root = await principalOf(access, ROOT.accessKey);
    const { accessKeyId, sessionToken } = access.issueTemporary(root, { durationMillis: HOUR_MILLIS, policy: READ });
    const principal = await principalOf(access, accessKeyId, sessionToken);
    assert.equal(principal.type, "root");
    assert.equal(access.authorize(principal, GET).decision, "allow");
    assert.equal(access.authorize(principal, PUT).decision, "implicit-deny");
    await using changed = await startAccess({ store, root: { ...ROOT, secretKey: "another-root-secret" } });
    assert.equal(await standingOf(changed.access, accessKeyId, sessionToken), "token-invalid");
  });

  test("issue no others, and neither do anonymous requests", async () => {
    await using node = await startIssued();
    const { access, temporary } = node;
    const principal = await principalOf(access, temporary.accessKeyId, temporary.sessionToken);
    for (const each of [principal, { type: "anonymous" } as const]) {
      assert.throws(
        () => access.issueTemporary(each, { durationMillis: HOUR_MILLIS }),
        (error) => hasCode(error, "CHAIN_REFUSED"),
      );
    }
  });

  test("live 15 minutes to 7 days, with a valid policy of at most 2 KiB", async () => {
    await using node = await startIssued();
    const principal = await principalOf(node.access, node.keyId);
    const { temporaryMillisMin, temporaryMillisMax, temporaryPolicyBytesMax } = ACCESS_LIMITS;
    for (const durationMillis of [
      temporaryMillisMin - 1,
      temporaryMillisMax + 1,
      Number.NaN,
      temporaryMillisMin + 0.5,
    ]) {
      assert.throws(
        () => node.access.issueTemporary(principal, { durationMillis }),
        (error) => hasCode(error, "EXPIRY_INVALID"),
      );
    }
    for (const durationMillis of [temporaryMillisMin, temporaryMillisMax]) {
      const policy = READ + " ".repeat(temporaryPolicyBytesMax - READ.length);
      const { sessionToken } = node.access.issueTemporary(principal, { durationMillis, policy });
      assert.ok(sessionToken.length < ACCESS_LIMITS.tokenCharactersMax / 2);
      for (const bad of ["{}", `${policy} `]) {
        assert.throws(
          () => node.access.issueTemporary(principal, { durationMillis, policy: bad }),
          (error) => hasCode(error, "POLICY_MALFORMED"),
        );
      }
    }
  });
});

describe("a session token", () => {
  test("that was changed in any character is invalid", async () => {
    await using node = await startIssued();
    const { access, temporary } = node;
    const { sessionToken: token, accessKeyId } = temporary;
    assert.equal(await standing(node), "found");
    for (let at = 0; at < token.length; at += 7) {
      const changed = token.slice(0, at) + (token[at] === "A" ? "B" : "A") + token.slice(at + 1);
      assert.equal(await standingOf(access, accessKeyId, changed), "token-invalid", `character ${at}`);
    }
    for (const bad of ["", "x", token.slice(1), `${token}=`, `${token}A`, "é".repeat(50), "A".repeat(100_000)]) {
      assert.equal(await standingOf(access, accessKeyId, bad), "token-invalid");
    }
    assert.equal(await standing(node), "found");
  });

  test("belongs to its access key id only", async () => {
    await using node = await startIssued();
    const { access, keyId, temporary } = node;
    const principal = await principalOf(access, keyId);
    const second = access.issueTemporary(principal, { durationMillis: HOUR_MILLIS });
    assert.equal(await standingOf(access, second.accessKeyId, temporary.sessionToken), "token-invalid");
    assert.equal(await standingOf(access, keyId, temporary.sessionToken), "token-invalid");
    assert.ok(!temporary.sessionToken.includes(temporary.secret));
  });
});
