import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  assembleModule,
  type Code,
  get,
  I32,
  i32,
  i64,
  ifElse,
  loop,
  PAGE_BYTES,
  repeatIf,
  set,
  v128,
} from "./assembler.ts";

declare const WebAssembly: {
  readonly Module: new (binary: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
};

describe("an assembled function", () => {
  test("returns constants of every encoded length", () => {
    for (const value of [0, 1, -1, 63, 64, -64, -65, 8191, 8192, -8193, 0x7fff_ffff, -0x8000_0000, 0x1234_5678]) {
      assert.equal(build(i32.constant(value)).run(0), value);
      assert.equal(build(i32.wrap(i64.constant(value))).run(0), value);
    }
  });

  test("adds, subtracts, masks, shifts and compares its parameter", () => {
    const argument = get(0);
    assert.equal(build(i32.add(argument, i32.constant(5))).run(7), 12);
    assert.equal(build(i32.subtract(argument, i32.constant(5))).run(7), 2);
    assert.equal(build(i32.and(argument, i32.constant(-16))).run(0x7f), 0x70);
    assert.equal(build(i32.shiftLeft(argument, 3)).run(5), 40);
    assert.equal(build(i32.lessThan(argument, i32.constant(-1))).run(5), 1, "unsigned");
    assert.equal(build(i32.wrap(i64.shiftRight(i64.xor(i64.extend(argument), i64.constant(-1)), 32))).run(5), -1);
  });

  test("branches and loops", () => {
    const [argument, total] = [get(0), get(1)];
    const body = [
      ...ifElse(i32.lessThan(argument, i32.constant(3)), set(0, i32.constant(3)), []),
      ...loop([
        ...set(1, i32.add(total, argument)),
        ...set(0, i32.subtract(argument, i32.constant(1))),
        ...repeatIf(i32.lessThan(i32.constant(0), argument)),
      ]),
      ...total,
    ];
    assert.equal(build(body).run(4), 10);
    assert.equal(build(body).run(1), 6);
  });

  test("reads and writes words and vectors at far offsets of its memory", () => {
    const far = PAGE_BYTES + 1000;
    const { memory, run } = build([
      ...i64.store(get(0), i64.xor(i64.load(get(0), far), i64.loadU32(get(0), 4)), 8),
      ...v128.store(get(0), v128.xor(v128.load(get(0)), v128.zero), 200),
      ...i32.constant(0),
    ]);
    const view = new DataView(memory.buffer);
    assert.equal(memory.buffer.byteLength, 2 * PAGE_BYTES);
    view.setBigUint64(16 + far, 0x1122334455667788n, true);
    view.setUint32(16 + 4, 0xffffffff, true);
    run(16);
    assert.equal(view.getBigUint64(16 + 8, true), 0x11223344aa998877n);
    assert.deepEqual(new Uint8Array(memory.buffer, 216, 16), new Uint8Array(memory.buffer, 16, 16));
  });
});

interface Instance {
  readonly memory: { readonly buffer: ArrayBuffer };
  run(argument: number): number;
}

function build(body: Code): Instance {
  const binary = assembleModule({ pages: 2, parameters: [I32], result: I32, locals: [I32], body });
  return new WebAssembly.Instance(new WebAssembly.Module(binary)).exports as Instance;
}
