import type { Clock } from "../env/index.ts";
import { type Row, type RowKey, TABLES } from "../store/index.ts";
import { type CertainCommit, commitCertainly } from "./certain-commit.ts";
import { type Candidate, EXAMINED_MAX, type Examiner } from "./examiner.ts";
import type { FileCache } from "./file-cache.ts";
import type { InFlight } from "./in-flight.ts";
import { locate } from "./locator.ts";
import { decodeDropTime, encodeDrop, needleOfSuffix } from "./needle-rows.ts";
import type { BlobOptions } from "./options.ts";
import type { Registry } from "./registry.ts";

const PAGE_ROWS = 500;

export interface CollectorContext extends CertainCommit {
  readonly clock: Clock;
  readonly registry: Registry;
  readonly files: FileCache;
  readonly inFlight: InFlight;
  readonly examiner: Examiner;
  readonly options: BlobOptions;
}

/** Goes round the `drop` table and has the needles examined whose readers' grace is over. */
export class Collector {
  readonly #context: CollectorContext;
  #after: RowKey | undefined;

  constructor(context: CollectorContext) {
    this.#context = context;
  }

  /** True where it came to the table's end: the next turn begins anew. */
  async turn(): Promise<boolean> {
    const { store, options, health } = this.#context;
    for (let left = options.collectTurnNeedles; left > 0 && !health.stopping; ) {
      const limit = Math.min(left, PAGE_ROWS);
      const range = this.#after === undefined ? {} : { after: this.#after };
      const page = await store.scan(TABLES.drop, range, { limit });
      await this.#examine(page.rows);
      this.#after = page.more ? page.rows.at(-1) : undefined;
      if (this.#after === undefined) return true;
      left -= page.rows.length;
    }
    return false;
  }

  async #examine(rows: readonly Row[]): Promise<void> {
    let candidates: Candidate[] = [];
    for (const row of rows) {
      const candidate = await this.#candidateOf(row);
      if (candidate !== undefined) candidates.push(candidate);
      if (candidates.length < EXAMINED_MAX) continue;
      await this.#context.examiner.examine(candidates);
      candidates = [];
    }
    if (candidates.length > 0) await this.#context.examiner.examine(candidates);
  }

  /** Undefined where it is not time yet, or where there is nothing left to examine: then the row goes. */
  async #candidateOf(row: Row): Promise<Candidate | undefined> {
    const { clock, registry, files, inFlight, options } = this.#context;
    const ageMillis = clock.now() - decodeDropTime(row.value);
    if (ageMillis < 0) await this.#restamp(row);
    if (ageMillis < options.readersGraceMillis) return undefined;
    const name = needleOfSuffix(row.suffix);
    const volume = name && (registry.get(name.volume) ?? (await registry.refresh(name.volume)));
    if (name === undefined || volume === undefined || volume.row.state === "removed") {
      await this.#forget(row);
      return undefined;
    }
    // What else concerns a volume is up to one node: the one that appends to it knows what is in flight.
    if (!registry.owns(volume)) return undefined;
    if (volume.held || inFlight.has(name)) return undefined;
    const slot = await locate(files, volume, name.needle);
    if (slot === "absent") await this.#forget(row);
    // Without a header nobody knows whose it is: it stays as it is, and so does the row, until the volume is repaired.
    if (slot === "absent" || slot === "unreadable") return undefined;
    return { owner: slot.owner, name, slotBytes: slot.end - slot.position, drop: row };
  }

  /** The clock was ahead when the row was written: its time begins now. */
  async #restamp({ table, key, suffix, revision }: Row): Promise<void> {
    const value = encodeDrop(Math.max(0, Math.floor(this.#context.clock.now())));
    const address = { table, key, suffix };
    const commit = { checks: [{ ...address, revision }], puts: [{ ...address, value }] };
    await commitCertainly(this.#context, commit, { address, value });
  }

  async #forget(row: Row): Promise<void> {
    const { table, key, suffix, revision } = row;
    const address = { table, key, suffix };
    await commitCertainly(this.#context, { checks: [{ ...address, revision }], deletes: [address] }, { address });
  }
}
