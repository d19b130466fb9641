import type { Timer, Timers } from "../env/index.ts";

export interface Task {
  readonly name: string;
  readonly intervalMillis: number;
  /** One bounded turn. */
  readonly run: () => Promise<void>;
}

interface Entry {
  readonly task: Task;
  timer: Timer | undefined;
  running: Promise<void> | undefined;
}

/**
 * Background work: each task runs in turns, never two at once, with a pause between them. A failed turn is reported and
 * tried again.
 */
export class Tasks {
  readonly #timers: Timers;
  readonly #onError: (task: string, error: Error) => void;
  readonly #entries = new Map<string, Entry>();
  #closed = false;

  constructor(timers: Timers, onError: (task: string, error: Error) => void) {
    this.#timers = timers;
    this.#onError = onError;
  }

  start(task: Task): void {
    const entry: Entry = { task, timer: undefined, running: undefined };
    this.#entries.set(task.name, entry);
    this.#plan(entry);
  }

  /** A turn of every task that begins now, one behind the other. Rejects with the first failure. */
  async turnAll(): Promise<void> {
    for (const entry of this.#entries.values()) {
      while (entry.running !== undefined) await entry.running;
      if (this.#closed) return;
      entry.timer?.cancel();
      let failure: { readonly error: unknown } | undefined;
      await this.#turn(entry, (error) => {
        failure = { error };
      });
      if (failure !== undefined) throw failure.error;
    }
  }

  /** Starts no further turn and waits for those that run. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { timer } of this.#entries.values()) timer?.cancel();
    await Promise.all([...this.#entries.values()].map(({ running }) => running));
  }

  #plan(entry: Entry): void {
    if (this.#closed) return;
    entry.timer = this.#timers.after(entry.task.intervalMillis, () => {
      void this.#turn(entry, (error) => this.#onError(entry.task.name, error));
    });
  }

  #turn(entry: Entry, onError: (error: Error) => void): Promise<void> {
    entry.running = entry.task
      .run()
      .catch(onError)
      .then(() => {
        entry.running = undefined;
        this.#plan(entry);
      });
    return entry.running;
  }
}
