// What a client of a node says, pipelined, and what it hears, in the order of its requests:
//
//     request: length (4) | operation (1) | group (2) | rest      length counts what follows it
//         put: key length (1) | key | value        get: key        led: nothing
//     answer:  length (4) | status (1) | rest
//         to get: the value                         to led: ids of groups that the node leads, 2 bytes each

export const LENGTH_BYTES = 4;
export const REQUEST_HEAD_BYTES = 7;
export const REQUEST_BYTES_MAX: number = 1024 * 1024;

export const PUT = 1;
export const GET = 2;
export const LED = 3;

export const DONE = 0;
export const ABSENT = 1;
export const REFUSED = 2;

/** An answer without a rest. */
export function shortAnswer(status: number): Uint8Array {
  return answer(status, []);
}

export function answer(status: number, rest: readonly Uint8Array[]): Uint8Array {
  const length = rest.reduce((sum, part) => sum + part.length, 1);
  const head = Buffer.alloc(LENGTH_BYTES + 1);
  head.writeUInt32BE(length);
  head[LENGTH_BYTES] = status;
  return Buffer.concat([head, ...rest]);
}

/** Into `target` at `at`; returns where it ends. The key is eight bytes: `high` and `low`. */
export function writePut(
  target: Buffer,
  at: number,
  put: { readonly group: number; readonly high: number; readonly low: number; readonly value: Uint8Array },
): number {
  target.writeUInt32BE(REQUEST_HEAD_BYTES - LENGTH_BYTES + 9 + put.value.length, at);
  target[at + 4] = PUT;
  target.writeUInt16BE(put.group, at + 5);
  target[at + 7] = 8;
  target.writeUInt32BE(put.high, at + 8);
  target.writeUInt32BE(put.low, at + 12);
  target.set(put.value, at + 16);
  return at + 16 + put.value.length;
}

/** Of a key that `writePut` has written. */
export function requestGet(group: number, high: number, low: number): Uint8Array {
  const bytes = Buffer.alloc(REQUEST_HEAD_BYTES + 8);
  bytes.writeUInt32BE(bytes.length - LENGTH_BYTES);
  bytes[4] = GET;
  bytes.writeUInt16BE(group, 5);
  bytes.writeUInt32BE(high, 7);
  bytes.writeUInt32BE(low, 11);
  return bytes;
}

export function requestLed(): Uint8Array {
  return Uint8Array.of(0, 0, 0, 3, LED, 0, 0);
}

/** Cuts a stream into what stands behind each length; keeps what is not whole yet. */
export class Cutter {
  #rest: Buffer = Buffer.alloc(0);

  /** The parts stay valid; the first byte of each is the operation or status. Throws where a length is over the limit. */
  *cut(chunk: Buffer): Generator<Buffer> {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    while (bytes.length - at >= LENGTH_BYTES) {
      const length = bytes.readUInt32BE(at);
      if (length === 0 || length > REQUEST_BYTES_MAX) throw new Error(`a message of ${length} bytes`);
      const end = at + LENGTH_BYTES + length;
      if (end > bytes.length) break;
      yield bytes.subarray(at + LENGTH_BYTES, end);
      at = end;
    }
    this.#rest = bytes.subarray(at);
  }
}
