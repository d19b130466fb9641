import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { EventLog } from "../gateway/api/index.ts";
import { type ActName, OPERATIONS } from "../gateway/s3/index.ts";
import { AshlarError } from "../std/errors.ts";
import type { Commit, CommitResult } from "../store/index.ts";
import { MemoryStore } from "../testing/memory-store.ts";
import { idsEventTo, s3ActTo } from "./events.ts";

const clock = { now: () => 1_000, monotonic: () => 0 };
const act = (operation: ActName, principal?: string) => {
  return { operation, bucket: "photos", principal, address: "192.0.2.7", requestId: "0123456789ABCDEF" };
};

describe("what administrators do over S3", () => {
  test("stands among the events as if it had come over the API", async () => {
    await using events = await EventLog.open(new MemoryStore(), clock);
    const report = s3ActTo(events);
    report(act("CreateBucket", "alice"));
    report(act("PutBucketPolicy"));
    await events.settled();
    const { items } = await events.page({ limit: 10 });
    const data = { bucket: "photos", address: "192.0.2.7", requestId: "0123456789ABCDEF" };
    const common = { severity: "info", object: "bucket photos", data, atMillis: 1_000 };
    assert.deepEqual(
      items.map(({ id: _, ...event }) => event),
      [
        { ...common, kind: "put-bucket-policy", text: "Policy of bucket photos changed." },
        { ...common, kind: "create-bucket", text: "Bucket photos created.", actor: "alice" },
      ],
    );
  });

  test("has words, whatever it is", async () => {
    await using events = await EventLog.open(new MemoryStore(), clock);
    const names = OPERATIONS.filter((operation) => operation.act === true).map(({ name }) => name as ActName);
    for (const name of names) s3ActTo(events)(act(name));
    await events.settled();
    const { items } = await events.page({ limit: 100 });
    assert.equal(new Set(items.map(({ text }) => text)).size, names.length);
    for (const { text } of items) assert.match(text, /^[A-Z].*photos.*\.$/);
  });

  test("is done also where the events can not be written", async () => {
    class Refusing extends MemoryStore {
      override commit(_: Commit): Promise<CommitResult> {
        return Promise.reject(new Error("stopped"));
      }
    }
    await using events = await EventLog.open(new Refusing(), clock, { waitingMax: 3 });
    for (let at = 0; at < 5; at++) s3ActTo(events)(act("CreateBucket"));
    await events.settled();
    assert.equal(events.lost, 5);
  });
});

describe("what ids suffer", () => {
  test("is told in words, of generators and of tags", async () => {
    await using events = await EventLog.open(new MemoryStore(), clock);
    const lines: string[] = [];
    const report = idsEventTo({ warning: (event) => void lines.push(event) }, events);
    const failure = new AshlarError("TAG_USED_UP", "No number is left.", "Take another tag.");
    report({ kind: "ids-refused", of: { tag: "orders" }, failure });
    report({ kind: "worker-lost", generator: "twitter", worker: 7 });
    await events.settled();
    const { items } = await events.page({ limit: 10 });
    assert.deepEqual(
      items.map(({ severity, kind, object, text }) => [severity, kind, object, text.slice(0, 40)]),
      [
        ["warning", "worker-lost", "generator twitter", "Another node has worker number 7 of gene"],
        ["warning", "ids-refused", "tag orders", "Tag orders gives no ids: No number is le"],
      ],
    );
    assert.deepEqual(lines, ["ids.refused", "ids.worker-lost"]);
  });
});
