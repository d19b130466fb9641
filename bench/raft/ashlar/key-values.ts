import type { Capture, Entry, StateMachine } from "../../../src/host/index.ts";
import { concatBytes } from "../../../src/std/bytes.ts";
import { type ByteSource, chunksOf, sourceFrom } from "../../../src/std/source.ts";

/**
 * Values under keys, in memory. A command is what a client has sent as a put (wire.ts):
 *
 *     key length (1) | key | value
 */
export class KeyValues implements StateMachine<undefined> {
  appliedIndex = 0;
  #values = new Map<string, Uint8Array>();

  get(key: string): Uint8Array | undefined {
    return this.#values.get(key);
  }

  apply(entries: readonly Entry[]): undefined[][] {
    return entries.map((entry) => {
      this.appliedIndex = entry.index;
      for (const command of entry.commands) this.#put(command);
      return new Array(entry.commands.length).fill(undefined);
    });
  }

  /** Values are never changed in place, so that a copy of the map is a frozen state. */
  capture(): Capture {
    const frozen = [...this.#values];
    async function* rows(): AsyncGenerator<Uint8Array> {
      for (const [key, value] of frozen) {
        const command = concatBytes([Uint8Array.of(key.length), Buffer.from(key, "latin1"), value]);
        const head = new Uint8Array(4);
        new DataView(head.buffer).setUint32(0, command.length);
        yield concatBytes([head, command]);
      }
    }
    return { read: () => sourceFrom(rows()), close: () => {} };
  }

  async restore(source: ByteSource, index: number): Promise<void> {
    this.#values = new Map();
    let rest: Uint8Array = new Uint8Array(0);
    for await (const chunk of chunksOf(source)) {
      rest = concatBytes([rest, chunk]);
      let at = 0;
      while (rest.length - at >= 4) {
        const end = at + 4 + new DataView(rest.buffer, rest.byteOffset + at).getUint32(0);
        if (end > rest.length) break;
        this.#put(rest.subarray(at + 4, end));
        at = end;
      }
      rest = rest.subarray(at);
    }
    this.appliedIndex = index;
  }

  #put(command: Uint8Array): void {
    const end = 1 + command[0]!;
    // A copy: the command is a part of something larger, which must not be kept.
    this.#values.set(keyOf(command), new Uint8Array(command.subarray(end)));
  }
}

/** Of a command, as a string of bytes. */
function keyOf(command: Uint8Array): string {
  return Buffer.from(command.buffer, command.byteOffset + 1, command[0]!).toString("latin1");
}
