import type { Clock } from "../env/index.ts";
import { type Row, type RowKey, TABLES } from "../store/index.ts";
import { type CertainCommit, commitCertainly } from "./certain-commit.ts";
import { EXAMINED_MAX, type Examiner, type MarkedCandidate } from "./examiner.ts";
import type { FileCache } from "./file-cache.ts";
import { locate } from "./locator.ts";
import { decodeMark, encodeMark, type Mark, type NeedleName, needleOfSuffix } from "./needle-rows.ts";
import type { BlobOptions } from "./options.ts";
import type { Registry, Volume } from "./registry.ts";
import { volumeAddress } from "./volume-row.ts";

const PAGE_ROWS = 500;

export interface MarksPassContext extends CertainCommit {
  readonly clock: Clock;
  readonly registry: Registry;
  readonly files: FileCache;
  readonly examiner: Examiner;
  readonly options: BlobOptions;
  readonly run: number;
}

/**
 * Goes through all marks: after a start to count the garbage again and to judge what was left pending, later to remove
 * the marks of needles that compaction has dropped so long ago that nobody can still be about to refer to them.
 */
export class MarksPass {
  readonly #context: MarksPassContext;
  #after: RowKey | undefined;
  #isRunning = false;
  /** A pass counts the marks of those that were not counted before it began, from beginning to end. */
  #counting: ReadonlyMap<Volume, Volume["garbageSince"]> = new Map();
  /** When the next pass begins, by the monotonic clock. */
  #dueMillis: number;

  constructor(context: MarksPassContext) {
    this.#context = context;
    this.#dueMillis = context.clock.monotonic();
  }

  /** True once the garbage of all volumes is known again. */
  get counted(): boolean {
    const { registry } = this.#context;
    return registry.all().every((volume) => volume.garbageCounted || !registry.owns(volume));
  }

  /** Asks for a pass that begins after so many milliseconds at the latest. */
  request(delayMillis: number): void {
    this.#dueMillis = Math.min(this.#dueMillis, this.#context.clock.monotonic() + delayMillis);
  }

  async turn(): Promise<void> {
    const { clock, store, options } = this.#context;
    if (!this.#isRunning) {
      if (clock.monotonic() < this.#dueMillis) return;
      this.#isRunning = true;
      this.#after = undefined;
      const uncounted = this.#context.registry.all().filter(({ garbageCounted }) => !garbageCounted);
      this.#counting = new Map(uncounted.map((volume) => [volume, volume.garbageSince]));
      this.#dueMillis = clock.monotonic() + Math.max(options.referenceMillisMax, options.collectIntervalMillis);
    }
    for (let left = options.collectTurnNeedles; left > 0; left -= PAGE_ROWS) {
      const range = this.#after === undefined ? {} : { after: this.#after };
      const page = await store.scan(TABLES.dead, range, { limit: PAGE_ROWS });
      await this.#look(page.rows);
      this.#after = page.rows.at(-1);
      if (page.more && this.#after !== undefined) continue;
      this.#isRunning = false;
      for (const volume of this.#counting.keys()) if (this.#isCounting(volume)) volume.garbageCounted = true;
      return;
    }
  }

  async #look(rows: readonly Row[]): Promise<void> {
    let pending: MarkedCandidate[] = [];
    for (const row of rows) {
      const name = needleOfSuffix(row.suffix);
      if (name === undefined) continue;
      const mark = decodeMark(row.value);
      const volume = this.#context.registry.get(name.volume);
      // Its own node looks after it.
      if (volume !== undefined && !this.#context.registry.owns(volume)) continue;
      if (volume?.held) this.request(this.#context.options.collectIntervalMillis);
      else if (mark.state === "garbage" || volume === undefined) await this.#lookAtGarbage(row, name, mark, volume);
      else pending.push({ owner: row.key, name, slotBytes: mark.slotBytes, markRevision: row.revision });
      if (pending.length < EXAMINED_MAX) continue;
      await this.#context.examiner.reexamine(pending);
      pending = [];
    }
    if (pending.length > 0) await this.#context.examiner.reexamine(pending);
  }

  /** Not where the count has begun anew meanwhile. */
  #isCounting(volume: Volume): boolean {
    return this.#counting.get(volume) === volume.garbageSince;
  }

  async #lookAtGarbage(row: Row, name: NeedleName, mark: Mark, volume: Volume | undefined): Promise<void> {
    const { clock, registry, files, store, options, run } = this.#context;
    if (volume !== undefined && volume.row.state !== "removed") {
      // In generation 1 all is where it was, but for what recovery covered: that is counted as a gap and has no bytes
      // here.
      const isSure = volume.row.generation === 1 && mark.slotBytes > 0;
      const isThere = isSure || (await locate(files, volume, name.needle)) !== "absent";
      const isEarlier = mark.run !== run || mark.sequence < volume.garbageSince.sequence;
      const isNew = this.#isCounting(volume) && !volume.garbageCounted && isEarlier;
      if (isThere && isNew) volume.garbageBytes += mark.slotBytes;
      if (isThere || registry.get(name.volume)?.held) return;
    }
    // A volume that this node does not know may be another node's.
    if (volume === undefined && (await store.get(volumeAddress(name.volume))).row !== undefined) return;
    // Nothing named the needle when the mark was set: a reference on its way was read before.
    const ageMillis = clock.now() - mark.timeMillis;
    if (ageMillis < options.referenceMillisMax) this.request(options.referenceMillisMax - Math.max(0, ageMillis));
    if (ageMillis >= 0 && ageMillis < options.referenceMillisMax) return;
    const { table, key, suffix, revision } = row;
    const address = { table, key, suffix };
    const checks = [{ ...address, revision }];
    if (ageMillis >= 0) await commitCertainly(this.#context, { checks, deletes: [address] }, { address });
    else {
      // The clock was ahead when it was set: its time begins now.
      const value = encodeMark({ ...mark, timeMillis: Math.max(0, Math.floor(clock.now())) });
      await commitCertainly(this.#context, { checks, puts: [{ ...address, value }] }, { address, value });
    }
  }
}
