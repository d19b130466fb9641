import type { BlobRef, NeedleName } from "../index.ts";
import { lengthOf } from "./world.ts";

export class Violation extends Error {
  override readonly name = "Violation";
}

/** What was appended, by the needle that holds it. */
export class Contents {
  readonly #bytes = new Map<string, Uint8Array>();

  /** The needles of one body, which was appended as these bytes. */
  remember(refs: readonly BlobRef[], bytes: Uint8Array): void {
    let at = 0;
    for (const ref of refs) {
      const name = nameOf(ref);
      if (this.#bytes.has(name)) throw new Violation(`the needle ${name} was given out twice`);
      this.#bytes.set(name, bytes.subarray(at, at + ref.length));
      at += ref.length;
    }
  }

  of(refs: readonly BlobRef[]): Uint8Array {
    const whole = new Uint8Array(lengthOf(refs));
    let at = 0;
    for (const ref of refs) {
      const content = this.#bytes.get(nameOf(ref));
      if (content === undefined) throw new Violation("a row names what was never appended");
      whole.set(content, at);
      at += ref.length;
    }
    return whole;
  }
}

export function nameOf({ volume, needle }: NeedleName): string {
  return `${volume}:${needle}`;
}
