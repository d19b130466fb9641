// Generators: those that people define, each a row, and one for each known layout, under its name and without a row. A
// name never changes its layout: ids of two layouts could be equal. So a generator that is removed keeps its row, and the
// rows of its worker numbers.

import { defineLayout, type IdLayout, LAYOUTS } from "../../core/id/index.ts";
import { type Row, type Store, TABLES } from "../../store/index.ts";
import { type Change, change, checkName, oneMore, type Page, type PageRequest, readPage, unchanged } from "./change.ts";
import { idsFailure } from "./errors.ts";
import { IDS_LIMITS } from "./limits.ts";
import { decodeGenerator, encodeGenerator, type GeneratorRecord, generatorRow } from "./records.ts";

export interface GeneratorInfo {
  readonly name: string;
  readonly isBuiltIn: boolean;
  readonly layout: IdLayout;
  readonly workerFirst: number;
  readonly workers: number;
  readonly windowMillis: number;
  readonly description: string;
}

export interface DefineGenerator {
  /** A known one, with another epoch where that is said, or one of one's own. */
  readonly layout: Omit<IdLayout, "name" | "workerParts">;
  /** Clusters that must not make each other's ids have numbers of their own: from this one on, so many. */
  readonly workerFirst?: number;
  readonly workers?: number;
  readonly windowMillis?: number;
  readonly description?: string;
}

/** By name: generators that are there without being defined. */
export const KNOWN_LAYOUTS: Readonly<Record<string, IdLayout | undefined>> = LAYOUTS;

export class Generators {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Throws NAME_INVALID, GENERATOR_INVALID, GENERATOR_EXISTS, GENERATOR_BUILT_IN, GENERATOR_FIXED, LIMIT_GENERATORS, LAYOUT_INVALID. */
  async define(name: string, define: DefineGenerator): Promise<GeneratorInfo> {
    checkName(name);
    refuseBuiltIn(name);
    const record = recordOf(name, define);
    return change(this.#store, async (): Promise<Change<GeneratorInfo>> => {
      const address = generatorRow(name);
      const { row } = await this.#store.get(address);
      const before = row && decodeGenerator(row, name);
      if (before !== undefined && !before.isRemoved)
        throw idsFailure("GENERATOR_EXISTS", { data: { generator: name } });
      if (before !== undefined && !isSameLayout(before.layout, record.layout))
        throw idsFailure("GENERATOR_FIXED", { data: { generator: name } });
      const counted = row === undefined ? await oneMore(this.#store, "generator", IDS_LIMITS.generatorsMax) : NOTHING;
      const checks = [unchanged(address, row), ...counted.checks];
      const puts = [{ ...address, value: encodeGenerator(record) }, ...counted.puts];
      return { commit: { checks, puts }, result: infoOf(name, record, false) };
    });
  }

  /** Throws GENERATOR_MISSING, GENERATOR_BUILT_IN. */
  async remove(name: string): Promise<void> {
    checkName(name);
    refuseBuiltIn(name);
    await change(this.#store, async () => {
      const address = generatorRow(name);
      const { row, record } = await this.#mustRead(name);
      const puts = [{ ...address, value: encodeGenerator({ ...record, isRemoved: true }) }];
      return { commit: { checks: [unchanged(address, row)], puts }, result: undefined };
    });
  }

  /** Throws GENERATOR_MISSING. */
  async get(name: string): Promise<GeneratorInfo> {
    const record = await this.read(name);
    return infoOf(name, record, builtIn(name) !== undefined);
  }

  /** The known layouts, on the first page, and behind them those that people defined, in byte order. Throws PAGE_INVALID. */
  async list(page: PageRequest): Promise<Page<GeneratorInfo>> {
    const defined = await readPage(this.#store, TABLES.idGenerator, page, (row, name) => {
      const record = decodeGenerator(row, name);
      return record.isRemoved ? undefined : infoOf(name, record, false);
    });
    if (page.after !== undefined) return defined;
    const known = Object.keys(LAYOUTS).map((name) => infoOf(name, builtIn(name)!, true));
    return { entries: [...known, ...defined.entries], next: defined.next };
  }

  /** Throws GENERATOR_MISSING. */
  async read(name: string): Promise<GeneratorRecord> {
    return builtIn(name) ?? (await this.#mustRead(name)).record;
  }

  async #mustRead(name: string): Promise<{ readonly row: Row; readonly record: GeneratorRecord }> {
    checkName(name);
    const { row } = await this.#store.get(generatorRow(name));
    const record = row && decodeGenerator(row, name);
    if (row === undefined || record === undefined || record.isRemoved) throw generatorMissing(name);
    return { row, record };
  }
}

export function generatorMissing(name: string): ReturnType<typeof idsFailure<"GENERATOR_MISSING">> {
  return idsFailure("GENERATOR_MISSING", { what: `There is no generator ${name}.`, data: { generator: name } });
}

const NOTHING = { checks: [], puts: [] };

export function builtIn(name: string): GeneratorRecord | undefined {
  return Object.hasOwn(LAYOUTS, name) ? recordOf(name, { layout: LAYOUTS[name as keyof typeof LAYOUTS] }) : undefined;
}

function refuseBuiltIn(name: string): void {
  if (builtIn(name) !== undefined) throw idsFailure("GENERATOR_BUILT_IN", { data: { generator: name } });
}

/** Throws GENERATOR_INVALID, LAYOUT_INVALID. */
export function recordOf(name: string, define: DefineGenerator): GeneratorRecord {
  const layout = defineLayout({ ...define.layout, name });
  const workersMax = 2 ** layout.workerBits;
  const { workerFirst = 0, description = "" } = define;
  const { workers = Math.min(workersMax - workerFirst, IDS_LIMITS.workersMax) } = define;
  // Of two units at least, so that a window always holds a whole one.
  const windowMillisMin = Math.max(IDS_LIMITS.windowMillisMin, layout.unitMillis * 2);
  const { windowMillis = Math.max(IDS_LIMITS.windowMillisDefault, windowMillisMin) } = define;
  const isRight =
    isWhole(workerFirst, 0, Math.min(workersMax, 2 ** 32) - 1) &&
    isWhole(workers, 1, Math.min(workersMax - workerFirst, IDS_LIMITS.workersMax)) &&
    workerFirst + workers <= 2 ** 32 &&
    isWhole(windowMillis, windowMillisMin, IDS_LIMITS.windowMillisMax) &&
    layout.epochMillis >= 0 &&
    description.length <= IDS_LIMITS.descriptionCharactersMax;
  if (isRight) return { isRemoved: false, layout, workerFirst, workers, windowMillis, description };
  throw idsFailure("GENERATOR_INVALID", { data: { workerFirst, workers, workersMax, windowMillis, windowMillisMin } });
}

function isWhole(value: number, least: number, most: number): boolean {
  return Number.isInteger(value) && value >= least && value <= most;
}

export function isSameLayout(left: IdLayout, right: IdLayout): boolean {
  return (
    left.epochMillis === right.epochMillis &&
    left.unitMillis === right.unitMillis &&
    left.timeBits === right.timeBits &&
    left.workerBits === right.workerBits &&
    left.sequenceBits === right.sequenceBits &&
    left.order === right.order
  );
}

function infoOf(name: string, record: GeneratorRecord, isBuiltIn: boolean): GeneratorInfo {
  const { layout, workerFirst, workers, windowMillis, description } = record;
  return { name, isBuiltIn, layout, workerFirst, workers, windowMillis, description };
}
