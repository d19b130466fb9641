import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import type { Exchange } from "../../env/index.ts";
import { InlineCompute, SimClock, SimProcess, SimRandom, SimScheduler, SimTimers } from "../../env/sim/index.ts";
import type { Objects } from "../../service/objects/index.ts";
import { utf8 } from "../../std/bytes.ts";
import { resolveOptions } from "../../std/options.ts";
import { Prng } from "../../std/prng.ts";
import { sourceOf } from "../../std/source.ts";
import type { AccessRecord } from "../http/index.ts";
import { s3Failure } from "./errors.ts";
import { createS3Gateway } from "./gateway.ts";
import { S3_OPTIONS } from "./options.ts";
import { exchangeWith, type TestAnswer } from "./testing/exchange.ts";
import {
  type Call,
  codeOf,
  openTestS3,
  ROOT,
  signedRequest,
  type TestS3,
  testSigning,
  xmlOf,
} from "./testing/fixture.ts";

const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n';
const COPY: Call = { method: "PUT", target: "/bucket/copy", headers: { "x-amz-copy-source": "/bucket/k" } };

describe("an answer whose work takes long", () => {
  let s3: TestS3;
  let scheduler: SimScheduler;
  let world: World;
  before(async () => {
    s3 = await openTestS3();
    await s3.objects.createBucket("bucket", "root");
    const body = { source: sourceOf(utf8("hello")), length: 5, expected: {} };
    await s3.objects.put({ bucket: "bucket", key: "k", body, metadata: { user: new Map() } });
  });
  beforeEach(() => {
    scheduler = new SimScheduler();
  });
  after(async () => {
    await s3[Symbol.asyncDispose]();
  });

  const slow = (tookMillis: number, failure?: Error): void => {
    world = openWorld(s3, scheduler, { tookMillis, failure });
  };

  test("has its status and its length where the work is done within five seconds", async () => {
    slow(4999);
    const answer = await world.send(COPY);
    assert.equal(answer.headers.get("content-length"), String(answer.body.length));
    assert.equal(xmlOf(answer).name, "CopyObjectResult");
  });

  test("fails with the error's status within five seconds", async () => {
    slow(4999, s3Failure("SlowDown"));
    const answer = await world.send(COPY);
    assert.equal(answer.status, 503);
    assert.equal(codeOf(answer), "SlowDown");
  });

  test("begins after five seconds, goes on with a space every five, and ends with the result", async () => {
    slow(17_000);
    const answer = await world.send(COPY);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("content-type"), "application/xml");
    assert.equal(answer.headers.get("content-length"), undefined);
    assert.ok(answer.headers.has("x-amz-request-id"));
    // At 5 s the declaration, at 10 s and 15 s a space.
    assert.ok(answer.text.startsWith(`${DECLARATION}  <CopyObjectResult`), answer.text);
    assert.equal(xmlOf(answer).required("ETag").text(), '"5d41402abc4b2a76b9719d911017c592"');
    assert.equal(scheduler.nowMillis, 17_000);
    const [record] = world.records;
    assert.equal(record!.bytesSent, answer.body.length);
    assert.equal(record!.complete, true);
    assert.equal((await s3.signed({ method: "GET", target: "/bucket/copy" })).text, "hello");
  });

  test("that fails after it has begun ends with the error under status 200", async () => {
    slow(6000, s3Failure("InternalError"));
    const answer = await world.send(COPY);
    assert.equal(answer.status, 200);
    assert.ok(answer.text.startsWith(`${DECLARATION}<Error>`), answer.text);
    assert.equal(codeOf(answer), "InternalError");
    assert.equal(xmlOf(answer).required("Resource").text(), "/bucket/copy");
    assert.equal(xmlOf(answer).required("RequestId").text(), answer.headers.get("x-amz-request-id"));
    assert.equal(world.records[0]!.errorCode, "InternalError");
    assert.deepEqual(world.unexpected, []);
  });

  test("reports a bug that comes to light after it has begun", async () => {
    const bug = new TypeError("a bug");
    slow(6000, bug);
    assert.equal(codeOf(await world.send(COPY)), "InternalError");
    assert.deepEqual(world.unexpected, [bug]);
  });

  test("a completion and a copy of a part begin in time too", async () => {
    const upload = await s3.objects.createUpload({
      bucket: "bucket",
      key: "parts",
      owner: "root",
      metadata: NO_METADATA,
    });
    const target = `/bucket/parts?uploadId=${upload.uploadId}`;
    slow(12_000);
    const copied = await world.send({ ...COPY, target: `${target}&partNumber=1` });
    assert.ok(copied.text.startsWith(`${DECLARATION} <CopyPartResult`), copied.text);
    const etag = xmlOf(copied).required("ETag").text();
    const part = `<Part><PartNumber>1</PartNumber><ETag>${etag}</ETag></Part>`;
    const body = `<CompleteMultipartUpload>${part}</CompleteMultipartUpload>`;
    const completed = await world.send({ method: "POST", target, body });
    assert.equal(completed.status, 200);
    assert.ok(completed.text.startsWith(`${DECLARATION} <CompleteMultipartUploadResult`), completed.text);
  });

  test("a request that is refused is so at once, with its status", async () => {
    slow(60_000);
    const target = "/bucket/parts?uploadId=x";
    const answer = await world.send({ method: "POST", target, body: "<CompleteMultipartUpload/>" });
    assert.equal(answer.status, 400);
    assert.equal(scheduler.nowMillis, 0);
  });

  test("a client that leaves ends the spaces, not the work", async () => {
    slow(60_000);
    await assert.rejects(world.send({ ...COPY, target: "/bucket/left" }, leaving));
    assert.equal(scheduler.nowMillis, 5000);
    assert.equal(world.records.length, 0);
    await scheduler.run();
    assert.equal(scheduler.nowMillis, 60_000);
    assert.equal(world.records[0]!.complete, false);
    assert.equal((await s3.signed({ method: "GET", target: "/bucket/left" })).text, "hello");
  });
});

const NO_METADATA = { user: new Map<string, string>() };

interface World {
  readonly records: readonly AccessRecord[];
  readonly unexpected: readonly unknown[];
  send(call: Call, via?: (exchange: Exchange) => Exchange): Promise<TestAnswer>;
}

/** A gateway in virtual time over the fixture's services, whose copies and completions take that long, and then may fail. */
function openWorld(
  s3: TestS3,
  scheduler: SimScheduler,
  { tookMillis, failure }: { readonly tookMillis: number; readonly failure: Error | undefined },
): World {
  const clock = new SimClock(scheduler, { epochMillis: s3.clock.now() });
  const timers = new SimTimers(new SimProcess(scheduler, "gateway"), clock);
  const late = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    await new Promise<void>((resolve) => timers.after(tookMillis, resolve));
    if (failure !== undefined) throw failure;
    return work();
  };
  const objects: Objects = {
    ...s3.objects,
    copy: (request) => late(() => s3.objects.copy(request)),
    copyPart: (request) => late(() => s3.objects.copyPart(request)),
    completeUpload: (request) => late(() => s3.objects.completeUpload(request)),
  };
  const records: AccessRecord[] = [];
  const unexpected: unknown[] = [];
  const handle = createS3Gateway({
    env: { clock, timers, random: new SimRandom(new Prng(1)), compute: new InlineCompute() },
    objects,
    access: s3.access,
    signing: testSigning(),
    options: resolveOptions(S3_OPTIONS, []),
    observer: {
      started() {},
      finished: (record) => records.push(record),
      unexpected: (error) => unexpected.push(error),
    },
  });
  return {
    records,
    unexpected,
    send: (call, via = (exchange) => exchange) =>
      scheduler.settle(exchangeWith((exchange) => handle(via(exchange)), signedRequest(call, ROOT, clock.now()))),
  };
}

/** The exchange of a client that leaves with the first piece of the answer. */
function leaving(exchange: Exchange): Exchange {
  const reply: Exchange["reply"] = async (_status, _headers, body) => {
    assert.ok(body !== undefined && !(body instanceof Uint8Array));
    await body.read();
    body.cancel();
    // The client's side of the test sees an answer that broke off.
    await exchange.reply(200, ["Content-Length", "1"]).catch(() => {});
    throw s3Failure("RequestTimeout");
  };
  return new Proxy(exchange, {
    get: (target, name) => {
      if (name === "reply") return reply;
      const value: unknown = Reflect.get(target, name, target);
      return value;
    },
  });
}
