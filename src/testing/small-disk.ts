import { execFileSync } from "node:child_process";
import { open, rm, statfs } from "node:fs/promises";
import { join } from "node:path";
import { temporaryFolder } from "./server-process.ts";

const MEBIBYTE = 1_048_576;

/** A file system of its own that is soon full. */
export class SmallDisk implements AsyncDisposable {
  readonly path: string;
  readonly #folder: AsyncDisposable;

  private constructor(folder: AsyncDisposable & { readonly path: string }) {
    this.path = folder.path;
    this.#folder = folder;
  }

  /** Undefined, and the test is skipped with the reason, where nothing can be mounted. */
  static async mountOrSkip(test: { skip(reason: string): void }, mebibytes: number): Promise<SmallDisk | undefined> {
    const disk = new SmallDisk(await temporaryFolder("full-disk"));
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", `size=${mebibytes}m`, "tmpfs", disk.path], { stdio: "pipe" });
      return disk;
    } catch (error) {
      await disk.#folder[Symbol.asyncDispose]();
      test.skip(`a tmpfs can not be mounted here: ${String(error).split("\n")[0]}`);
      return undefined;
    }
  }

  async bytesFree(): Promise<number> {
    const { bavail, bsize } = await statfs(this.path);
    return bavail * bsize;
  }

  /**
   * Another program takes all that is free now but for so much. What is given up meanwhile it leaves alone: on a slow
   * machine the ballast would go before the last byte is written, and be taken as well.
   */
  async fill(bytesFree: number): Promise<void> {
    const file = await open(join(this.path, "other"), "a");
    try {
      let left = (await this.bytesFree()) - bytesFree;
      while (left > 0) left -= (await file.write(new Uint8Array(Math.min(MEBIBYTE, left)).fill(1))).bytesWritten;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
    } finally {
      await file.close();
    }
  }

  /** The other program gives back what it took. */
  free(): Promise<void> {
    return rm(join(this.path, "other"));
  }

  grow(mebibytes: number): void {
    execFileSync("mount", ["-o", `remount,size=${mebibytes}m`, this.path], { stdio: "pipe" });
  }

  /** Also with files of it still open, as a test that fails leaves them. */
  async [Symbol.asyncDispose](): Promise<void> {
    execFileSync("umount", ["-l", this.path], { stdio: "pipe" });
    await this.#folder[Symbol.asyncDispose]();
  }
}
