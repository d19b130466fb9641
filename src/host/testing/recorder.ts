import assert from "node:assert/strict";
import { text, utf8 } from "../../std/bytes.ts";
import { type ByteSource, collect, sourceOf } from "../../std/source.ts";
import type { Capture, Entry, StateMachine } from "../state-machine.ts";

/** Remembers commands; its result is how many it had seen before. */
export class Recorder implements StateMachine<number> {
  appliedIndex = 0;
  applies = 0;
  restores = 0;
  commands: string[] = [];
  fail: Error | undefined;

  apply(entries: readonly Entry[]): number[][] {
    if (this.fail !== undefined) throw this.fail;
    this.applies++;
    return entries.map((entry) => {
      assert.equal(entry.index, this.appliedIndex + 1);
      this.appliedIndex = entry.index;
      return entry.commands.map((command) => this.commands.push(text(command)) - 1);
    });
  }

  capture(): Capture {
    const bytes = utf8(JSON.stringify(this.commands));
    return { read: () => sourceOf(bytes), close: () => {} };
  }

  async restore(source: ByteSource, index: number): Promise<void> {
    const bytes = await collect(source, 64 * 1024 * 1024);
    this.commands = JSON.parse(text(bytes!));
    this.appliedIndex = index;
    this.restores++;
  }
}
