// Patterns with * (any run of characters) and ? (exactly one character, that is one code point), matched without
// backtracking.
//
// A pattern is cut at its runs into pieces: the first is anchored at the text's start, the last at its end, and each
// one between is found at the leftmost place behind the one before. Leftmost is enough: what a later place would leave
// over is a suffix of what this one leaves. A piece without ? is found by indexOf; one with ? by Shift-And, which reads
// each character of the text once and keeps all starts of the piece that are still possible as bits. So time grows with
// the text's length times a 32nd of the piece's, whatever both hold.

/** Exactly one character. */
export const ANY_ONE = 1;
/** Any run of characters, also an empty one. */
export const ANY_RUN = 2;

export type Token = string | typeof ANY_ONE | typeof ANY_RUN;

export class Wildcard {
  readonly #head: Piece;
  readonly #middle: readonly Piece[];
  /** Undefined where the pattern has no run: then the head is all of it. */
  readonly #tail: Piece | undefined;

  constructor(tokens: readonly Token[]) {
    const pieces = split(tokens).map(pieceOf);
    this.#head = pieces[0]!;
    this.#middle = pieces.slice(1, -1).filter((piece) => piece !== EMPTY_PIECE);
    this.#tail = pieces.length === 1 ? undefined : pieces.at(-1)!;
  }

  matches(text: string): boolean {
    let at = this.#head.endFrom(text);
    if (at < 0) return false;
    if (this.#tail === undefined) return at === text.length;
    const limit = this.#tail.startBefore(text);
    if (limit < at) return false;
    for (const piece of this.#middle) {
      at = piece.find(text, at);
      if (at < 0 || at > limit) return false;
    }
    return true;
  }
}

/** Reads * and ? in the text as wildcards. */
export function wildcardTokens(pattern: string): Token[] {
  const tokens: Token[] = [];
  for (const part of pattern.split(/([*?])/)) {
    if (part === "*") tokens.push(ANY_RUN);
    else if (part === "?") tokens.push(ANY_ONE);
    else if (part !== "") tokens.push(part);
  }
  return tokens;
}

/** A part of a pattern without runs. */
interface Piece {
  /** The end of the piece at the start of the text, or -1. */
  endFrom(text: string): number;
  /** The start of the piece at the end of the text, or -1. */
  startBefore(text: string): number;
  /** The end of its leftmost occurrence at or behind `from`, or -1. */
  find(text: string, from: number): number;
}

class LiteralPiece implements Piece {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  endFrom(text: string): number {
    return text.startsWith(this.#text) ? this.#text.length : -1;
  }

  startBefore(text: string): number {
    return text.endsWith(this.#text) ? text.length - this.#text.length : -1;
  }

  find(text: string, from: number): number {
    const at = text.indexOf(this.#text, from);
    return at < 0 ? -1 : at + this.#text.length;
  }
}

const EMPTY_PIECE: Piece = new LiteralPiece("");

/** Stands for ? among code points. */
const ANY = -1;

class OpenPiece implements Piece {
  readonly #points: readonly number[];
  /** Made when `find` is first called. */
  #masks: Masks | undefined;

  constructor(points: readonly number[]) {
    this.#points = points;
  }

  endFrom(text: string): number {
    let at = 0;
    for (const point of this.#points) {
      const found = text.codePointAt(at);
      if (found === undefined || (point !== ANY && point !== found)) return -1;
      at += found > 0xffff ? 2 : 1;
    }
    return at;
  }

  startBefore(text: string): number {
    let at = text.length;
    for (let place = this.#points.length - 1; place >= 0; place--) {
      if (at === 0) return -1;
      const point = this.#points[place]!;
      at -= at >= 2 && text.codePointAt(at - 2)! > 0xffff ? 2 : 1;
      if (point !== ANY && point !== text.codePointAt(at)) return -1;
    }
    return at;
  }

  find(text: string, from: number): number {
    const masks = (this.#masks ??= makeMasks(this.#points));
    return this.#points.length <= 32 ? this.#findShort(text, from, masks) : this.#findLong(text, from, masks);
  }

  /** All places in one word. */
  #findShort(text: string, from: number, { any, ascii, named }: Masks): number {
    const lastBit = 1 << (this.#points.length - 1);
    let places = 0;
    for (let at = from; at < text.length; ) {
      const unit = text.charCodeAt(at);
      if (unit < ASCII) {
        places = ((places << 1) | 1) & ascii[unit]!;
        at++;
      } else {
        const point = text.codePointAt(at)!;
        places = ((places << 1) | 1) & (named.get(point) ?? any)[0]!;
        at += point > 0xffff ? 2 : 1;
      }
      if ((places & lastBit) !== 0) return at;
    }
    return -1;
  }

  #findLong(text: string, from: number, { any, named }: Masks): number {
    const places = new Uint32Array(any.length);
    const last = this.#points.length - 1;
    const lastWord = last >>> 5;
    const lastBit = 1 << (last & 31);
    for (let at = from; at < text.length; ) {
      const point = text.codePointAt(at)!;
      at += point > 0xffff ? 2 : 1;
      const mask = named.get(point) ?? any;
      // Bit 0 comes in anew with each character: the piece may start here.
      let carry = 1;
      for (let word = 0; word < places.length; word++) {
        const held = places[word]!;
        places[word] = ((held << 1) | carry) & mask[word]!;
        carry = held >>> 31;
      }
      if ((places[lastWord]! & lastBit) !== 0) return at;
    }
    return -1;
  }
}

const ASCII = 128;

/** Bit i of a character's mask: it may stand at place i of the piece. */
interface Masks {
  /** Of characters that the piece does not name. */
  readonly any: Uint32Array;
  /** The first words of the masks of ASCII characters. */
  readonly ascii: Uint32Array;
  /** Of all characters that the piece names. */
  readonly named: ReadonlyMap<number, Uint32Array>;
}

function makeMasks(points: readonly number[]): Masks {
  const any = new Uint32Array((points.length + 31) >>> 5);
  const named = new Map<number, Uint32Array>();
  for (const [place, point] of points.entries()) {
    if (point === ANY) any[place >>> 5]! |= 1 << (place & 31);
  }
  for (const [place, point] of points.entries()) {
    if (point === ANY) continue;
    const mask = named.get(point) ?? any.slice();
    mask[place >>> 5]! |= 1 << (place & 31);
    named.set(point, mask);
  }
  const ascii = Uint32Array.from({ length: ASCII }, (_, point) => (named.get(point) ?? any)[0]!);
  return { any, ascii, named };
}

/** The tokens between the runs; n runs make n + 1 pieces. */
function split(tokens: readonly Token[]): Token[][] {
  const pieces: Token[][] = [[]];
  for (const token of tokens) {
    if (token === ANY_RUN) pieces.push([]);
    else pieces.at(-1)!.push(token);
  }
  return pieces;
}

function pieceOf(tokens: readonly Token[]): Piece {
  if (tokens.length === 0) return EMPTY_PIECE;
  if (!tokens.includes(ANY_ONE)) return new LiteralPiece(tokens.join(""));
  return new OpenPiece(tokens.flatMap((token) => (typeof token === "string" ? codePoints(token) : [ANY])));
}

function codePoints(text: string): number[] {
  return Array.from(text, (character) => character.codePointAt(0)!);
}
