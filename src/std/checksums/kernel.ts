import { assert } from "../assert.ts";
import {
  assembleModule,
  type Code,
  get,
  I32,
  I64,
  i32,
  i64,
  ifElse,
  loop,
  PAGE_BYTES,
  repeatIf,
  set,
  v128,
} from "./assembler.ts";
import type { Polynomial } from "./polynomials.ts";
import { fillTables, SLICES, tableBytes } from "./tables.ts";

// The fast way to a CRC: a WebAssembly function over a copy of the message in its own memory.
//
//   | 16 tables of 256 entries | zeros, `rest` bytes | padding | message ... | what the fold leaves, `rest` bytes |
//   0                                                buffer                  end
//
// A fold clears the message from the front, 16 bytes at a time, by adding each block onto places further on (see
// Polynomial.foldDistances; the idea is Russell's: "Chorba: A novel CRC32 implementation", 2024, arXiv 2412.16398).
// Read from the other side: a block becomes its own bytes plus the finished blocks at those distances before it, so a
// step is some unaligned loads, exclusive-ors and one store, with no multiplication and no table. The last `rest`
// bytes receive only, are moved behind the message (so that zeros lie before them again) and go through the tables.
//
// Zeros in front of a message whose register starts at zero change nothing. So the register is added to the first
// bytes, the padding makes every length a multiple of STRIDE, and no loop has a remainder.

/** A message must be at least as long as the register that is added to its front. */
export const KERNEL_BYTES_MIN = 8;
/** Fits into a first-level cache, so that the copy is still there when the fold reads it. */
export const KERNEL_BYTES_MAX = 32_768;

export interface Kernel<Register extends number | bigint> {
  /** The tables of tables.ts lie at its start. */
  readonly memory: ArrayBuffer;
  /** Where a message of this length is put. */
  readonly message: (length: number) => number;
  /** Takes the message into the register and destroys it. Undefined where WebAssembly can not run. */
  readonly run: ((length: number, register: Register) => Register) | undefined;
}

export function loadKernel<Register extends number | bigint>(polynomial: Polynomial): Kernel<Register> {
  const layout = layoutOf(polynomial);
  const instance = instantiate<Register>(assembleKernel(polynomial, layout));
  const { buffer } = layout;
  const memory = instance?.memory.buffer ?? new ArrayBuffer(tableBytes(polynomial));
  fillTables(polynomial, new Int32Array(memory, 0, tableBytes(polynomial) / 4));
  return { memory, run: instance?.run, message: (length) => buffer + (-length & (STRIDE - 1)) };
}

/** Bytes that one turn of the fold's loop takes in. */
const STRIDE = 32;
const PAGES = 2;

interface Layout {
  readonly buffer: number;
  readonly rest: number;
  /** Below this length the tables alone are as fast. */
  readonly foldBytesMin: number;
}

function layoutOf(polynomial: Polynomial): Layout {
  const rest = Math.ceil(polynomial.foldDistances.at(-1)! / STRIDE) * STRIDE;
  const buffer = tableBytes(polynomial) + rest;
  assert(buffer + KERNEL_BYTES_MAX + rest <= PAGES * PAGE_BYTES, "the kernel's memory is too small");
  return { buffer, rest, foldBytesMin: 1.25 * rest };
}

const [LENGTH, REGISTER, AT, END, STOP, FIRST, SECOND] = [0, 1, 2, 3, 4, 5, 6];

function assembleKernel(polynomial: Polynomial, layout: Layout): Uint8Array<ArrayBuffer> {
  const narrow = polynomial.width === 32;
  const register = narrow ? I32 : I64;
  const padding = i32.and(i32.subtract(i32.constant(0), get(LENGTH)), i32.constant(STRIDE - 1));
  return assembleModule({
    pages: PAGES,
    parameters: [I32, register],
    result: register,
    locals: [I32, I32, I32, I64, I64],
    body: [
      ...set(AT, i32.add(i32.constant(layout.buffer), padding)),
      ...set(END, i32.add(get(AT), get(LENGTH))),
      ...blocks((offset) => v128.store(i32.subtract(get(AT), i32.constant(STRIDE)), v128.zero, offset)),
      ...i64.store(get(AT), i64.xor(i64.load(get(AT)), narrow ? i64.extend(get(REGISTER)) : get(REGISTER))),
      ...ifElse(
        i32.lessThan(get(LENGTH), i32.constant(layout.foldBytesMin)),
        set(AT, i32.and(get(AT), i32.constant(-SLICES))),
        [...set(AT, i32.constant(layout.buffer)), ...fold(polynomial.foldDistances, layout.rest)],
      ),
      ...loop([...tableStep(polynomial), ...repeatIf(i32.lessThan(get(AT), get(END)))]),
      ...(narrow ? i32.wrap(get(FIRST)) : get(FIRST)),
    ],
  });
}

/** Leaves AT and END around the rest, in its new place. */
function fold(distances: readonly number[], rest: number): Code {
  const nearestLast = [...distances].reverse();
  const folded = (offset: number): Code =>
    nearestLast.reduce(
      (sum, distance) => v128.xor(sum, v128.load(i32.subtract(get(AT), i32.constant(distance)), offset)),
      v128.load(get(AT), offset),
    );
  return [
    ...set(STOP, i32.subtract(get(END), i32.constant(rest))),
    ...loop([
      ...blocks((offset) => v128.store(get(AT), folded(offset), offset)),
      ...advance(STRIDE),
      ...repeatIf(i32.lessThan(get(AT), get(STOP))),
    ]),
    // What has received everything is taken away at once, so that it gives nothing to those behind it.
    ...loop([
      ...v128.store(get(AT), folded(0), rest),
      ...v128.store(get(AT), v128.zero),
      ...advance(16),
      ...repeatIf(i32.lessThan(get(AT), get(END))),
    ]),
    ...set(END, i32.add(get(END), i32.constant(rest))),
  ];
}

/** Sixteen bytes through sixteen tables: the first eight meet the register, the others do not. */
function tableStep(polynomial: Polynomial): Code {
  return [
    ...set(SECOND, i64.load(get(AT), 8)),
    ...set(FIRST, i64.xor(get(FIRST), i64.load(get(AT)))),
    ...set(FIRST, sum([...lookUps(polynomial, SECOND, 7), ...lookUps(polynomial, FIRST, 15)])),
    ...advance(16),
  ];
}

function lookUps(polynomial: Polynomial, word: number, slice: number): Code[] {
  const [load, entryShift] = polynomial.width === 32 ? [i64.loadU32, 2] : [i64.load, 3];
  return Array.from({ length: 8 }, (_, byte) => {
    const shifted = i32.wrap(i64.shiftRight(get(word), 8 * byte));
    const entry = i32.shiftLeft(i32.and(shifted, i32.constant(0xff)), entryShift);
    return load(entry, (slice - byte) * (256 << entryShift));
  });
}

/** A balanced tree: a chain of sixteen would be the longest delay of the step. */
function sum(terms: readonly Code[]): Code {
  if (terms.length === 1) return terms[0]!;
  const middle = terms.length >> 1;
  return i64.xor(sum(terms.slice(0, middle)), sum(terms.slice(middle)));
}

function blocks(block: (offset: number) => Code): Code {
  return Array.from({ length: STRIDE / 16 }, (_, index) => block(16 * index)).flat();
}

function advance(bytes: number): Code {
  return set(AT, i32.add(get(AT), i32.constant(bytes)));
}

interface Instance<Register> {
  readonly memory: { readonly buffer: ArrayBuffer };
  run(length: number, register: Register): Register;
}

declare const WebAssembly: {
  readonly Module: new (binary: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
};

/** Undefined where there is no WebAssembly, or none with vectors, or a page's security policy forbids it. */
function instantiate<Register>(binary: Uint8Array<ArrayBuffer>): Instance<Register> | undefined {
  try {
    return new WebAssembly.Instance(new WebAssembly.Module(binary)).exports as Instance<Register>;
  } catch {
    return undefined;
  }
}
