import assert from "node:assert/strict";
import { test } from "node:test";
import type { Exchange } from "../../env/index.ts";
import { AshlarError, hasCode } from "../../std/errors.ts";
import { Prng } from "../../std/prng.ts";
import { type ByteSource, sourceOf } from "../../std/source.ts";
import { type AccessRecord, maskTarget } from "./access-record.ts";
import { type Answering, createShell } from "./shell.ts";
import { TrustedProxies } from "./trusted-proxies.ts";

interface Outcome {
  readonly record: AccessRecord;
  readonly replies: readonly { readonly status: number; readonly headers: readonly string[] }[];
  readonly unexpected: readonly unknown[];
}

interface Fakes {
  readonly target?: string;
  readonly requestsMax?: number;
  readonly reply?: () => Promise<void>;
  readonly body?: ByteSource;
}

/** Runs one exchange to its record. */
function run(answering: Partial<Answering>, fakes: Fakes = {}): Promise<Outcome> {
  const replies: { status: number; headers: readonly string[] }[] = [];
  const unexpected: unknown[] = [];
  return new Promise((resolve) => {
    const handle = createShell(
      {
        name: "test",
        clock: { now: () => 1000, monotonic: () => 5 },
        random: new Prng(3),
        trustedProxies: TrustedProxies.parse([]) as TrustedProxies,
        observer: {
          started() {},
          finished: (record) => resolve({ record, replies, unexpected }),
          unexpected: (error) => unexpected.push(error),
        },
        requestsMax: fakes.requestsMax ?? 10,
      },
      {
        answer: (call) => call.reply(200, ["Content-Length", "0"]),
        refuse: (call, error) => {
          call.errorCode = error instanceof AshlarError ? error.code : "INTERNAL";
          return call.reply(500, ["Content-Length", "0"]);
        },
        ...answering,
      },
    );
    const exchange = {
      method: "GET",
      target: fakes.target ?? "/",
      rawHeaders: ["User-Agent", "tester"],
      header: () => undefined,
      remoteAddress: "192.0.2.1",
      secure: false,
      body: fakes.body ?? sourceOf(),
      signal: new AbortController().signal,
      replied: false,
      reply(status: number, headers: readonly string[]) {
        exchange.replied = true;
        replies.push({ status, headers });
        return fakes.reply?.() ?? Promise.resolve();
      },
    };
    handle(exchange satisfies Exchange);
  });
}

test("an answer carries a Date and ends in one record", async () => {
  const { record, replies } = await run({
    async answer(call) {
      call.operation = "Echo";
      call.principal = "alice";
      await call.reply(201, [], new Uint8Array(5));
    },
  });
  assert.deepEqual(replies[0], { status: 201, headers: ["Date", "Thu, 01 Jan 1970 00:00:01 GMT"] });
  const { requestId, ...rest } = record;
  assert.match(requestId, /^[0-9A-F]{16}$/);
  assert.deepEqual(rest, {
    gateway: "test",
    startedMillis: 1000,
    durationMillis: 0,
    remoteAddress: "192.0.2.1",
    method: "GET",
    target: "/",
    userAgent: "tester",
    operation: "Echo",
    principal: "alice",
    status: 201,
    errorCode: undefined,
    bytesReceived: 0,
    bytesSent: 5,
    complete: true,
  });
});

test("an operating error is refused, and is no surprise", async () => {
  const failure = new AshlarError("TEAPOT", "what", "advice");
  const { record, unexpected } = await run({ answer: () => Promise.reject(failure) });
  assert.equal(record.status, 500);
  assert.equal(record.errorCode, "TEAPOT");
  assert.equal(record.complete, true);
  assert.deepEqual(unexpected, []);
});

test("a bug is refused and reported", async () => {
  const bug = new TypeError("undefined is not a function");
  const { record, unexpected } = await run({ answer: () => Promise.reject(bug) });
  assert.equal(record.status, 500);
  assert.deepEqual(unexpected, [bug]);
});

test("a refusal that fails itself still gives an answer", async () => {
  const bug = new TypeError("in the refusal");
  const { record, replies, unexpected } = await run({
    answer: () => Promise.reject(new AshlarError("A", "", "")),
    refuse: () => Promise.reject(bug),
  });
  assert.equal(record.status, 500);
  assert.equal(replies.length, 1);
  assert.equal(record.complete, false);
  assert.deepEqual(unexpected, [bug]);
});

test("a reply that breaks off is not answered twice", async () => {
  const broken = new AshlarError("BLOB_DAMAGED", "what", "advice");
  const { record, replies } = await run({}, { reply: () => Promise.reject(broken) });
  assert.equal(replies.length, 1);
  assert.equal(record.complete, false);
  assert.equal(record.errorCode, "BLOB_DAMAGED");
});

test("a client that left gets no answer made for it", async () => {
  const gone = new AshlarError("CLIENT_GONE", "what", "advice");
  const { record } = await run({ answer: () => Promise.reject(gone) }, { reply: () => Promise.reject(gone) });
  assert.equal(record.status, 0);
  assert.equal(record.errorCode, "CLIENT_GONE");
  assert.equal(record.complete, false);
});

test("one request more than may run is refused with TOO_MANY_REQUESTS", async () => {
  let refused: unknown;
  const { record } = await run(
    {
      refuse: (call, error) => {
        refused = error;
        return call.reply(503, []);
      },
    },
    { requestsMax: 0 },
  );
  assert.equal(record.status, 503);
  assert(hasCode(refused, "TOO_MANY_REQUESTS"));
});

test("a body that nobody read is given up", async () => {
  let cancelled = false;
  const body: ByteSource = {
    read: () => Promise.resolve(null),
    cancel: () => {
      cancelled = true;
    },
  };
  await run({}, { body });
  assert.equal(cancelled, true);
});

test("what a log shows of a target does not grant access", async () => {
  const target = "/b/k?X-Amz-Date=1&X-Amz-Signature=secret&x=1&X-Amz-Security-Token=secret";
  const { record } = await run({}, { target });
  assert.equal(record.target, "/b/k?X-Amz-Date=1&X-Amz-Signature=***&x=1&X-Amz-Security-Token=***");
  assert.equal(
    maskTarget("/b/k?AWSAccessKeyId=a&Signature=s%3D&Expires=1"),
    "/b/k?AWSAccessKeyId=a&Signature=***&Expires=1",
  );
  assert.equal(maskTarget("/b/Signature=1"), "/b/Signature=1");
});
