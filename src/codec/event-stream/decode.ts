// Takes a text/event-stream apart as it comes, in pieces of any size. An event counts once the empty line behind it is
// here: one that is cut off at the end of a stream is never given out, so a client that comes back with the last id
// that it saw misses nothing and sees nothing twice.

import type { StreamEvent } from "./event.ts";

export interface EventStreamLimits {
  /** Characters of one event; `push` throws the result of `tooLong` beyond it. */
  readonly eventCharactersMax: number;
  readonly tooLong: () => Error;
}

export class EventStreamDecoder {
  readonly #limits: EventStreamLimits;
  /** Drops a byte order mark at the start, as it should. */
  readonly #text = new TextDecoder();
  /** Of the line that has not ended yet. */
  #pieces: string[] = [];
  #afterReturn = false;
  #characters = 0;
  #type = "";
  #data: string[] = [];
  #id: string | undefined;

  constructor(limits: EventStreamLimits) {
    this.#limits = limits;
  }

  /** The events that end in this chunk. */
  push(chunk: Uint8Array): StreamEvent[] {
    const events: StreamEvent[] = [];
    const text = this.#text.decode(chunk, { stream: true });
    // A line feed right behind a carriage return ends the same line.
    let from = this.#afterReturn && text.startsWith("\n") ? 1 : 0;
    if (text !== "") this.#afterReturn = text.endsWith("\r");
    for (const { index } of text.matchAll(LINE_BREAK)) {
      if (index < from) continue;
      this.#line(this.#lineOf(text.slice(from, index)), events);
      from = index + (text.startsWith("\r\n", index) ? 2 : 1);
    }
    if (from < text.length) {
      this.#count(text.length - from);
      this.#pieces.push(text.slice(from));
    }
    return events;
  }

  #lineOf(end: string): string {
    this.#count(end.length);
    if (this.#pieces.length === 0) return end;
    const line = this.#pieces.join("") + end;
    this.#pieces = [];
    return line;
  }

  #count(characters: number): void {
    this.#characters += characters;
    if (this.#characters > this.#limits.eventCharactersMax) throw this.#limits.tooLong();
  }

  #line(line: string, events: StreamEvent[]): void {
    if (line === "") this.#end(events);
    else if (!line.startsWith(":")) {
      const colon = line.indexOf(":");
      const name = colon === -1 ? line : line.slice(0, colon);
      const value = colon === -1 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
      if (name === "data") this.#data.push(value);
      else if (name === "event") this.#type = value;
      else if (name === "id" && !value.includes("\0")) this.#id = value;
    }
  }

  #end(events: StreamEvent[]): void {
    if (this.#data.length > 0) {
      events.push({ type: this.#type || "message", data: this.#data.join("\n"), id: this.#id });
    }
    this.#data = [];
    this.#type = "";
    this.#characters = 0;
  }
}

const LINE_BREAK = /[\r\n]/g;
