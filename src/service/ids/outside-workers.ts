import { type AshlarError, hasCode } from "../../std/errors.ts";
import { idsFailure } from "./errors.ts";
import type { WorkerRecord } from "./records.ts";
import type { WorkerRow, WorkerSource } from "./worker-source.ts";

/** A source outside of the Store. That it does not answer is a trouble of its own: all else goes on. */
export class OutsideWorkers implements WorkerSource {
  readonly #source: WorkerSource;

  constructor(source: WorkerSource) {
    this.#source = source;
  }

  async *rows(generator: string): AsyncGenerator<WorkerRow, void, void> {
    try {
      yield* this.#source.rows(generator);
    } catch (error) {
      throw outsideFailure(error);
    }
  }

  read(generator: string, worker: number): Promise<WorkerRow | undefined> {
    return asOutsideFailure(this.#source.read(generator, worker));
  }

  write(generator: string, worker: number, revision: number, record: WorkerRecord): Promise<number | undefined> {
    return asOutsideFailure(this.#source.write(generator, worker, revision, record));
  }
}

async function asOutsideFailure<T>(result: Promise<T>): Promise<T> {
  try {
    return await result;
  } catch (error) {
    throw outsideFailure(error);
  }
}

/** Sources say as a Store would that they can not be reached; what else they say goes through. */
function outsideFailure(cause: unknown): unknown {
  if (!hasCode(cause, "NO_LEADER")) return cause;
  const { message: what, advice } = cause as AshlarError;
  return idsFailure("WORKER_SOURCE_UNAVAILABLE", { what, advice, cause });
}
