import { FrameWriter } from "./frame.ts";

interface Line {
  readonly writer: FrameWriter;
  number: number;
  isBegun: boolean;
  /** Something was sent since the last beat. */
  isBusy: boolean;
}

/** What a turn sends, by node: all groups' parts for one node leave in one frame. */
export class Outbox {
  readonly #life: number;
  readonly #frameBytes: number;
  readonly #send: (to: number, frame: Uint8Array) => void;
  readonly #lines = new Map<number, Line>();

  constructor(life: number, frameBytes: number, send: (to: number, frame: Uint8Array) => void) {
    this.#life = life;
    this.#frameBytes = frameBytes;
    this.#send = send;
  }

  /** Where the next part for the node is written. */
  to(node: number): FrameWriter {
    let line = this.#lines.get(node);
    if (line === undefined) {
      line = { writer: new FrameWriter(), number: 0, isBegun: false, isBusy: false };
      this.#lines.set(node, line);
    }
    if (line.isBegun && line.writer.bytes > this.#frameBytes) this.#sendLine(node, line);
    if (!line.isBegun) {
      line.writer.begin(this.#life, ++line.number);
      line.isBegun = true;
    }
    return line.writer;
  }

  flush(): void {
    for (const [node, line] of this.#lines) if (line.isBegun && !line.writer.isEmpty) this.#sendLine(node, line);
  }

  /** A frame without parts to those that nothing was sent to for a while: it says that this node lives. */
  beat(): void {
    for (const [node, line] of this.#lines) {
      if (!line.isBusy && line.isBegun) this.#sendLine(node, line);
      line.isBusy = false;
    }
  }

  #sendLine(node: number, line: Line): void {
    line.isBegun = false;
    line.isBusy = true;
    this.#send(node, line.writer.finish());
  }
}
