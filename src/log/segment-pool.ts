import type { Disk, DiskFile, Env, Random } from "../env/index.ts";
import { hasCode } from "../std/errors.ts";
import type { LogOptions } from "./options.ts";
import { allocateZeroed, beginSegment, type Segment, segmentName } from "./segment.ts";

/**
 * Allocated files that wait to become segments: emptied ones are used again, so that a busy log neither allocates nor frees.
 * A spare gets its header, synced, under its spare name and only then the segment's name: a segment's header is always whole.
 */
export class SegmentPool {
  readonly #disk: Disk;
  readonly #random: Random;
  readonly #options: LogOptions;
  readonly #spares: string[];
  #nextSpare: number;
  #preparing: Promise<void> | undefined;
  #isRefused = false;

  static async open(env: Pick<Env, "disk" | "random">, options: LogOptions): Promise<SegmentPool> {
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
    return new SegmentPool(env, options, spares, highest + 1);
  }

  private constructor(env: Pick<Env, "disk" | "random">, options: LogOptions, spares: string[], nextSpare: number) {
    this.#disk = env.disk;
    this.#random = env.random;
    this.#options = options;
    this.#spares = spares;
    this.#nextSpare = nextSpare;
  }

  /** Makes a segment whose first frame will stand at `base`; all before it must be durable. */
  async begin(id: number, base: number): Promise<Segment> {
    await this.#preparing;
    this.#isRefused = false;
    const spare = this.#spares.pop();
    const name = spare ?? this.#newSpareName();
    const file = spare === undefined ? await this.#allocate(name) : await this.#disk.open(name, "write");
    const segment = await closing(file, () => beginSegment(file, id, base, this.#random));
    await this.#disk.rename(name, segmentName(this.#options.folder, id));
    await this.#disk.syncDirectory(this.#options.folder);
    return segment;
  }

  /**
   * Makes sure, in the background, that the next `begin` finds a spare. A failure shows up there, when the spare is really needed; it is
   * not tried again before: that would fill up a disk that is nearly full with every batch.
   */
  prepare(): void {
    if (this.#spares.length > 0 || this.#preparing !== undefined || this.#isRefused) return;
    const name = this.#newSpareName();
    this.#preparing = this.#allocate(name)
      .then((file) => file.close())
      .then(
        () => void this.#spares.push(name),
        () => {
          this.#isRefused = true;
        },
      )
      .finally(() => {
        this.#preparing = undefined;
      });
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

  #allocate(name: string): Promise<DiskFile> {
    return allocateZeroed(this.#disk, name, this.#options.segmentBytes);
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
