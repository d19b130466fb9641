import type { ByteSource } from "../std/source.ts";
import type { HostedGroup } from "./hosted-group.ts";
import type { Entry, StateMachine } from "./state-machine.ts";

/** What a witness has in place of a state machine: it knows how far the group is, and nothing else. */
export class WitnessMachine implements StateMachine<unknown> {
  /** The log's own marks say where it is. */
  readonly isDurable = true;
  appliedIndex: number;

  constructor(appliedIndex: number) {
    this.appliedIndex = appliedIndex;
  }

  apply(entries: readonly Entry[]): readonly (readonly unknown[])[] {
    return entries.map(({ index, commands }) => {
      this.appliedIndex = index;
      return commands.map(() => undefined);
    });
  }

  async restore(source: ByteSource, index: number): Promise<void> {
    source.cancel();
    this.appliedIndex = index;
  }
}

/** A witness needs nothing of what is applied: its log is given up once it is longer than this. */
export function trimLog(group: HostedGroup<unknown>, machine: WitnessMachine, logBytesMax: number): void {
  let trimming = false;
  group.observe({
    applied() {
      if (trimming || group.logBytesSinceCompaction <= logBytesMax) return;
      trimming = true;
      // A log that fails stops the member by itself; one that is full is trimmed later.
      const done = (): void => void (trimming = false);
      group.compact(machine.appliedIndex).then(done, done);
    },
  });
}
