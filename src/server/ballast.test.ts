import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Timers } from "../env/index.ts";
import { SimDisk } from "../env/sim/disk.ts";
import { hasCode } from "../std/errors.ts";
import { Ballast } from "./ballast.ts";
import { Logger } from "./logger.ts";

const MIB = 1_048_576;

/** Runs what is due when it is told, and waits for what that starts. */
class HandTimers implements Timers {
  #due: (() => void)[] = [];

  after(_delayMillis: number, run: () => void): { cancel(): void } {
    this.#due.push(run);
    return { cancel: () => void (this.#due = this.#due.filter((each) => each !== run)) };
  }

  endOfTurn(run: () => void): void {
    setImmediate(run);
  }

  async fire(): Promise<void> {
    const due = this.#due;
    this.#due = [];
    for (const run of due) run();
    while (this.#due.length === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}

describe("the ballast", () => {
  test("is laid in where there is ample space, and given up where another program fills the disk", async () => {
    const lines: string[] = [];
    const logger = new Logger({ now: () => 0, monotonic: () => 0 }, "text", (line) => void lines.push(line));
    const disk = new SimDisk({ bytesMax: 200 * MIB }).mount();
    const timers = new HandTimers();
    await using _ballast = await Ballast.open(disk, timers, logger);
    assert.equal(await bytesOf(disk), undefined);
    await timers.fire();
    assert.equal(await bytesOf(disk), 32 * MIB);
    const other = await disk.open("other", "create");
    for (let at = 0; at < 160; at++) await other.write(at * MIB, [new Uint8Array(MIB).fill(1)]);
    await other.close();
    await timers.fire();
    assert.equal(await bytesOf(disk), undefined);
    assert.equal(lines.filter((line) => line.includes("disk.ballast-given-up")).length, 1);
    await timers.fire();
    assert.equal(await bytesOf(disk), undefined, "not while the disk is full");
  });
});

async function bytesOf(disk: ReturnType<SimDisk["mount"]>): Promise<number | undefined> {
  try {
    const file = await disk.open("ballast", "read");
    const bytes = await file.length();
    await file.close();
    return bytes;
  } catch (error) {
    if (hasCode(error, "FILE_MISSING")) return undefined;
    throw error;
  }
}
