import { assert } from "../../std/assert.ts";
import { utf8 } from "../../std/bytes.ts";
import { DecimalRun } from "./decimal-run.ts";
import { idFailure } from "./errors.ts";
import { byteLengthOf, type IdLayout, widthOf } from "./layout.ts";
import { LogicalTime, type TimeOptions } from "./logical-time.ts";
import { HIGH, highWord, joinWords, LOW, lowWord } from "./words.ts";

export interface IdGeneratorOptions extends TimeOptions {
  readonly layout: IdLayout;
  /** Nobody else uses it at the same time: that is the caller's to see to, best by a lease (see `reservedUntilMillis`). */
  readonly worker: number;
}

/**
 * Ids of one worker in any layout. Each is greater than all before it; none is given out twice, whatever the clock does;
 * none is of a time that was not reserved. Where it could not be so, a call throws and gives nothing out: UNIT_FULL and
 * CLOCK_BEHIND say in `data.waitMillis` how long to wait, WINDOW_SPENT needs a later window. A batch is given out whole or
 * not at all.
 *
 * Within a unit of time an id is the unit's first one plus a multiple of a step, which changes one 32-bit word. What is
 * above it is computed once a unit.
 */
export class IdGenerator {
  readonly layout: IdLayout;
  readonly worker: number;
  readonly #time: LogicalTime;
  readonly #width: number;
  readonly #digitsMax: number;
  readonly #step: number;
  readonly #tailBits: bigint;
  readonly #workerTail: bigint;
  /** The unit that the words below belong to. */
  #tick = -1;
  #first = 0n;
  #low = 0;
  #high = 0;
  /** Bits 64 to 127, in their place. */
  #upper = 0n;
  readonly #decimals = new DecimalRun();
  #decimalsTick = -1;
  /** How many ids the last `#takeRun` took. */
  #run = 0;

  constructor(options: IdGeneratorOptions) {
    const { layout, worker } = options;
    const { workerBits, sequenceBits, order } = layout;
    if (!Number.isSafeInteger(worker) || worker < 0 || worker >= 2 ** workerBits) {
      const what = `The worker's number does not fit into the ${workerBits} worker bits of the layout ${layout.name}.`;
      throw idFailure("WORKER_INVALID", { what, data: { worker, workersMax: 2 ** workerBits } });
    }
    this.layout = layout;
    this.worker = worker;
    this.#time = new LogicalTime(layout, options);
    this.#width = widthOf(layout);
    this.#digitsMax = Math.ceil(this.#width * Math.log10(2));
    const isWorkerLast = order === "time-sequence-worker";
    this.#step = isWorkerLast ? 2 ** workerBits : 1;
    this.#tailBits = BigInt(workerBits + sequenceBits);
    this.#workerTail = isWorkerLast ? BigInt(worker) : BigInt(worker) << BigInt(sequenceBits);
  }

  next(nowMillis: number): bigint {
    const low = this.#take(nowMillis);
    const id = joinWords(this.#high, low);
    return this.#upper === 0n ? id : this.#upper | id;
  }

  /** For layouts of up to 53 bits. */
  nextNumber(nowMillis: number): number {
    assert(this.#width <= 53, "the layout's ids are safe integers");
    const low = this.#take(nowMillis);
    return this.#high * 0x1_0000_0000 + low;
  }

  /** The decimal digits. */
  nextText(nowMillis: number): string {
    const offset = this.#time.take(nowMillis) * this.#step;
    this.#turnDecimals();
    return this.#decimals.text(offset);
  }

  /** 8 bytes or, of layouts above 64 bits, 16, in the layout's byte order. */
  nextBytes(nowMillis: number): Uint8Array {
    const bytes = new Uint8Array(byteLengthOf(this.layout));
    this.fillBytes(nowMillis, bytes);
    return bytes;
  }

  /** How many ids could be had now. A batch of more is refused. */
  available(nowMillis: number): number {
    return this.#time.available(nowMillis);
  }

  /** Fills all of it, with layouts of up to 64 bits. */
  fill(nowMillis: number, ids: BigUint64Array): void {
    assert(this.#width <= 64, "the layout's ids have at most 64 bits");
    this.#time.mustHave(nowMillis, ids.length);
    const words = new Uint32Array(ids.buffer, ids.byteOffset, ids.length * 2);
    const step = this.#step;
    for (let at = 0; at < words.length; ) {
      let low = this.#takeRun((words.length - at) / 2);
      const high = this.#high;
      for (const end = at + this.#run * 2; at < end; at += 2) {
        words[at + LOW] = low;
        words[at + HIGH] = high;
        low += step;
      }
    }
  }

  /** Fills all of it: 8 or 16 bytes an id, as `nextBytes`. */
  fillBytes(nowMillis: number, bytes: Uint8Array): void {
    const idBytes = byteLengthOf(this.layout);
    assert(bytes.length % idBytes === 0, "the bytes hold whole ids");
    this.#time.mustHave(nowMillis, bytes.length / idBytes);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const isLittle = this.layout.byteOrder === "little";
    const lowAt = isLittle ? 0 : idBytes - 4;
    const highAt = isLittle ? 4 : idBytes - 8;
    for (let at = 0; at < bytes.length; ) {
      let low = this.#takeRun((bytes.length - at) / idBytes);
      for (const end = at + this.#run * idBytes; at < end; at += idBytes) {
        view.setUint32(at + lowAt, low, isLittle);
        view.setUint32(at + highAt, this.#high, isLittle);
        if (idBytes === 16) view.setBigUint64(at + (isLittle ? 8 : 0), this.#upper >> 64n, isLittle);
        low += this.#step;
      }
    }
  }

  /** So many, as decimal digits. */
  texts(nowMillis: number, count: number): string[] {
    this.#time.mustHave(nowMillis, count);
    const texts = new Array<string>(count);
    for (let at = 0; at < count; ) {
      const run = this.#time.takeRun(count - at);
      this.#turnDecimals();
      let offset = (this.#time.sequence - run) * this.#step;
      for (const end = at + run; at < end; at++) {
        texts[at] = this.#decimals.text(offset);
        offset += this.#step;
      }
    }
    return texts;
  }

  /** So many, as decimal digits in UTF-8 with `separator` between two of them: several times cheaper than to join texts. */
  joinedTexts(nowMillis: number, count: number, separator: string): Uint8Array {
    this.#time.mustHave(nowMillis, count);
    const between = utf8(separator);
    const bytes = new Uint8Array(count * (this.#digitsMax + between.length));
    let end = 0;
    for (let left = count; left > 0; ) {
      const run = this.#time.takeRun(left);
      this.#turnDecimals();
      const offset = (this.#time.sequence - run) * this.#step;
      end = this.#decimals.write(offset, this.#step, run, between, bytes, end);
      left -= run;
    }
    return bytes.subarray(0, Math.max(0, end - between.length));
  }

  /** From now on ids of times up to `untilMillis` may be given out. An earlier one than before changes nothing. */
  reserve(untilMillis: number): void {
    this.#time.reserve(untilMillis);
  }

  /**
   * All ids that were given out are of times before this one: a later holder of the worker number may begin here, if this
   * generator is not asked any more.
   */
  get usedUntilMillis(): number {
    return this.#time.usedUntilMillis;
  }

  /** The lowest word of one id; `#high` and `#upper` are above it. */
  #take(nowMillis: number): number {
    const sequence = this.#time.take(nowMillis);
    if (this.#time.tick !== this.#tick) this.#turn();
    return this.#low + sequence * this.#step;
  }

  /** The lowest word of the first one of `#run` ids of a unit. */
  #takeRun(countMax: number): number {
    this.#run = this.#time.takeRun(countMax);
    if (this.#time.tick !== this.#tick) this.#turn();
    return this.#low + (this.#time.sequence - this.#run) * this.#step;
  }
  #turn(): void {
    this.#tick = this.#time.tick;
    this.#first = (BigInt(this.#tick) << this.#tailBits) | this.#workerTail;
    this.#low = lowWord(this.#first);
    this.#high = highWord(this.#first);
    this.#upper = this.#width > 64 ? (this.#first >> 64n) << 64n : 0n;
  }

  #turnDecimals(): void {
    if (this.#time.tick === this.#decimalsTick) return;
    if (this.#time.tick !== this.#tick) this.#turn();
    this.#decimalsTick = this.#tick;
    this.#decimals.set(this.#first);
  }
}
