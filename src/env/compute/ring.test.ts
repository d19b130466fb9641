import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { AssertionError } from "../../std/assert.ts";
import { concatBytes } from "../../std/bytes.ts";
import { Prng } from "../../std/prng.ts";
import { makeRing, RING_BYTES_MIN, RingReader, RingWriter } from "./ring.ts";

describe("a ring", () => {
  test("gives records back in their order, with their stream, names and bytes", () => {
    const { reader, writer } = ring();
    assert.ok(writer.writeMark(7, "open", 0b101));
    assert.equal(writer.writeBytes(7, Uint8Array.of(1, 2, 3), 0), 3);
    assert.ok(writer.writeMark(0xffff_ffff, "drop"));
    assert.ok(writer.writeMark(7, "digest"));
    assert.deepEqual(take(reader), { stream: 7, kind: "open", names: 0b101, bytes: new Uint8Array(0) });
    assert.deepEqual(take(reader), { stream: 7, kind: "data", names: 0, bytes: Uint8Array.of(1, 2, 3) });
    assert.deepEqual(take(reader), { stream: 0xffff_ffff, kind: "drop", names: 0, bytes: new Uint8Array(0) });
    assert.deepEqual(take(reader), { stream: 7, kind: "digest", names: 0, bytes: new Uint8Array(0) });
    assert.equal(reader.read(), undefined);
    assert.equal(writer.bytesQueued, 0);
  });

  test("passes bytes of every length and alignment on, at every place, while its counters overflow", () => {
    const random = new Prng(1);
    const { reader, writer } = ring(2 ** 31 - 3 * RING_BYTES_MIN);
    const source = random.bytes(600);
    for (let round = 0; round < 6000; round++) {
      const from = random.below(16);
      const bytes = source.subarray(from, from + random.below(580));
      assert.equal(writer.writeBytes(1, bytes, 0), bytes.length);
      const parts: Uint8Array[] = [];
      for (let record = take(reader); record !== undefined; record = take(reader)) parts.push(record.bytes);
      assert.deepEqual(concatBytes(parts), bytes, `round ${round}`);
    }
  });

  test("a copy keeps its place within eight bytes, so that it is copied by words", () => {
    const { reader, writer } = ring();
    const source = new Uint8Array(64);
    for (let offset = 0; offset < 8; offset++) {
      writer.writeBytes(1, source.subarray(offset, offset + 20), 0);
      assert.equal(reader.read()!.bytes.byteOffset % 8, offset);
      reader.release();
    }
  });

  test("takes in what has room, no more than its size, and the rest later", () => {
    const random = new Prng(2);
    const { reader, writer } = ring();
    const bytes = random.bytes(20_000);
    const out: Uint8Array[] = [];
    let at = 0;
    let turns = 0;
    while (at < bytes.length) {
      at += writer.writeBytes(3, bytes, at);
      assert.ok(writer.bytesQueued <= RING_BYTES_MIN);
      const record = take(reader);
      if (record !== undefined) out.push(record.bytes);
      turns++;
    }
    for (let record = take(reader); record !== undefined; record = take(reader)) out.push(record.bytes);
    assert.ok(turns > 4);
    assert.deepEqual(concatBytes(out), bytes);
  });

  test("refuses marks and bytes while it is full, and is not filled up by crumbs", () => {
    const { reader, writer } = ring();
    let marks = 0;
    while (writer.writeMark(marks, "open")) marks++;
    assert.equal(marks, RING_BYTES_MIN / 8);
    assert.equal(writer.writeBytes(1, new Uint8Array(100), 0), 0);
    for (let freed = 0; freed < 20; freed++) take(reader);
    assert.equal(writer.writeBytes(1, new Uint8Array(1000), 0), 0, "160 bytes are free: too few for a piece");
    assert.equal(writer.writeBytes(1, new Uint8Array(100), 0), 100);
  });

  test("a reader that goes to sleep is noticed by the next write, once", () => {
    const { reader, writer } = ring();
    assert.ok(writer.readerSlept(), "a reader begins asleep");
    assert.ok(!writer.readerSlept());
    assert.ok(reader.sleep());
    writer.writeMark(1, "open");
    assert.ok(writer.readerSlept());
    assert.ok(!writer.readerSlept());
  });

  test("a reader does not go to sleep over a record", () => {
    const { reader, writer } = ring();
    writer.readerSlept();
    writer.writeMark(1, "open");
    assert.ok(!reader.sleep());
    assert.ok(!writer.readerSlept());
  });

  test("a writer's announcement is seen once", () => {
    const { reader, writer } = ring();
    assert.ok(!reader.writerWaits());
    writer.announceWait();
    assert.ok(reader.writerWaits());
    assert.ok(!reader.writerWaits());
  });

  test("a size that is no power of two, or out of range, is a bug", () => {
    for (const size of [0, 2048, 5000, 2 ** 27]) assert.throws(() => makeRing(size), AssertionError);
  });

  test("reading on without a release is a bug", () => {
    const { reader, writer } = ring();
    writer.writeMark(1, "open");
    writer.writeMark(2, "open");
    reader.read();
    assert.throws(() => reader.read(), AssertionError);
  });
});

function ring(start = 0): { reader: RingReader; writer: RingWriter } {
  const memory = makeRing(RING_BYTES_MIN, start);
  return { reader: new RingReader(memory), writer: new RingWriter(memory) };
}

/** The next record with a copy of its bytes. */
function take(reader: RingReader): ReturnType<RingReader["read"]> {
  const record = reader.read();
  if (record === undefined) return undefined;
  const copy = { ...record, bytes: record.bytes.slice() };
  reader.release();
  return copy;
}
