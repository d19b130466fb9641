import { equalBytes, text, utf8 } from "../../std/bytes.ts";
import { Prng } from "../../std/prng.ts";
import { invariant } from "../kernel/index.ts";

export interface Body {
  /** By which histories know it. */
  readonly id: string;
  readonly bytes: Uint8Array;
}

/** What is put, each body once: what comes back tells which it is, and that not a byte of it is another. */
export class Bodies {
  readonly #prng: Prng;
  readonly #bytesMax: number;
  readonly #byId = new Map<string, Body>();
  /** By key and length: of one key no two have the same, so that a listing tells them apart. */
  readonly #byLength = new Map<string, Body>();

  constructor(prng: Prng, bytesMax: number) {
    this.#prng = prng;
    this.#bytesMax = bytesMax;
  }

  make(key: string): Body {
    const id = `v${this.#byId.size + 1}`;
    const name = utf8(`${id} `);
    let length = 0;
    do length = name.length + this.#prng.below(this.#bytesMax - name.length + 1);
    while (this.#byLength.has(`${key} ${length}`));
    const bytes = new Uint8Array(length);
    bytes.set(name);
    bytes.set(new Prng(this.#byId.size + 1).bytes(length - name.length), name.length);
    const body = { id, bytes };
    this.#byId.set(id, body);
    this.#byLength.set(`${key} ${length}`, body);
    return body;
  }

  /** Of bytes that were read. */
  idOf(key: string, bytes: Uint8Array): string {
    const id = text(bytes.subarray(0, Math.max(0, bytes.indexOf(0x20))));
    const body = this.#byId.get(id);
    const isWhole = body !== undefined && equalBytes(body.bytes, bytes);
    invariant(isWhole, "an object has other bytes than were put", () => `${key}: ${bytes.length} bytes, of ${id}`);
    return id;
  }

  /** Of an object that was listed. */
  idOfLength(key: string, length: number): string {
    const body = this.#byLength.get(`${key} ${length}`);
    invariant(body !== undefined, "a listing tells of an object that nobody put", () => `${key}: ${length} bytes`);
    return body.id;
  }
}
