import type { GroupIndex, HardState, Log, LogRecord } from "../../log/index.ts";
import { logFailure } from "../../log/index.ts";

interface Pending {
  readonly records: readonly LogRecord[];
  readonly done: (error?: Error) => void;
}

/** A log of one group that writes when a test says so. */
export class ManualLog {
  readonly recordBytesMax: number;
  readonly pending: Pending[] = [];
  readonly written: LogRecord[] = [];
  lastIndex = 0;
  hardState: HardState | undefined;

  constructor(recordBytesMax = 1000) {
    this.recordBytesMax = recordBytesMax;
  }

  /** As those who use a log see it. */
  get log(): Log {
    return this as unknown as Log;
  }

  group(): GroupIndex {
    return this as unknown as GroupIndex;
  }

  append(records: readonly LogRecord[], done: (error?: Error) => void): void {
    this.pending.push({ records, done });
  }

  /** The oldest append on its way becomes durable. */
  land(): void {
    const { records, done } = this.pending.shift()!;
    for (const record of records) {
      this.written.push(record);
      if (record.kind === "entries") this.lastIndex = record.firstIndex + record.entries.length - 1;
      if (record.kind === "truncateSuffix") this.lastIndex = Math.min(this.lastIndex, record.fromIndex - 1);
      if (record.kind === "compaction") this.lastIndex = Math.max(this.lastIndex, record.index);
      if (record.kind === "hardState") this.hardState = record;
    }
    done();
  }

  /** There is no space for anything that is on its way. */
  refuse(): void {
    for (const { done } of this.pending.splice(0)) done(logFailure("LOG_FULL"));
  }

  fail(): void {
    for (const { done } of this.pending.splice(0)) done(logFailure("LOG_FAILED"));
  }

  /** What became durable, told shortly. */
  get story(): readonly string[] {
    return this.written.map((record) => {
      if (record.kind === "entries")
        return `entries ${record.firstIndex}-${record.firstIndex + record.entries.length - 1} of ${record.term}`;
      if (record.kind === "truncateSuffix") return `truncate ${record.fromIndex}`;
      if (record.kind === "hardState") return `term ${record.term} vote ${record.vote} commit ${record.commit}`;
      if (record.kind === "compaction") return `compaction ${record.index}`;
      return record.kind;
    });
  }
}
