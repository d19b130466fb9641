import { EMPTY, text, utf8 } from "../../std/bytes.ts";
import { MalformedBytes } from "../../std/reader.ts";

/** How a machine's results are kept for whoever asks a second time. The same result has the same bytes on every member. */
export interface ResultCodec<Result> {
  encode(result: Result): Uint8Array;
  decode(bytes: Uint8Array): Result;
}

const UNDEFINED = 0;
const BYTES = 1;
const JSON_TEXT = 2;

/** For results that are bytes, nothing at all, or what JSON can say. */
export const PLAIN_RESULTS: ResultCodec<unknown> = {
  encode(result) {
    if (result === undefined) return EMPTY;
    if (result instanceof Uint8Array) return tagged(BYTES, result);
    return tagged(JSON_TEXT, utf8(JSON.stringify(result)));
  },
  decode(bytes) {
    switch (bytes[0] ?? UNDEFINED) {
      case UNDEFINED:
        return undefined;
      case BYTES:
        return bytes.slice(1);
      case JSON_TEXT:
        return JSON.parse(text(bytes.subarray(1)));
      default:
        throw new MalformedBytes("an unknown kind of result");
    }
  },
};

function tagged(tag: number, bytes: Uint8Array): Uint8Array {
  const out = new Uint8Array(1 + bytes.length);
  out[0] = tag;
  out.set(bytes, 1);
  return out;
}
