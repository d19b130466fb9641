import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { describe, test } from "node:test";
import { allowing, HOST, ORIGIN, openWorld, ROOT, type World } from "./testing/world.ts";

const JSON_LOGIN = { accessKeyId: ROOT.accessKey, secret: ROOT.secretKey };

describe("sessions", () => {
  test("a login answers with a cookie that scripts can not read and other sites can not send", async () => {
    await using world = await openWorld();
    const answer = await world.call("POST", "/v1/session", { by: "nobody", json: JSON_LOGIN });
    assert.equal(answer.status, 200);
    assert.deepEqual(
      { ...answer.json, expiresAt: "" },
      { name: "root", type: "root", accessKeyId: "ROOTKEY", expiresAt: "" },
    );
    const [pair, ...attributes] = answer.headers.get("set-cookie")!.split("; ");
    assert.match(pair!, /^ashlar-session=[\w-]{43}$/);
    assert.deepEqual(attributes, ["Path=/", "HttpOnly", "SameSite=Strict"]);
    assert.ok(!answer.text.includes(ROOT.secretKey));
  });

  test("over TLS the cookie is bound to the host and never goes out in clear", async () => {
    await using world = await openWorld({ trustedProxies: ["127.0.0.1"] });
    const headers = { "X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.1" };
    const answer = await world.call("POST", "/v1/session", { by: "nobody", json: JSON_LOGIN, headers });
    assert.match(
      answer.headers.get("set-cookie")!,
      /^__Host-ashlar-session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Secure$/,
    );
    const cookie = answer.headers.get("set-cookie")!.split(";")[0]!;
    const session = await world.call("GET", "/v1/session", { by: "nobody", headers: { Cookie: cookie } });
    assert.equal(session.json.name, "root");
  });

  test("a wrong secret and an unknown key are refused alike", async () => {
    await using world = await openWorld();
    const tryLogin = (json: object) => world.call("POST", "/v1/session", { by: "nobody", json });
    const wrong = await tryLogin({ accessKeyId: ROOT.accessKey, secret: "wrong" });
    const unknown = await tryLogin({ accessKeyId: "NOSUCHKEY", secret: "wrong" });
    for (const answer of [wrong, unknown]) {
      assert.equal(answer.status, 401);
      assert.equal(answer.code, "LOGIN_FAILED");
      assert.equal(answer.headers.get("set-cookie"), undefined);
    }
    assert.equal(wrong.json.error.message, unknown.json.error.message);
  });

  test("failed logins make the next ones wait, and say for how long", async () => {
    await using world = await openWorld();
    const wrong = { accessKeyId: ROOT.accessKey, secret: "wrong" };
    let answer = await world.call("POST", "/v1/session", { by: "nobody", json: wrong });
    for (let tries = 0; tries < 30 && answer.status === 401; tries++) {
      answer = await world.call("POST", "/v1/session", { by: "nobody", json: wrong });
    }
    assert.equal(answer.status, 429);
    assert.equal(answer.code, "LOGIN_DELAYED");
    assert.match(answer.json.error.advice, /^Wait \d+ s before/);
    assert.match(answer.headers.get("retry-after")!, /^\d+$/);
    const right = await world.call("POST", "/v1/session", { by: "nobody", json: JSON_LOGIN });
    assert.equal(right.status, 429, "the right secret does not get past the delay either");
    world.time.jump(120_000);
    assert.equal((await world.call("POST", "/v1/session", { by: "nobody", json: JSON_LOGIN })).status, 200);
  });

  test("a session ends when its user signs out, and the cookie with it", async () => {
    await using world = await openWorld();
    const headers = { Cookie: await world.login(), Origin: ORIGIN };
    const out = await world.call("DELETE", "/v1/session", { by: "nobody", headers });
    assert.equal(out.status, 204);
    assert.match(out.headers.get("set-cookie")!, /^ashlar-session=; .*Max-Age=0$/);
    const after = await world.call("GET", "/v1/session", { by: "nobody", headers });
    assert.equal(after.status, 401);
    assert.equal(after.code, "SIGN_IN_REQUIRED");
  });

  test("a session ends when it is not used for an hour", async () => {
    await using world = await openWorld();
    const headers = { Cookie: await world.login() };
    world.time.jump(59 * 60_000);
    assert.equal((await world.call("GET", "/v1/session", { by: "nobody", headers })).status, 200);
    world.time.jump(61 * 60_000);
    assert.equal((await world.call("GET", "/v1/session", { by: "nobody", headers })).status, 401);
  });

  test("an operator lists a user's sessions and ends one", async () => {
    await using world = await openWorld();
    const alice = await world.addUser("alice", allowing("ashlar:GetStatus"));
    const headers = { Cookie: await world.login(alice) };
    const { items } = (await world.call("GET", "/v1/users/alice/sessions")).json;
    assert.equal(items.length, 1);
    assert.equal(items[0].accessKeyId, alice.accessKey);
    assert.equal((await world.call("GET", "/v1/status", { by: "nobody", headers })).status, 200);
    assert.equal((await world.call("DELETE", `/v1/users/alice/sessions/${items[0].id}`)).status, 204);
    assert.equal((await world.call("GET", "/v1/status", { by: "nobody", headers })).status, 401);
  });

  test("a session can do what its access key can, as long as it can", async () => {
    await using world = await openWorld();
    const alice = await world.addUser("alice", allowing("ashlar:GetStatus"));
    const headers = { Cookie: await world.login(alice) };
    const status = () => world.call("GET", "/v1/status", { by: "nobody", headers });
    assert.equal((await status()).status, 200);
    assert.equal((await world.call("GET", "/v1/users", { by: "nobody", headers })).code, "ACCESS_DENIED");
    await world.access.keys.delete(alice.accessKey);
    assert.equal((await status()).status, 401);
  });
});

describe("requests that a browser makes", () => {
  /** Headers beside the cookie, and what becomes of a request that changes something. */
  const CASES = [
    { name: "from the console's own page", headers: { Origin: ORIGIN }, status: 201 },
    { name: "from the console behind a proxy that ends TLS", headers: { Origin: `https://${HOST}` }, status: 201 },
    { name: "without an Origin, but of the same origin", headers: { "Sec-Fetch-Site": "same-origin" }, status: 201 },
    { name: "from another site", headers: { Origin: "https://evil.example" }, status: 403 },
    { name: "from another port", headers: { Origin: "http://api.test:9101" }, status: 403 },
    { name: "from a name that only begins like ours", headers: { Origin: `${ORIGIN}.evil.example` }, status: 403 },
    { name: "from a page without an origin", headers: { Origin: "null" }, status: 403 },
    { name: "that tell nothing of where they come from", headers: {}, status: 403 },
    { name: "that were typed or followed", headers: { "Sec-Fetch-Site": "none" }, status: 403 },
    { name: "from another site that hides its origin", headers: { "Sec-Fetch-Site": "cross-site" }, status: 401 },
    { name: "from a sibling domain", headers: { Origin: ORIGIN, "Sec-Fetch-Site": "same-site" }, status: 401 },
  ];

  for (const { name, headers, status } of CASES) {
    test(`${status === 201 ? "pass" : "are refused"} with a cookie ${name}`, async () => {
      await using world = await openWorld();
      const cookie = await world.login();
      const sent = { by: "nobody" as const, headers: { ...headers, Cookie: cookie }, json: {} };
      const answer = await world.call("PUT", "/v1/buckets/photos", sent);
      assert.equal(answer.status, status, answer.text);
      if (status === 403) assert.equal(answer.code, "ORIGIN_REFUSED");
      const buckets = (await world.objects.listBuckets({ limit: 10 })).items;
      assert.equal(buckets.length, status === 201 ? 1 : 0);
    });
  }

  test("need no origin to read, and another site may not even do that", async () => {
    await using world = await openWorld();
    const cookie = await world.login();
    const read = (headers: Record<string, string>) =>
      world.call("GET", "/v1/status", { by: "nobody", headers: { Cookie: cookie, ...headers } });
    assert.equal((await read({})).status, 200);
    assert.equal((await read({ "Sec-Fetch-Site": "same-origin" })).status, 200);
    assert.equal((await read({ "Sec-Fetch-Site": "cross-site" })).status, 401);
  });

  test("can not sign in from another site, and programs can without an Origin", async () => {
    await using world = await openWorld();
    const login = (headers: Record<string, string>) =>
      world.call("POST", "/v1/session", { by: "nobody", json: JSON_LOGIN, headers });
    assert.equal((await login({})).status, 200);
    assert.equal((await login({ Origin: ORIGIN })).status, 200);
    assert.equal((await login({ Origin: "https://evil.example" })).code, "ORIGIN_REFUSED");
    assert.equal((await login({ "Sec-Fetch-Site": "cross-site" })).code, "ORIGIN_REFUSED");
  });

  test("can not send a form in place of JSON", async () => {
    await using world = await openWorld();
    const headers = { Cookie: await world.login(), Origin: ORIGIN, "Content-Type": "text/plain" };
    const answer = await world.call("PUT", "/v1/buckets/photos", { by: "nobody", headers, body: "{}" });
    assert.equal(answer.status, 415);
    assert.equal(answer.code, "CONTENT_TYPE_REFUSED");
  });
});

describe("signed requests", () => {
  const refusals: {
    name: string;
    send: (world: World) => Promise<{ status: number; code: string | undefined }>;
    code: string;
  }[] = [
    {
      name: "by an unknown key",
      send: (world) => world.call("GET", "/v1/status", { by: { accessKey: "NOSUCH", secretKey: "x" } }),
      code: "CREDENTIAL_REFUSED",
    },
    {
      name: "with a wrong secret",
      send: (world) => world.call("GET", "/v1/status", { by: { ...ROOT, secretKey: "wrong" } }),
      code: "SIGNATURE_DOES_NOT_MATCH",
    },
    {
      name: "without a credential",
      send: (world) => world.call("GET", "/v1/status", { by: "nobody" }),
      code: "SIGN_IN_REQUIRED",
    },
    {
      name: "with a cookie that names no session",
      send: (world) => world.call("GET", "/v1/status", { by: "nobody", headers: { Cookie: "ashlar-session=x" } }),
      code: "SIGN_IN_REQUIRED",
    },
  ];
  for (const { name, send, code } of refusals) {
    test(`are refused ${name}`, async () => {
      await using world = await openWorld();
      const answer = await send(world);
      assert.equal(answer.code, code);
      assert.ok(answer.status === 401 || answer.status === 403);
    });
  }

  test("are refused where the body is not the one that was signed", async () => {
    await using world = await openWorld();
    // The signature's hash is of the body that the client meant to send.
    const headers = { "Content-Type": "application/json" };
    const good = await world.call("PUT", "/v1/buckets/photos", { headers, body: "{}" });
    assert.equal(good.status, 201);
    const source = sourceThat(`{"versioning":"enabled"}`);
    const bad = await world.call("PUT", "/v1/buckets/movies", { headers, body: source });
    assert.equal(bad.code, "CREDENTIAL_REFUSED", "JSON may not be left out of the signature");
  });

  test("need not declare their body's hash, as signatures of other services do not", async () => {
    await using world = await openWorld();
    const send = (signed: string, sent = signed) => {
      const headers = {
        ...plainSignature("PUT", "/v1/buckets/photos", signed, world.time.now()),
        "Content-Type": "application/json",
      };
      return world.call("PUT", "/v1/buckets/photos", { by: "nobody", headers, body: sent });
    };
    assert.equal((await send("{}", `{"versioning":"enabled"}`)).code, "SIGNATURE_DOES_NOT_MATCH");
    assert.equal((await send(" ".repeat(65_537))).code, "BODY_TOO_LARGE", "before it is proved, little is read");
    assert.equal((await send("{}")).status, 201);
  });

  test("that never come are given no memory", async () => {
    await using world = await openWorld();
    const json = { accessKeyId: "x", secret: "x".repeat(70_000) };
    assert.equal((await world.call("POST", "/v1/session", { by: "nobody", json })).code, "BODY_TOO_LARGE");
    const headers = { Authorization: "AWS4-HMAC-SHA256 nonsense" };
    const body = {
      async read(): Promise<null> {
        throw new RangeError("it is read");
      },
      cancel() {},
    };
    assert.equal((await world.call("PUT", "/v1/buckets/photos", { by: "nobody", headers, body })).status, 400);
    assert.deepEqual(world.unexpected, []);
  });

  test("of a disabled user are refused at once", async () => {
    await using world = await openWorld();
    const alice = await world.addUser("alice", allowing("ashlar:GetStatus"));
    assert.equal((await world.call("GET", "/v1/status", { by: alice })).status, 200);
    await world.call("PATCH", "/v1/users/alice", { json: { enabled: false } });
    const refused = await world.call("GET", "/v1/status", { by: alice });
    assert.equal(refused.code, "CREDENTIAL_REFUSED");
    assert.equal(refused.json.error.data.reason, "disabled");
  });

  test("with temporary credentials carry their token", async () => {
    await using world = await openWorld();
    const alice = await world.addUser("alice", allowing("ashlar:GetStatus"));
    const found = await world.access.findCredential(alice.accessKey);
    assert.ok(found.found);
    const issued = world.access.issueTemporary(found.principal, { durationMillis: 3_600_000 });
    const by = { accessKey: issued.accessKeyId, secretKey: issued.secret, sessionToken: issued.sessionToken };
    assert.equal((await world.call("GET", "/v1/status", { by })).status, 200);
    assert.equal((await world.call("GET", "/v1/users", { by })).code, "ACCESS_DENIED");
  });
});

/** Signature Version 4 by the book, without x-amz-content-sha256. */
function plainSignature(method: string, path: string, body: string, now: number): Record<string, string> {
  const amzDate = new Date(now).toISOString().replace(/[-:]|\.\d{3}/g, "");
  const scope = `${amzDate.slice(0, 8)}/us-east-1/ashlar/aws4_request`;
  const sha256 = (content: string) => createHash("sha256").update(content).digest("hex");
  const hmac = (key: string | Buffer, content: string) => createHmac("sha256", key).update(content).digest();
  const canonical = `${method}\n${path}\n\nhost:${HOST}\nx-amz-date:${amzDate}\n\nhost;x-amz-date\n${sha256(body)}`;
  const key = scope.split("/").reduce<string | Buffer>((derived, part) => hmac(derived, part), `AWS4${ROOT.secretKey}`);
  const signature = hmac(key, `AWS4-HMAC-SHA256\n${amzDate}\n${scope}\n${sha256(canonical)}`).toString("hex");
  const Authorization = `AWS4-HMAC-SHA256 Credential=${ROOT.accessKey}/${scope}, SignedHeaders=host;x-amz-date, Signature=${signature}`;
  return { "X-Amz-Date": amzDate, Authorization };
}

function sourceThat(content: string) {
  const bytes = new TextEncoder().encode(content);
  let given = false;
  return {
    async read() {
      if (given) return null;
      given = true;
      return bytes;
    },
    cancel() {},
  };
}
