// A file that says: at the next start, do not trust the index. It outlives a crash, which a row in the index itself
// might not.

import type { Disk } from "../../env/index.ts";

const NAME = "rebuild-index";

export class RebuildMark {
  readonly #disk: Disk;
  readonly #folder: string;
  #writing: Promise<void> | undefined;

  constructor(disk: Disk, folder: string) {
    this.#disk = disk;
    this.#folder = folder;
  }

  async isSet(): Promise<boolean> {
    return (await this.#disk.list(this.#folder)).includes(NAME);
  }

  /** Returns at once; `settled` waits for it. A disk that refuses the mark leaves the damage to be found again. */
  set(): void {
    this.#writing ??= this.#write().catch(() => {});
  }

  async settled(): Promise<void> {
    await this.#writing;
  }

  async clear(): Promise<void> {
    if (!(await this.isSet())) return;
    await this.#disk.remove(`${this.#folder}/${NAME}`);
    await this.#disk.syncDirectory(this.#folder);
  }

  async #write(): Promise<void> {
    if (await this.isSet()) return;
    const file = await this.#disk.open(`${this.#folder}/${NAME}`, "create");
    await file.close();
    await this.#disk.syncDirectory(this.#folder);
  }
}
