import { concatBytes, utf8 } from "../../std/bytes.ts";
import { formFailure } from "./errors.ts";
import { type PartHeaders, parsePartHeaders } from "./part-headers.ts";

export type FormEvent =
  | { readonly kind: "part"; readonly headers: PartHeaders }
  /** Some of its data, never empty: a slice of what was pushed, or a copy of a few bytes. */
  | { readonly kind: "data"; readonly bytes: Uint8Array }
  /** Its data are complete. `position` counts the bytes of the body up to here, the delimiter included. */
  | { readonly kind: "part-end"; readonly position: number }
  | { readonly kind: "end" };

type Emit = (event: FormEvent) => void;

/** The headers of one part; S3 sends fields of 20 KiB in all. */
const PART_HEADER_BYTES_MAX = 8_192;

/**
 * Cuts a multipart/form-data body into its parts, piece by piece and in linear time:
 *
 *     [anything CR LF] --boundary CR LF
 *     headers CR LF CR LF  data  CR LF --boundary CR LF     ... any number of parts
 *     ...                  data  CR LF --boundary-- [anything]
 *
 * CR stands in the delimiter (CR LF -- boundary) only at its beginning. So bytes that matched part of it and then did
 * not are data, equal to that part of the delimiter, and the search goes on right behind them: no byte is ever looked
 * at twice.
 */
export class MultipartParser {
  readonly #delimiter: Uint8Array;
  #state: "preamble" | "delimiter-end" | "headers" | "data" | "epilogue" = "preamble";
  /**
   * How much of the delimiter the bytes so far end with; at the start of the body a line begins, as if CR LF had come.
   */
  #matched = 2;
  #position = 0;
  #delimiterEnd = "";
  readonly #headers = new Uint8Array(PART_HEADER_BYTES_MAX);
  #headersLength = 0;

  constructor(boundary: string) {
    this.#delimiter = concatBytes([utf8("\r\n--"), utf8(boundary)]);
  }

  /** How many bytes of the body were pushed. */
  get position(): number {
    return this.#position;
  }

  get ended(): boolean {
    return this.#state === "epilogue";
  }

  /**
   * Emits what is in the next piece, in order. Fails with FORM_MALFORMED where it is reached, and is not used after
   * that.
   */
  push(bytes: Uint8Array, emit: (event: FormEvent) => void): void {
    for (let at = 0; at < bytes.length; ) {
      const next = this.#step(bytes, at, emit);
      this.#position += next - at;
      at = next;
    }
  }

  #step(bytes: Uint8Array, at: number, emit: Emit): number {
    switch (this.#state) {
      case "preamble":
      case "data":
        return this.#search(bytes, at, emit);
      case "delimiter-end":
        this.#endDelimiter(bytes[at]!, emit);
        return at + 1;
      case "headers":
        this.#readHeader(bytes[at]!, emit);
        return at + 1;
      case "epilogue":
        return bytes.length;
    }
  }

  /** Looks for the delimiter and emits what is before it. */
  #search(bytes: Uint8Array, from: number, emit: Emit): number {
    if (this.#matched > 0) return this.#resume(bytes, from, emit);
    let at = from;
    for (;;) {
      const found = bytes.indexOf(CARRIAGE_RETURN, at);
      if (found === -1) {
        this.#emitData(bytes.subarray(from), emit);
        return bytes.length;
      }
      const length = this.#matchAt(bytes, found, 0);
      if (length === this.#delimiter.length || found + length === bytes.length) {
        this.#emitData(bytes.subarray(from, found), emit);
        this.#matched = length;
        if (length === this.#delimiter.length) this.#foundDelimiter(this.#position + found + length - from, emit);
        return found + length;
      }
      at = found + length;
    }
  }

  /** Goes on with a match that the end of the piece before has cut. */
  #resume(bytes: Uint8Array, from: number, emit: Emit): number {
    const length = this.#matchAt(bytes, from, this.#matched);
    const end = from + length - this.#matched;
    if (length === this.#delimiter.length) {
      this.#foundDelimiter(this.#position + end - from, emit);
    } else if (end === bytes.length) {
      this.#matched = length;
    } else {
      this.#matched = 0;
      this.#emitData(this.#delimiter.slice(0, length), emit);
    }
    return end;
  }

  /** How much of the delimiter is matched when the bytes from `at` follow what was `matched` before. */
  #matchAt(bytes: Uint8Array, at: number, matched: number): number {
    let length = matched;
    while (length < this.#delimiter.length && bytes[at + length - matched] === this.#delimiter[length]) length++;
    return length;
  }

  #emitData(bytes: Uint8Array, emit: Emit): void {
    if (this.#state === "data" && bytes.length > 0) emit({ kind: "data", bytes });
  }

  #foundDelimiter(position: number, emit: Emit): void {
    if (this.#state === "data") emit({ kind: "part-end", position });
    this.#matched = 0;
    this.#delimiterEnd = "";
    this.#state = "delimiter-end";
  }

  /** Behind a delimiter stand two dashes, for the last one, or a line end, with white space before it allowed. */
  #endDelimiter(byte: number, emit: Emit): void {
    this.#delimiterEnd += String.fromCharCode(byte);
    if (this.#delimiterEnd === "--") {
      emit({ kind: "end" });
      this.#state = "epilogue";
    } else if (/^[ \t]{0,64}\r\n$/.test(this.#delimiterEnd)) {
      this.#headersLength = 0;
      this.#state = "headers";
    } else if (!/^(-|[ \t]{0,64}\r?)$/.test(this.#delimiterEnd)) {
      throw formFailure("FORM_MALFORMED", { what: "A boundary does not end its line." });
    }
  }

  #readHeader(byte: number, emit: Emit): void {
    if (this.#headersLength === PART_HEADER_BYTES_MAX) {
      throw formFailure("FORM_MALFORMED", { what: "The headers of a part are too long." });
    }
    this.#headers[this.#headersLength++] = byte;
    if (byte !== LINE_FEED || !this.#endsInEmptyLine()) return;
    const headers = parsePartHeaders(this.#headers.subarray(0, this.#headersLength));
    emit({ kind: "part", headers });
    this.#state = "data";
  }

  /** Whether the last of the header bytes are an empty line. */
  #endsInEmptyLine(): boolean {
    let at = this.#headersLength - 2;
    if (this.#headers[at] === CARRIAGE_RETURN) at--;
    return at < 0 || this.#headers[at] === LINE_FEED;
  }
}

const CARRIAGE_RETURN = 0x0d;
const LINE_FEED = 0x0a;
