import type { VolumeKind } from "./format.ts";
import type { Health } from "./health.ts";
import type { OpenVolume } from "./open-volume.ts";
import type { VolumeOpener } from "./volume-opener.ts";

/**
 * Open volumes of one kind: one that is written now, one made ready ahead of time, and those that are full and wait for
 * their last slots before they are sealed.
 */
export class VolumeSupply {
  readonly #kind: VolumeKind;
  readonly #opener: VolumeOpener;
  readonly #health: Health;
  /** Where less room is left, the next volume is opened. */
  readonly #aheadBytes: number;
  #current: OpenVolume | undefined;
  /** Recovered at start, or opened ahead. */
  readonly #ready: OpenVolume[] = [];
  readonly #retired = new Set<OpenVolume>();
  #opening: Promise<void> | undefined;
  #rotating: Promise<void> | undefined;

  constructor(kind: VolumeKind, opener: VolumeOpener, health: Health, volumeBytes: number) {
    this.#kind = kind;
    this.#opener = opener;
    this.#health = health;
    this.#aheadBytes = volumeBytes / 4;
  }

  /** A volume that recovery found open. */
  adopt(open: OpenVolume): void {
    if (open.room > 0) this.#ready.push(open);
    else this.retire(open);
  }

  /** All that are not sealed. */
  all(): OpenVolume[] {
    return [...this.#retired, ...(this.#current === undefined ? [] : [this.#current]), ...this.#ready];
  }

  retired(): OpenVolume[] {
    return [...this.#retired];
  }

  /** Gives out a slot of that many bytes (whole sectors) in the volume that is written now. */
  async take(bytes: number): Promise<{ readonly open: OpenVolume; readonly position: number }> {
    for (;;) {
      const open = await this.current(bytes);
      if (open.room >= bytes && open.takesMore) return { open, position: open.take(bytes) };
    }
  }

  /** The volume to write to now; others that waited too may have taken its room when this resolves. */
  async current(bytes: number): Promise<OpenVolume> {
    for (;;) {
      this.#health.check();
      const open = this.#current;
      if (open !== undefined && open.room >= bytes && open.takesMore) {
        if (open.room < this.#aheadBytes && this.#ready.length === 0) this.#openAhead();
        return open;
      }
      this.#rotating ??= this.#rotate(bytes).finally(() => {
        this.#rotating = undefined;
      });
      await this.#rotating;
    }
  }

  /** Takes the volume out of use: the next append goes to another. */
  retire(open: OpenVolume): void {
    open.retired = true;
    const ready = this.#ready.indexOf(open);
    if (ready !== -1) this.#ready.splice(ready, 1);
    if (this.#current === open) this.#current = undefined;
    this.#retired.add(open);
  }

  /** It is sealed or lost. */
  async release(open: OpenVolume): Promise<void> {
    this.#retired.delete(open);
    await open.file.close();
  }

  /** Nothing is appended any more. */
  async close(): Promise<void> {
    await this.#opening?.catch(() => {});
    await Promise.all(this.all().map((open) => open.file.close()));
  }

  async #rotate(bytes: number): Promise<void> {
    if (this.#current !== undefined) this.retire(this.#current);
    for (;;) {
      const next = this.#ready.shift();
      if (next === undefined) await this.#open();
      else if (next.room < bytes || !next.isReachable) this.retire(next);
      else {
        this.#current = next;
        return;
      }
    }
  }

  #openAhead(): void {
    this.#open().catch(() => {
      // Whoever needs the volume tries again and gets the error.
    });
  }

  #open(): Promise<void> {
    this.#opening ??= this.#opener
      .open(this.#kind)
      .then((open) => {
        this.#ready.push(open);
        this.#opener.opening.delete(open.id);
      })
      .finally(() => {
        this.#opening = undefined;
      });
    return this.#opening;
  }
}
