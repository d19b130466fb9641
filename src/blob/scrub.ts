import type { Clock } from "../env/index.ts";
import { hasCode } from "../std/errors.ts";
import type { BlobCounters, DamageEvent } from "./events.ts";
import type { FileCache, FileLease } from "./file-cache.ts";
import { SUPERBLOCK_BYTES, UNIT_BYTES } from "./format.ts";
import type { Health } from "./health.ts";
import { addDamage } from "./ledger.ts";
import type { Liveness } from "./liveness.ts";
import { settledRange, startOf } from "./locator.ts";
import type { OpenVolume } from "./open-volume.ts";
import type { BlobOptions } from "./options.ts";
import type { Pacer } from "./pacer.ts";
import type { Registry, Volume } from "./registry.ts";
import type { Sleeper } from "./sleeper.ts";
import { readSuperblock } from "./superblock.ts";
import { type Slot, walkSlots } from "./walk.ts";

/** One turn ends here, so that where it stands is saved often enough. */
const TURN_BYTES_MAX = 67_108_864;
/** Read at once: small against what the disk does for others meanwhile. */
const WINDOW_BYTES = 262_144;
/** While compaction has the volume. */
const RETRY_MILLIS = 200;

export interface ScrubContext {
  readonly clock: Clock;
  readonly health: Health;
  readonly registry: Registry;
  readonly files: FileCache;
  readonly liveness: Liveness;
  readonly pacer: Pacer;
  readonly sleeper: Sleeper;
  readonly counters: BlobCounters;
  readonly options: BlobOptions;
  readonly openVolume: (volume: number) => OpenVolume | undefined;
  readonly onDamage: (damage: Omit<DamageEvent, "kind">) => void;
  /** A table that fails is renewed by compacting its volume. */
  readonly onTableDamage: (volume: Volume) => void;
}

/**
 * Reads all volumes at a bounded rate and verifies every byte that somebody may ask for, the longest unverified volume
 * first. Where it stands in a volume is in the ledger, so a restart goes on there.
 */
export class Scrub {
  readonly #context: ScrubContext;
  /** Volumes that somebody waits for: by the end of the last verification that was asked for. */
  readonly #verifying = new Map<Volume, Promise<unknown>>();
  #turn: Promise<unknown> = Promise.resolve();

  constructor(context: ScrubContext) {
    this.#context = context;
  }

  async turn(): Promise<void> {
    const { registry, clock, options } = this.#context;
    let next: Volume | undefined;
    for (const volume of registry.all()) {
      if (volume.held || volume.row.state === "removed" || this.#verifying.has(volume)) continue;
      if (!registry.holds(volume)) continue;
      const { scrubCursor, verifiedMillis } = volume.ledger;
      if (scrubCursor > 0) {
        next = volume;
        break;
      }
      const sinceMillis = clock.now() - verifiedMillis;
      if (sinceMillis >= 0 && sinceMillis < options.scrubEveryMillis) continue;
      if (next === undefined || verifiedMillis < next.ledger.verifiedMillis) next = volume;
    }
    if (next === undefined) return;
    const volume = next;
    this.#turn = this.#scrub(volume, TURN_BYTES_MAX, () => this.#verifying.has(volume));
    await this.#turn;
  }

  /**
   * All of one volume, from its beginning. Returns how many needles and other parts of it failed. Nothing else reads
   * the volume for the ledger meanwhile: two walks would each end with what the other one did not find.
   */
  async verify(volume: Volume): Promise<number> {
    const before = this.#verifying.get(volume);
    const verification = Promise.allSettled([before, this.#turn]).then(() => this.#verify(volume));
    this.#verifying.set(volume, verification);
    try {
      return await verification;
    } finally {
      if (this.#verifying.get(volume) === verification) this.#verifying.delete(volume);
    }
  }

  async #verify(volume: Volume): Promise<number> {
    const { ledger } = volume;
    Object.assign(ledger, { scrubCursor: 0, scrubbedBytes: 0, scrubDamage: { count: 0, needles: [] } });
    while (!(await this.#scrub(volume, Number.MAX_SAFE_INTEGER, () => false))) {
      this.#context.health.check();
      await this.#context.sleeper.sleep(RETRY_MILLIS);
    }
    return ledger.damage.count;
  }

  /** True where it came to the end. `gives` says that somebody else wants the volume. */
  async #scrub(volume: Volume, bytesMax: number, gives: () => boolean): Promise<boolean> {
    const { openVolume, pacer, health, clock } = this.#context;
    const { ledger } = volume;
    const found = await this.#lease(volume);
    if (found === undefined) {
      this.#report(volume, { needle: undefined, position: 0, bytes: volume.row.durable, what: "file-missing" });
      this.#finish(volume, clock.now());
      return true;
    }
    using held = found;
    const { from, to } = settledRange(volume, held, openVolume(volume.id));
    if (ledger.scrubCursor === 0) await this.#verifyFrame(volume, held);
    const start = Math.max(from, await startOf(held, ledger.scrubCursor));
    const pace = (bytes: number): Promise<void> => pacer.pace(bytes);
    let bytes = 0;
    const walk = { pace, windowBytes: WINDOW_BYTES, skipsUnreadable: true };
    const options = { from: start, to, verify: "data" as const, ...walk };
    for await (const slot of walkSlots(held.file, held.identity, options)) {
      if (health.stopping || volume.held || gives() || volume.identity !== held.identity) return false;
      await this.#look(volume, slot);
      bytes += slot.end - slot.position;
      ledger.scrubbedBytes += slot.end - slot.position;
      this.#context.counters.scrubbedBytes += slot.end - slot.position;
      if (held.table === undefined) ledger.scrubCursor = slot.end / UNIT_BYTES;
      else if (slot.kind === "needle") ledger.scrubCursor = slot.header.needle + 1;
      volume.ledgerChanged = true;
      if (bytes >= bytesMax) return false;
    }
    if (gives()) return false;
    this.#finish(volume, clock.now());
    return true;
  }

  /** Undefined where there is no such file. */
  async #lease(volume: Volume): Promise<FileLease | undefined> {
    try {
      return await this.#context.files.lease(volume.identity);
    } catch (error) {
      if (hasCode(error, "FILE_MISSING")) return undefined;
      throw error;
    }
  }

  async #look(volume: Volume, slot: Slot): Promise<void> {
    if (slot.kind === "filler") return;
    const place = { position: slot.position, bytes: slot.end - slot.position };
    if (slot.kind === "hole") {
      this.#report(volume, { needle: undefined, ...place, what: "header" });
      return;
    }
    if (slot.state === "complete" || slot.state === "void") return;
    const { needle } = slot.header;
    // What nobody refers to may be anything: a crash left it so, or it is garbage.
    const [isLive] = await this.#context.liveness.ask([{ owner: slot.owner, name: { volume: volume.id, needle } }]);
    if (!isLive) return;
    this.#report(volume, { needle, ...place, what: slot.state === "damaged" ? "data" : "footer" });
  }

  /** What is not a slot: superblock, length and table. */
  async #verifyFrame(volume: Volume, lease: FileLease): Promise<void> {
    const { file, table } = lease;
    const superblock = await readSuperblock(file);
    const isOurs =
      superblock?.identity.volume === volume.id && superblock.identity.generation === lease.identity.generation;
    const whole = { needle: undefined, position: 0 };
    if (!isOurs) this.#report(volume, { ...whole, bytes: SUPERBLOCK_BYTES, what: "superblock" });
    const length = await file.length();
    if (length < volume.row.durable) {
      this.#report(volume, { ...whole, position: length, bytes: volume.row.durable - length, what: "file-short" });
    }
    if (table === undefined || (await table.verify(file))) return;
    const position = table.slotsEnd;
    this.#report(volume, { ...whole, position, bytes: Math.max(0, length - position), what: "table" });
    this.#context.onTableDamage(volume);
  }

  #finish(volume: Volume, nowMillis: number): void {
    const { ledger } = volume;
    ledger.verifiedMillis = Math.max(1, Math.floor(nowMillis));
    ledger.verifiedBytes = ledger.scrubbedBytes;
    ledger.damage = ledger.scrubDamage;
    ledger.scrubDamage = { count: 0, needles: [] };
    ledger.scrubbedBytes = 0;
    ledger.scrubCursor = 0;
    volume.ledgerChanged = true;
  }

  #report(volume: Volume, found: Pick<DamageEvent, "needle" | "position" | "bytes" | "what">): void {
    const { generation } = volume.identity;
    this.#context.onDamage({ volume: volume.id, generation, found: "scrub", ...found });
    addDamage(volume.ledger.scrubDamage, found.needle ?? Math.floor(found.position / UNIT_BYTES));
  }
}
