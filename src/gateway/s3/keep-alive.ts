import { XML_DECLARATION } from "../../codec/xml/index.ts";
import type { Timers } from "../../env/index.ts";
import { assert } from "../../std/assert.ts";
import { utf8 } from "../../std/bytes.ts";
import type { ByteSource } from "../../std/source.ts";
import type { S3Reply } from "./request.ts";
import { XML_TYPE } from "./xml.ts";

// A copy or a completion may take longer than clients and proxies wait for an answer. As in S3, its answer then begins
// before the outcome is known: status 200 and the XML declaration, white space as long as the work goes on, the
// document in the end. Which may be that of an error: the status is out by then. So are the headers, and a version id
// that would have been among them is not told.

/** How long the outcome is waited for in silence, before the answer and between two spaces of it. */
const SILENCE_MILLIS = 5000;

const DECLARATION = utf8(XML_DECLARATION);
const SPACE = utf8(" ");

/** The work's answer, or one that has begun by the time and says where the rest of it comes from. */
export async function begunInTime(timers: Timers, work: Promise<S3Reply>): Promise<S3Reply> {
  const isLate = await new Promise<boolean>((resolve) => {
    const timer = timers.after(SILENCE_MILLIS, () => resolve(true));
    const settled = (): void => {
      timer.cancel();
      resolve(false);
    };
    work.then(settled, settled);
  });
  return isLate ? { status: 200, headers: ["Content-Type", XML_TYPE], rest: work } : work;
}

/** The body of an answer that has begun. The document is complete in itself and comes without fail. */
export class KeepAliveBody implements ByteSource {
  readonly #timers: Timers;
  #hasBegun = false;
  #document: Uint8Array | undefined;
  #isOver = false;
  #wake: (() => void) | undefined;
  /** Given out so far. */
  bytesRead = 0;

  constructor(timers: Timers, document: Promise<Uint8Array>) {
    this.#timers = timers;
    void document.then((bytes) => {
      this.#document = bytes;
      this.#wake?.();
    });
  }

  async read(): Promise<Uint8Array | null> {
    const chunk = await this.#next();
    this.bytesRead += chunk?.length ?? 0;
    return chunk;
  }

  cancel(): void {
    this.#isOver = true;
    this.#wake?.();
  }

  async #next(): Promise<Uint8Array | null> {
    if (!this.#hasBegun && !this.#isOver) {
      this.#hasBegun = true;
      return DECLARATION;
    }
    if (this.#document === undefined && !this.#isOver) await this.#silence();
    if (this.#isOver) return null;
    if (this.#document === undefined) return SPACE;
    this.#isOver = true;
    return withoutDeclaration(this.#document);
  }

  #silence(): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#timers.after(SILENCE_MILLIS, resolve);
      this.#wake = () => {
        timer.cancel();
        resolve();
      };
    });
  }
}

/** The declaration is sent already: nothing may stand in front of it, not even white space. */
function withoutDeclaration(document: Uint8Array): Uint8Array {
  const isDeclared = DECLARATION.every((byte, at) => document[at] === byte);
  assert(isDeclared, "a document begins with the declaration");
  return document.subarray(DECLARATION.length);
}
