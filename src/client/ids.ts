// The ids service as a program uses it: what `/v1/ids` offers, with the calls for ids gathered into few requests.

import { escapeText } from "../codec/sigv4/index.ts";
import type { IdReading } from "../core/id/index.ts";
import type { Clock, Timers } from "../env/index.ts";
import { hasCode } from "../std/errors.ts";
import { isoTime } from "../std/time-text.ts";
import type { CallOptions } from "./call-options.ts";
import { type Caller, type Effect, TIMEOUT_MILLIS_DEFAULT } from "./caller.ts";
import { type Draw, Drawing } from "./drawing.ts";
import { clientFailure } from "./errors.ts";
import type {
  CreateTag,
  DefineGenerator,
  GeneratorInfo,
  Generators,
  Ids,
  TagInfo,
  TagOrder,
  Tags,
  UpdateTag,
} from "./ids-api.ts";
import { jsonBody } from "./json-body.ts";
import { OpenCalls } from "./open-calls.ts";
import type { HttpCall } from "./transport.ts";

export interface IdsParts {
  readonly caller: Caller;
  readonly clock: Clock;
  readonly timers: Timers;
}

/** Calls for ids that wait at one client. */
const CALLS_MAX = 200_000;
/** Ids of one call. */
const COUNT_MAX = 100_000;
const PAGE_ENTRIES = 1000;

const TAGS = "/v1/ids/tags";
const GENERATORS = "/v1/ids/generators";

export class IdsCalls implements Ids {
  readonly tags: Tags;
  readonly generators: Generators;
  readonly #caller: Caller;
  readonly #clock: Clock;
  readonly #open: OpenCalls<Draw>;
  /** By path, not escaped: those that somebody waits for. */
  readonly #drawings = new Map<string, Drawing>();

  constructor({ caller, clock, timers }: IdsParts) {
    this.#caller = caller;
    this.#clock = clock;
    this.#open = new OpenCalls({ clock, timers, callsMax: CALLS_MAX, over });
    this.tags = new TagCalls(caller);
    this.generators = new GeneratorCalls(caller);
  }

  next(tag: string, options: CallOptions = {}): Promise<bigint> {
    return this.#drawOne(TAGS, tag, options);
  }

  nextMany(tag: string, count: number, options: CallOptions = {}): Promise<bigint[]> {
    return this.#drawMany(TAGS, tag, count, options);
  }

  make(generator: string, options: CallOptions = {}): Promise<bigint> {
    return this.#drawOne(GENERATORS, generator, options);
  }

  makeMany(generator: string, count: number, options: CallOptions = {}): Promise<bigint[]> {
    return this.#drawMany(GENERATORS, generator, count, options);
  }

  async explain(id: bigint | string, options: CallOptions = {}): Promise<readonly IdReading[]> {
    const call = { method: "GET", path: "/v1/ids/explain", query: { id: String(id) } } as const;
    const { items } = (await this.#caller.call(call, "reads", options)) as {
      readonly items: readonly JsonReading[];
    };
    return items.map(readingOf);
  }

  #drawOne(folder: string, name: string, options: CallOptions): Promise<bigint> {
    return new Promise((resolve, reject) => {
      this.#draw(folder, name, { count: 1, give: (ids, at) => resolve(ids[at]!), reject }, options);
    });
  }

  #drawMany(folder: string, name: string, count: number, options: CallOptions): Promise<bigint[]> {
    return new Promise((resolve, reject) => {
      if (!Number.isInteger(count) || count < 1 || count > COUNT_MAX)
        throw clientFailure("ARGUMENT_INVALID", { what: "A call gives 1 to 100,000 ids.", data: { count } });
      const give: Draw["give"] = (ids, at) => resolve(ids.slice(at, at + count));
      this.#draw(folder, name, { count, give, reject }, options);
    });
  }

  /** Throws ARGUMENT_INVALID, OVERLOADED, and the reason of a signal that is aborted. */
  #draw(
    folder: string,
    name: string,
    { count, give, reject }: Pick<Draw, "count" | "give" | "reject">,
    { signal, timeoutMillis = TIMEOUT_MILLIS_DEFAULT }: CallOptions,
  ): void {
    const key = `${folder}/${name}`;
    const drawing = this.#drawings.get(key) ?? this.#newDrawing(key, pathOf(folder, name));
    const draw = { drawing, count, give, reject, signal, endMillis: this.#clock.monotonic() + timeoutMillis };
    this.#open.add(draw);
    this.#drawings.set(key, drawing);
    drawing.add(draw);
  }

  #newDrawing(key: string, path: string): Drawing {
    const parts = { caller: this.#caller, clock: this.#clock, open: this.#open };
    return new Drawing(`${path}/next`, parts, () => this.#drawings.delete(key));
  }
}

function over(draw: Draw, reason: unknown): void {
  draw.drawing.giveUp(draw, reason);
}

class TagCalls implements Tags {
  readonly #caller: Caller;

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  async *list(options: CallOptions = {}): AsyncGenerator<TagInfo, void, void> {
    for await (const tag of entriesOf<JsonTag>(this.#caller, TAGS, options)) yield tagOf(tag);
  }

  async get(tag: string, options: CallOptions = {}): Promise<TagInfo | undefined> {
    try {
      const call = { method: "GET", path: pathOf(TAGS, tag) } as const;
      return tagOf((await this.#caller.call(call, "reads", options)) as JsonTag);
    } catch (error) {
      if (hasCode(error, "TAG_MISSING")) return undefined;
      throw error;
    }
  }

  async create(tag: string, create: CreateTag = {}, options: CallOptions = {}): Promise<TagInfo> {
    return this.#write({ method: "PUT", path: pathOf(TAGS, tag), body: tagBody(create) }, options);
  }

  async update(tag: string, update: UpdateTag, options: CallOptions = {}): Promise<TagInfo> {
    return this.#write({ method: "PATCH", path: pathOf(TAGS, tag), body: tagBody(update) }, options);
  }

  async remove(tag: string, options: CallOptions = {}): Promise<void> {
    await this.#caller.call({ method: "DELETE", path: pathOf(TAGS, tag) }, CHANGE, options);
  }

  async #write(call: HttpCall, options: CallOptions): Promise<TagInfo> {
    return tagOf((await this.#caller.call(call, CHANGE, options)) as JsonTag);
  }
}

class GeneratorCalls implements Generators {
  readonly #caller: Caller;

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  async *list(options: CallOptions = {}): AsyncGenerator<GeneratorInfo, void, void> {
    for await (const generator of entriesOf<JsonGenerator>(this.#caller, GENERATORS, options))
      yield generatorOf(generator);
  }

  async define(
    generator: string,
    { epochMillis, ...define }: DefineGenerator,
    options: CallOptions = {},
  ): Promise<GeneratorInfo> {
    const body = jsonBody({ ...define, ...(epochMillis !== undefined && { epoch: epochText(epochMillis) }) });
    const call = { method: "PUT", path: pathOf(GENERATORS, generator), body } as const;
    return generatorOf((await this.#caller.call(call, CHANGE, options)) as JsonGenerator);
  }

  async remove(generator: string, options: CallOptions = {}): Promise<void> {
    await this.#caller.call({ method: "DELETE", path: pathOf(GENERATORS, generator) }, CHANGE, options);
  }
}

/** Made again it could fail by its own first attempt, or change what somebody else has made there since. */
const CHANGE: Effect = "once";

async function* entriesOf<Entry>(
  caller: Caller,
  path: string,
  options: CallOptions,
): AsyncGenerator<Entry, void, void> {
  for (let after: string | undefined; ; ) {
    const call = { method: "GET", path, query: { limit: PAGE_ENTRIES, after } } as const;
    const page = (await caller.call(call, "reads", options)) as {
      readonly items: readonly Entry[];
      readonly next?: string;
    };
    yield* page.items;
    if (page.next === undefined) return;
    after = page.next;
  }
}

/** Throws ARGUMENT_INVALID for a name that would make another path of it. The server says which ones are good. */
function pathOf(folder: string, name: string): string {
  if (name !== "" && name !== "." && name !== "..") return `${folder}/${escapeText(name)}`;
  throw clientFailure("ARGUMENT_INVALID", { what: "That is no name of a tag or generator.", data: { name } });
}

function epochText(millis: number): string {
  if (Number.isInteger(millis) && millis >= 0 && millis <= EPOCH_MILLIS_MAX) return isoTime(millis);
  throw clientFailure("ARGUMENT_INVALID", { what: "That is no epoch from 1970 on.", data: { epochMillis: millis } });
}

/** The end of the year 9999. */
const EPOCH_MILLIS_MAX = 253_402_300_799_999;

interface JsonTag {
  readonly name: string;
  readonly order: TagOrder;
  readonly step: number;
  readonly next: string;
  readonly description: string;
  readonly updatedAt: string;
}

function tagOf({ next, updatedAt, ...rest }: JsonTag): TagInfo {
  return { ...rest, nextNumber: BigInt(next), updatedMillis: Date.parse(updatedAt) };
}

function tagBody({ first, ...rest }: CreateTag): Uint8Array<ArrayBuffer> {
  return jsonBody({ ...rest, ...(first !== undefined && { first: String(first) }) });
}

interface JsonGenerator extends Omit<GeneratorInfo, "isBuiltIn" | "epochMillis"> {
  readonly builtIn: boolean;
  readonly epoch: string;
}

function generatorOf({ builtIn, epoch, ...rest }: JsonGenerator): GeneratorInfo {
  return { ...rest, isBuiltIn: builtIn, epochMillis: Date.parse(epoch) };
}

interface JsonReading extends Omit<IdReading, "id" | "fields" | "timeMillis"> {
  readonly id: string;
  readonly fields: readonly { readonly name: string; readonly bits: number; readonly value: string }[];
}

function readingOf({ id, fields, ...rest }: JsonReading): IdReading {
  const { time } = rest;
  const values = fields.map(({ value, ...field }) => ({ ...field, value: BigInt(value) }));
  return { ...rest, id: BigInt(id), fields: values, ...(time !== undefined && { timeMillis: Date.parse(time) }) };
}
