import { type Disk, type DiskFile, type Env, envFailure, type Random } from "../env/index.ts";
import { hasCode } from "../std/errors.ts";
import type { LogOptions } from "./options.ts";
import { type LogBugs, NO_LOG_BUGS } from "./seeded-bugs.ts";
import { allocateZeroed, beginSegment, type Segment, segmentName } from "./segment.ts";

/**
 * Allocated files that wait to become segments: emptied ones are used again, so that a busy log neither allocates nor frees.
 * A spare gets its header, synced, under its spare name and only then the segment's name: a segment's header is always whole.
 */
export class SegmentPool {
  readonly #disk: Disk;
  readonly #random: Random;
  readonly #options: LogOptions;
  readonly #bugs: LogBugs;
  readonly #spares: string[];
  #nextSpare: number;
  #preparing: Promise<void> | undefined;
  /** Why the last try to have a spare failed. */
  #refusal: unknown;
  /** As it was when the last try ended: a slow disk has refused nothing yet. */
  #isRefused = false;

  static async open(
    env: Pick<Env, "disk" | "random">,
    options: LogOptions,
    bugs: LogBugs = NO_LOG_BUGS,
  ): Promise<SegmentPool> {
    const { disk } = env;
    const spares: string[] = [];
    let highest = 0;
    for (const fileName of await disk.list(options.folder)) {
      const number = /^spare-(\d+)$/.exec(fileName)?.[1];
      if (number === undefined) continue;
      highest = Math.max(highest, Number(number));
      const name = `${options.folder}/${fileName}`;
      if (spares.length < options.spareSegmentsMax && (await isAllocated(disk, name, options.segmentBytes)))
        spares.push(name);
      else await disk.remove(name);
    }
    return new SegmentPool(env, options, bugs, { spares, nextSpare: highest + 1 });
  }

  private constructor(
    env: Pick<Env, "disk" | "random">,
    options: LogOptions,
    bugs: LogBugs,
    { spares, nextSpare }: { readonly spares: string[]; readonly nextSpare: number },
  ) {
    this.#disk = env.disk;
    this.#random = env.random;
    this.#options = options;
    this.#bugs = bugs;
    this.#spares = spares;
    this.#nextSpare = nextSpare;
  }

  get hasSpare(): boolean {
    return this.#spares.length > 0;
  }

  /** No further segment can be had, as far as is known. */
  get isExhausted(): boolean {
    return this.#isRefused && !this.hasSpare;
  }

  /** Makes a segment whose first frame will stand at `base`; all before it must be durable. */
  async begin(id: number, base: number): Promise<Segment> {
    if (!(await this.reserve())) throw this.#refusal;
    const name = this.#spares.pop()!;
    const file = await this.#disk.open(name, "write");
    const segment = await closing(file, () => beginSegment(file, id, base, this.#random));
    await this.#disk.rename(name, segmentName(this.#options.folder, id));
    if (this.#bugs.has("segment-without-directory-sync")) return segment;
    await this.#disk.syncDirectory(this.#options.folder);
    return segment;
  }

  /** Makes sure that the next `begin` finds a spare: false where the disk is too full for one. */
  async reserve(): Promise<boolean> {
    await this.#preparing;
    if (this.#spares.length === 0) {
      this.retry();
      await this.#preparing;
    }
    if (this.#spares.length > 0) return true;
    if (hasCode(this.#refusal, "DISK_FULL")) return false;
    throw this.#refusal;
  }

  /**
   * Has a spare made in the background. A failure shows up when the spare is really needed; it is not tried again before, with every
   * batch, unless `retry` asks for it.
   */
  prepare(): void {
    if (this.#spares.length > 0 || this.#preparing !== undefined || this.#refusal !== undefined) return;
    this.#preparing = this.#makeSpare()
      .then(
        () => {
          this.#isRefused = false;
        },
        (error: unknown) => {
          this.#refusal = error;
          this.#isRefused = true;
        },
      )
      .finally(() => {
        this.#preparing = undefined;
      });
  }

  retry(): void {
    if (this.#preparing === undefined) this.#refusal = undefined;
    this.prepare();
  }

  /**
   * Takes a segment that nobody needs any more. Oldest first: the log never has a hole. May be repeated after a failure.
   * It can be used again only when its new name is durable: else a crash could give the old name back over a new header.
   */
  async retire(segment: Segment): Promise<void> {
    const name = segmentName(this.#options.folder, segment.id);
    const isKept =
      this.#spares.length < this.#options.spareSegmentsMax && segment.fileBytes === this.#options.segmentBytes;
    const spare = isKept ? this.#newSpareName() : undefined;
    const isThere = await (spare === undefined ? this.#disk.remove(name) : this.#disk.rename(name, spare)).then(
      () => true,
      unlessMissing,
    );
    await this.#disk.syncDirectory(this.#options.folder);
    if (isThere && spare !== undefined) this.#spares.push(spare);
  }

  async close(): Promise<void> {
    await this.#preparing;
  }

  /** Looks before it leaps: an allocation that fails has filled the disk for a moment. */
  async #makeSpare(): Promise<void> {
    const { segmentBytes } = this.#options;
    const { bytesFree } = await this.#disk.space();
    if (bytesFree < segmentBytes) throw envFailure("DISK_FULL", { data: { bytesFree, segmentBytes } });
    const name = this.#newSpareName();
    const file = await allocateZeroed(this.#disk, name, segmentBytes);
    await file.close();
    this.#spares.push(name);
  }

  #newSpareName(): string {
    return `${this.#options.folder}/spare-${this.#nextSpare++}`;
  }
}

/** False where the file is missing: an earlier try got so far. */
function unlessMissing(error: unknown): false {
  if (hasCode(error, "FILE_MISSING")) return false;
  throw error;
}

async function isAllocated(disk: Disk, name: string, bytes: number): Promise<boolean> {
  const file = await disk.open(name, "read");
  return closing(file, async () => (await file.length()) === bytes);
}

async function closing<T>(file: DiskFile, use: () => Promise<T>): Promise<T> {
  try {
    return await use();
  } finally {
    await file.close();
  }
}
