// WebAssembly's binary format, as much of it as one function over one memory needs. Code is a plain array of bytes
// and an instruction is a function from its operands' code to its own, so that a kernel reads like an expression and
// unrolls by map.

export type Code = readonly number[];

export const I32 = 0x7f;
export const I64 = 0x7e;
export type ValueType = typeof I32 | typeof I64;

export const PAGE_BYTES = 65_536;

export interface ModuleShape {
  /** Pages of memory, which starts as zeros. */
  readonly pages: number;
  readonly parameters: readonly ValueType[];
  readonly result: ValueType;
  /** Numbered on from the parameters. */
  readonly locals: readonly ValueType[];
  readonly body: Code;
}

/** A module with one memory, exported as "memory", and one function, exported as "run". */
export function assembleModule(shape: ModuleShape): Uint8Array<ArrayBuffer> {
  const locals = shape.locals.map((type) => [...unsigned(1), type]);
  const code = [...vector(locals), ...shape.body, END];
  return new Uint8Array([
    ...[0x00, 0x61, 0x73, 0x6d], // "\0asm"
    ...[0x01, 0x00, 0x00, 0x00], // version 1
    ...section(1, [[FUNCTION, ...vector(shape.parameters.map((type) => [type])), ...vector([[shape.result]])]]),
    ...section(3, [[0x00]]), // function 0 has type 0
    ...section(5, [[0x00, ...unsigned(shape.pages)]]), // memory 0 has no maximum
    ...section(7, [
      [...name("memory"), 0x02, 0x00],
      [...name("run"), 0x00, 0x00],
    ]),
    ...section(10, [[...unsigned(code.length), ...code]]),
  ]);
}

const FUNCTION = 0x60;
const NO_RESULT = 0x40;
const END = 0x0b;

export function get(local: number): Code {
  return [0x20, ...unsigned(local)];
}

export function set(local: number, value: Code): Code {
  return [...value, 0x21, ...unsigned(local)];
}

export function loop(body: Code): Code {
  return [0x03, NO_RESULT, ...body, END];
}

/** Back to the head of the innermost loop around it. */
export function repeatIf(condition: Code): Code {
  return [...condition, 0x0d, 0x00];
}

/** Neither branch leaves a value. */
export function ifElse(condition: Code, then: Code, otherwise: Code): Code {
  return [...condition, 0x04, NO_RESULT, ...then, 0x05, ...otherwise, END];
}

export const i32 = {
  constant: (value: number): Code => [0x41, ...signed(value)],
  lessThan: (left: Code, right: Code): Code => [...left, ...right, 0x49],
  add: (left: Code, right: Code): Code => [...left, ...right, 0x6a],
  subtract: (left: Code, right: Code): Code => [...left, ...right, 0x6b],
  and: (left: Code, right: Code): Code => [...left, ...right, 0x71],
  shiftLeft: (value: Code, bits: number): Code => [...value, ...i32.constant(bits), 0x74],
  wrap: (wide: Code): Code => [...wide, 0xa7],
};

export const i64 = {
  constant: (value: number): Code => [0x42, ...signed(value)],
  load: (address: Code, offset = 0): Code => [...address, 0x29, ...memory(0, offset)],
  loadU32: (address: Code, offset = 0): Code => [...address, 0x35, ...memory(0, offset)],
  store: (address: Code, value: Code, offset = 0): Code => [...address, ...value, 0x37, ...memory(0, offset)],
  xor: (left: Code, right: Code): Code => [...left, ...right, 0x85],
  shiftRight: (value: Code, bits: number): Code => [...value, ...i64.constant(bits), 0x88],
  extend: (narrow: Code): Code => [...narrow, 0xad],
};

export const v128 = {
  zero: [0xfd, 0x0c, ...new Array<number>(16).fill(0)] as Code,
  load: (address: Code, offset = 0): Code => [...address, 0xfd, 0x00, ...memory(0, offset)],
  store: (address: Code, value: Code, offset = 0): Code => [...address, ...value, 0xfd, 0x0b, ...memory(0, offset)],
  xor: (left: Code, right: Code): Code => [...left, ...right, 0xfd, ...unsigned(0x51)],
};

function memory(alignmentBits: number, offset: number): Code {
  return [...unsigned(alignmentBits), ...unsigned(offset)];
}

function section(id: number, items: readonly Code[]): Code {
  const content = vector(items);
  return [id, ...unsigned(content.length), ...content];
}

function vector(items: readonly Code[]): Code {
  return [...unsigned(items.length), ...items.flat()];
}

function name(ascii: string): Code {
  return vector(Array.from(ascii, (character) => [character.charCodeAt(0)]));
}

/** LEB128. */
function unsigned(value: number): Code {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

/** Signed LEB128: the last group's top bit is the sign. */
function signed(value: number): Code {
  if (value >= -0x40 && value < 0x40) return [value & 0x7f];
  return [(value & 0x7f) | 0x80, ...signed(value >> 7)];
}
