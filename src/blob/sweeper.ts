import type { Clock } from "../env/index.ts";
import type { DamageEvent } from "./events.ts";
import { type Candidate, EXAMINED_MAX, type Examiner } from "./examiner.ts";
import type { FileCache, FileLease } from "./file-cache.ts";
import { UNIT_BYTES } from "./format.ts";
import type { Health } from "./health.ts";
import type { InFlight } from "./in-flight.ts";
import type { Liveness } from "./liveness.ts";
import { settledRange, startOf } from "./locator.ts";
import type { OpenVolume } from "./open-volume.ts";
import type { BlobOptions } from "./options.ts";
import type { Registry, Volume } from "./registry.ts";
import type { BlobBugs } from "./seeded-bugs.ts";
import { type NeedleSlot, type Slot, walkSlots } from "./walk.ts";

export interface SweeperContext {
  readonly clock: Clock;
  readonly health: Health;
  readonly registry: Registry;
  readonly files: FileCache;
  readonly inFlight: InFlight;
  readonly examiner: Examiner;
  readonly liveness: Liveness;
  readonly options: BlobOptions;
  readonly openVolume: (volume: number) => OpenVolume | undefined;
  readonly onDamage: (damage: Omit<DamageEvent, "kind">) => void;
  readonly bugs: BlobBugs;
}

/**
 * Looks for orphans: needles whose append was never followed by a row. Every needle is asked about once when it is old
 * enough; from then on only a drop row can make it garbage. (Rarely all are asked about again, for the mistakes of
 * others.)
 */
export class Sweeper {
  readonly #context: SweeperContext;
  readonly #startedMillis: number;

  constructor(context: SweeperContext) {
    this.#context = context;
    this.#startedMillis = context.clock.monotonic();
  }

  async turn(): Promise<void> {
    let left = this.#context.options.collectTurnNeedles;
    let failure: unknown;
    for (const volume of this.#context.registry.all()) {
      if (left <= 0 || this.#context.health.stopping) break;
      if (!this.#isDue(volume)) continue;
      try {
        left -= await this.#sweep(volume, left);
      } catch (error) {
        // One volume's trouble is not the others'.
        failure ??= error;
      }
    }
    if (failure !== undefined) throw failure;
  }

  #isDue(volume: Volume): boolean {
    const { row, ledger, held, unsound } = volume;
    if (held || unsound || row.state === "removed" || !this.#context.registry.owns(volume)) return false;
    if (row.state === "open" || ledger.sweepCursor > 0) return true;
    const sinceMillis = this.#context.clock.now() - ledger.sweptMillis;
    return sinceMillis < 0 || sinceMillis >= this.#context.options.sweepEveryMillis;
  }

  /** Returns how many needles it asked about. */
  async #sweep(volume: Volume, needlesMax: number): Promise<number> {
    const { files, openVolume, clock } = this.#context;
    const { ledger } = volume;
    using lease = await files.lease(volume.identity);
    const { from, to } = settledRange(volume, lease, openVolume(volume.id));
    let asked = 0;
    let batch: NeedleSlot[] = [];
    const start = Math.max(from, await startOf(lease, ledger.sweepCursor));
    const options = { from: start, to, verify: "footers" as const, skipsUnreadable: true };
    for await (const slot of walkSlots(lease.file, lease.identity, options)) {
      const ready = this.#isReady(volume, slot);
      if (ready && slot.kind === "needle" && slot.state !== "void") batch.push(slot);
      if (ready && batch.length < EXAMINED_MAX) continue;
      const goesOn = await this.#ask(volume, lease, batch);
      asked += batch.length;
      batch = [];
      if (!goesOn || !ready || asked >= needlesMax) return asked;
    }
    if (!(await this.#ask(volume, lease, batch))) return asked;
    if (volume.row.state === "sealed" && volume.identity === lease.identity) {
      ledger.sweepCursor = 0;
      ledger.sweptMillis = Math.max(1, Math.floor(clock.now()));
    } else if (lease.table === undefined) {
      ledger.sweepCursor = Math.max(ledger.sweepCursor, to / UNIT_BYTES);
    }
    volume.ledgerChanged = true;
    return asked + batch.length;
  }

  /** Old enough, and not of an append that runs. */
  #isReady(volume: Volume, slot: Slot): boolean {
    if (slot.kind !== "needle") return true;
    const { clock, options, inFlight, bugs } = this.#context;
    const ageMillis = clock.now() - slot.header.timeMillis;
    // Where the clock was ahead, the process's own time counts.
    const knownMillis = ageMillis < 0 ? clock.monotonic() - this.#startedMillis : ageMillis;
    if (knownMillis < options.collectAgeMillis) return false;
    return bugs.has("ignore-in-flight") || !inFlight.has({ volume: volume.id, needle: slot.header.needle });
  }

  /** Most are live, so they are asked about before any mark is set. False where compaction has taken the volume. */
  async #ask(volume: Volume, lease: FileLease, slots: readonly NeedleSlot[]): Promise<boolean> {
    if (slots.length === 0) return !volume.held;
    const { liveness, examiner, onDamage } = this.#context;
    const named = slots.map((slot) => {
      return { slot, owner: slot.owner, name: { volume: volume.id, needle: slot.header.needle } };
    });
    const live = await liveness.ask(named);
    const orphans: Candidate[] = [];
    for (const [at, { slot, name }] of named.entries()) {
      const slotBytes = slot.end - slot.position;
      if (!live[at]) orphans.push({ owner: slot.owner, name, slotBytes });
      else if (slot.state === "unfinished") {
        const { generation } = lease.identity;
        const { position } = slot;
        const { needle } = name;
        onDamage({
          volume: volume.id,
          generation,
          found: "collector",
          needle,
          position,
          bytes: slotBytes,
          what: "footer",
        });
      }
    }
    if (orphans.length > 0) await examiner.examine(orphans);
    if (volume.held) return false;
    const last = slots.at(-1)!;
    volume.ledger.sweepCursor = lease.table === undefined ? last.end / UNIT_BYTES : last.header.needle + 1;
    volume.ledgerChanged = true;
    return true;
  }
}
