import type { Timer, Timers } from "../env/index.ts";

export interface Task {
  readonly name: string;
  readonly intervalMillis: number;
  /** One bounded turn. */
  readonly run: () => Promise<void>;
}

/** Background work: each task runs in turns, never two at once, with a pause between them. A failed turn is reported and tried again. */
export class Tasks {
  readonly #timers: Timers;
  readonly #onError: (task: string, error: Error) => void;
  readonly #waiting = new Map<Task, Timer>();
  readonly #running = new Map<Task, Promise<void>>();
  #closed = false;

  constructor(timers: Timers, onError: (task: string, error: Error) => void) {
    this.#timers = timers;
    this.#onError = onError;
  }

  start(task: Task): void {
    this.#plan(task);
  }

  /** Starts no further turn and waits for those that run. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#waiting.values()) timer.cancel();
    this.#waiting.clear();
    await Promise.all(this.#running.values());
  }

  #plan(task: Task): void {
    if (this.#closed) return;
    const timer = this.#timers.after(task.intervalMillis, () => {
      this.#waiting.delete(task);
      this.#running.set(task, this.#turn(task));
    });
    this.#waiting.set(task, timer);
  }

  async #turn(task: Task): Promise<void> {
    try {
      await task.run();
    } catch (error) {
      if (!this.#closed) this.#onError(task.name, error as Error);
    }
    this.#running.delete(task);
    this.#plan(task);
  }
}
