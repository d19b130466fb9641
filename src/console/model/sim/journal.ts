// What has happened, in sentences; the oldest ones are forgotten.

export type Weight = "plain" | "notable" | "bad";

export interface JournalLine {
  readonly sequence: number;
  readonly millis: number;
  readonly text: string;
  readonly weight: Weight;
}

export const JOURNAL_LINES_MAX = 200;

export class Journal {
  #lines: JournalLine[] = [];
  #written = 0;
  #newestNotable: JournalLine | undefined;

  /** The newest last. */
  get lines(): readonly JournalLine[] {
    return this.#lines;
  }

  get newestNotable(): JournalLine | undefined {
    return this.#newestNotable;
  }

  write(millis: number, text: string, weight: Weight = "plain"): void {
    const line = { sequence: ++this.#written, millis, text, weight };
    // Readers may hold the list: it is replaced when it is cut, not changed under them.
    if (this.#lines.length >= JOURNAL_LINES_MAX * 2) this.#lines = this.#lines.slice(-JOURNAL_LINES_MAX);
    this.#lines.push(line);
    if (weight !== "plain") this.#newestNotable = line;
  }
}
