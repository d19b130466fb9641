import type { Capture, Entry, StateMachine } from "../../../src/host/index.ts";
import { collect, sourceOf } from "../../../src/std/source.ts";

/** Knows how many commands it has seen, and how many bytes. */
export class Counter implements StateMachine<number> {
  appliedIndex = 0;
  commands = 0;
  bytes = 0;

  apply(entries: readonly Entry[]): number[][] {
    return entries.map((entry) => {
      this.appliedIndex = entry.index;
      return entry.commands.map((command) => {
        this.bytes += command.length;
        return ++this.commands;
      });
    });
  }

  capture(): Capture {
    const state = new Uint8Array(new Float64Array([this.commands, this.bytes]).buffer);
    return { read: () => sourceOf(state), close: () => {} };
  }

  async restore(source: Parameters<typeof collect>[0], index: number): Promise<void> {
    const state = await collect(source, 16);
    const { buffer } = Uint8Array.from(state!);
    [this.commands, this.bytes] = new Float64Array(buffer) as unknown as [number, number];
    this.appliedIndex = index;
  }
}
