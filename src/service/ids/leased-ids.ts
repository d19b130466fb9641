import type { Env } from "../../env/index.ts";
import { toHex } from "../../std/bytes.ts";
import { checkCount, checkName } from "./change.ts";
import { idsFailure } from "./errors.ts";
import { builtIn, type DefineGenerator, isSameLayout, recordOf } from "./generators.ts";
import { LeasedGenerator, takeInto } from "./leased-generator.ts";
import { IdsMeter } from "./meter.ts";
import { OutsideWorkers } from "./outside-workers.ts";
import { NO_IDS_BUGS } from "./seeded-bugs.ts";
import type { WorkerLease } from "./worker-ids.ts";
import type { WorkerSource } from "./worker-source.ts";

export interface LeasedIdsParts {
  readonly workers: WorkerSource;
  /** Ends when nothing is asked of it any more. */
  readonly connection?: AsyncDisposable | undefined;
  readonly env: Pick<Env, "clock" | "timers" | "random">;
  /** Who this is: it prefers the worker number that it had before. Two that have one name do not harm each other. */
  readonly node: string;
  /** Whoever shares the source makes different ids under one name, and has to define it alike. */
  readonly generator: string;
  readonly define: DefineGenerator;
}

/** One generator of a program that leases its worker numbers itself: without a server, by the same rules as in one. */
export class LeasedIds implements AsyncDisposable {
  readonly #generator: LeasedGenerator;
  readonly #connection: AsyncDisposable | undefined;

  /** Throws NAME_INVALID, GENERATOR_INVALID, LAYOUT_INVALID, and GENERATOR_FIXED where the name is a known layout's and this is another. */
  constructor({ workers, connection, env, node, generator, define }: LeasedIdsParts) {
    const { clock, timers, random } = env;
    checkName(generator);
    const record = recordOf(generator, define);
    const known = builtIn(generator);
    if (known !== undefined && !isSameLayout(known.layout, record.layout)) {
      throw idsFailure("GENERATOR_FIXED", {
        what: `The generator ${generator} has the known layout of this name, and this is another one.`,
        advice: "Take another name for it: ids of two layouts could be equal.",
        data: { generator },
      });
    }
    const holder = { holder: toHex(random.bytes(16)), node };
    const meter = new IdsMeter(clock, () => {});
    const parts = { workers: new OutsideWorkers(workers), clock, timers, random, holder, meter, bugs: NO_IDS_BUGS };
    this.#generator = new LeasedGenerator(generator, record, parts);
    this.#connection = connection;
  }

  /** The worker number, and up to when its time is reserved; undefined before the first id. */
  get lease(): WorkerLease | undefined {
    return this.#generator.lease;
  }

  /**
   * Greater than all that this object has made before. Rejects with WORKERS_EXHAUSTED, IDS_OVERLOADED, IDS_CLOSED, with the
   * errors of generators where time does not allow it (UNIT_FULL, CLOCK_BEHIND, TIME_EXHAUSTED, CLOCK_BEFORE_EPOCH), with
   * WORKER_SOURCE_UNAVAILABLE, and with the source's own errors.
   */
  async next(): Promise<bigint> {
    const [id] = await this.nextMany(1);
    return id!;
  }

  /** So many, ascending; as `next`, and COUNT_INVALID beyond 100,000. */
  async nextMany(count: number): Promise<bigint[]> {
    checkCount(count);
    const ids: bigint[] = [];
    await this.#generator.gather(count, takeInto(ids));
    return ids;
  }

  /** Nothing is made any more. The number is given back, so that the next holder need not wait for its window to end. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#generator.close();
    await this.#connection?.[Symbol.asyncDispose]();
  }
}
