import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ApiFailure, Client } from "./client.ts";
import { urlOf } from "./operations.ts";

interface Sent {
  readonly url: string;
  readonly options: RequestInit;
}

function clientOf(answer: () => Response): { client: Client; sent: Sent[]; ended: () => number } {
  const sent: Sent[] = [];
  let ends = 0;
  const client = new Client({
    fetch: async (url, options) => {
      sent.push({ url, options });
      return answer();
    },
    onSessionEnd: () => {
      ends++;
    },
  });
  return { client, sent, ended: () => ends };
}

const refusal = (status: number, code: string): Response =>
  Response.json({ error: { code, message: "What.", advice: "Do.", requestId: "R", data: { n: 1 } } }, { status });

describe("the client of /v1", () => {
  test("a name is escaped in the path and in the query, and what is not given is left out", () => {
    const url = urlOf("listObjects", {
      path: { bucket: "a b/c" },
      query: { prefix: "x/ü&+", delimiter: "/", after: undefined },
    });
    assert.equal(url, "/v1/buckets/a%20b%2Fc/objects?prefix=x%2F%C3%BC%26%2B&delimiter=%2F");
    assert.equal(urlOf("getStatus", {}), "/v1/status");
    assert.equal(urlOf("listBuckets", { query: { after: "" } }), "/v1/buckets");
  });

  test("a body goes out as JSON and the answer comes back as a value", async () => {
    const { client, sent } = clientOf(() => Response.json({ name: "b" }, { status: 201 }));
    const bucket = await client.call("createBucket", { path: { bucket: "b" }, body: { versioning: "enabled" } });
    assert.equal(bucket.name, "b");
    assert.equal(sent[0]?.options.method, "PUT");
    assert.equal(sent[0]?.options.body, '{"versioning":"enabled"}');
    assert.equal(new Headers(sent[0]?.options.headers).get("content-type"), "application/json");
  });

  test("an answer without a body is undefined", async () => {
    const { client } = clientOf(() => new Response(null, { status: 204 }));
    assert.equal(await client.call("logout", {}), undefined);
  });

  test("a refusal is told in the server's words", async () => {
    const { client, ended } = clientOf(() => refusal(409, "BUCKET_EXISTS"));
    const failure = await client.call("getStatus", {}).catch((error: unknown) => error);
    assert.ok(failure instanceof ApiFailure);
    assert.deepEqual(
      [failure.code, failure.message, failure.advice, failure.data["n"]],
      ["BUCKET_EXISTS", "What.", "Do.", 1],
    );
    assert.equal(ended(), 0);
  });

  test("an ended session is noticed, a wrong secret is not an ended session", async () => {
    const ended = clientOf(() => refusal(401, "SIGN_IN_REQUIRED"));
    await assert.rejects(ended.client.call("getStatus", {}));
    assert.equal(ended.ended(), 1);
    const wrong = clientOf(() => refusal(401, "LOGIN_FAILED"));
    await assert.rejects(wrong.client.call("login", { body: { accessKeyId: "a", secret: "b" } }));
    assert.equal(wrong.ended(), 0);
  });

  test("a page of a proxy becomes a failure with the status", async () => {
    const { client } = clientOf(() => new Response("<html>Bad Gateway</html>", { status: 502 }));
    await assert.rejects(client.call("getStatus", {}), { code: "HTTP_502" });
  });

  test("a server that does not answer is told apart from a call that was given up", async () => {
    const client = new Client({ fetch: () => Promise.reject(new TypeError("network")), onSessionEnd: () => {} });
    await assert.rejects(client.call("getStatus", {}), { code: "UNREACHABLE" });
    await assert.rejects(client.call("getStatus", { signal: AbortSignal.abort() }), { name: "TypeError" });
  });
});
