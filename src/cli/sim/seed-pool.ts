import { once } from "node:events";
import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import type { SeedSummary, SeedTask } from "./seed-summary.ts";

/** Threads that play seeds. Each takes one at a time: seeds differ in how long they take. */
export class SeedPool implements AsyncDisposable {
  readonly #workers: readonly Worker[];
  readonly #idle: Worker[];
  readonly #waiting: ((worker: Worker) => void)[] = [];

  constructor(threads: number) {
    this.#workers = Array.from({ length: threads }, startWorker);
    this.#idle = [...this.#workers];
  }

  /** Resolves once a thread is free to take the task, with the promise of its summary. */
  async start(task: SeedTask): Promise<{ readonly summary: Promise<SeedSummary> }> {
    const worker = this.#idle.pop() ?? (await new Promise<Worker>((resolve) => this.#waiting.push(resolve)));
    return { summary: this.#play(worker, task) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }

  async #play(worker: Worker, task: SeedTask): Promise<SeedSummary> {
    worker.postMessage(task);
    // Rejects where the thread ends with an error: then the whole sweep does.
    const [summary] = await once(worker, "message");
    const next = this.#waiting.shift();
    if (next === undefined) this.#idle.push(worker);
    else next(worker);
    return summary;
  }
}

/** The name ends as this file's own: `.ts` in a clone, `.js` where it was built. */
function startWorker(): Worker {
  return new Worker(new URL(`./seed-worker${extname(import.meta.filename)}`, import.meta.url));
}
