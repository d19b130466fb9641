// Ashlar's ids beside those of npm packages, in one process. What an id costs is told in processor time, that of garbage
// collection included, so that a busy machine changes little of it. A round goes through all workloads, and within each
// through all contenders, beginning with another one each time.

import { setTimeout as sleep } from "node:timers/promises";
import { IdGenerator, LAYOUTS } from "../../src/core/id/index.ts";
import { AshlarError } from "../../src/std/errors.ts";
import { isChosen } from "../chosen.ts";
import { BATCH_MAX, type Contender, keep, LIMIT_FORMS, type LimitForm, mustBeRead, workloadsOf } from "./contenders.ts";
import { HTTP_FORMS, type HttpRow, measureHttp, startHttpServer } from "./http.ts";
import { loadPackages, packageVersions } from "./packages.ts";

export interface IdsOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly only: readonly string[];
  readonly peers: readonly string[];
  readonly log: (line: string) => void;
}

export interface IdsReport {
  readonly versions: ReadonlyMap<string, string>;
  /** Ids a processor second by contender, one for each round. Ashlar's comes first. */
  readonly rows: readonly { readonly workload: string; readonly rates: ReadonlyMap<string, readonly number[]> }[];
  readonly limits: readonly LimitRow[];
  /** Empty where none was chosen. */
  readonly http: readonly HttpRow[];
}

export interface LimitRow {
  readonly form: string;
  readonly idsSecond: number[];
  /** Processor time by time. */
  readonly coreShare: number[];
}

const CALLS_A_LOOK = 1000;
const PAUSE_MILLIS = 5;

export async function benchIds(options: IdsOptions): Promise<IdsReport> {
  const { rounds, only, peers, log } = options;
  const rows = workloadsOf(loadPackages())
    .filter(({ name }) => isChosen(name, only))
    .map((workload) => {
      const contenders = workload.contenders.filter(({ name }) => isChosen(name, peers));
      return { workload, contenders, rates: new Map(contenders.map(({ name }) => [name, [] as number[]])) };
    });
  const forms = LIMIT_FORMS.filter(({ name }) => isChosen(`limit, ${name}`, only));
  const limits = forms.map((form) => ({ form, idsSecond: [] as number[], coreShare: [] as number[] }));
  for (let round = 0; round < rounds; round++) {
    for (const { workload, contenders, rates } of rows) {
      for (const at of contenders.keys()) {
        const contender = contenders[(at + round) % contenders.length]!;
        const rate = measure(contender, workload.idsMillisecond, options);
        rates.get(contender.name)!.push(rate);
        log(`round ${round + 1}, ${workload.name}, ${contender.name}: ${(rate / 1e6).toFixed(2)} M`);
      }
    }
    for (const { form, idsSecond, coreShare } of limits) {
      const found = await measureLimit(form, options);
      idsSecond.push(found.idsSecond);
      coreShare.push(found.coreShare);
      log(
        `round ${round + 1}, at the limit, ${form.name}: ${(found.idsSecond / 1e6).toFixed(2)} M, ${found.coreShare.toFixed(2)} of a core`,
      );
    }
  }
  return {
    versions: packageVersions(),
    rows: rows.map(({ workload, rates }) => ({ workload: workload.name, rates })),
    limits: limits.map(({ form, idsSecond, coreShare }) => ({ form: form.name, idsSecond, coreShare })),
    http: await benchHttp(options),
  };
}

/** Each round goes through all forms at the same server. */
async function benchHttp(options: IdsOptions): Promise<readonly HttpRow[]> {
  const { rounds, only, log } = options;
  const forms = HTTP_FORMS.filter(({ name }) => isChosen(name, only));
  const rows = forms.map((form) => ({
    ...{ form, requestsSecond: [] as number[], requestsProcessorSecond: [] as number[] },
  }));
  if (rows.length === 0) return [];
  await using server = await startHttpServer();
  for (let round = 0; round < rounds; round++) {
    for (const { form, requestsSecond, requestsProcessorSecond } of rows) {
      const found = await measureHttp(form, server, options);
      requestsSecond.push(found.requestsSecond);
      requestsProcessorSecond.push(found.requestsProcessorSecond);
      log(`round ${round + 1}, ${form.name}: ${Math.round(found.requestsProcessorSecond)} a processor second`);
    }
  }
  return rows.map(({ form, ...rates }) => ({ form: form.name, ids: form.ids, ...rates }));
}

/** Ids a processor second. */
function measure(
  contender: Contender,
  idsMillisecond: number | undefined,
  { seconds, warmUpSeconds }: IdsOptions,
): number {
  const realNow = Date.now;
  const next = contender.start();
  let handedOn = realNow();
  if (idsMillisecond !== undefined) Date.now = () => handedOn;
  try {
    const run = (forSeconds: number): number => {
      let ids = 0;
      const until = performance.now() + forSeconds * 1000;
      while (performance.now() < until) {
        for (let call = 0; call < CALLS_A_LOOK; call++) {
          const id = next();
          if (typeof id === "string") mustBeRead(id);
          keep(id);
        }
        ids += CALLS_A_LOOK;
        handedOn += CALLS_A_LOOK / (idsMillisecond ?? CALLS_A_LOOK);
      }
      return ids;
    };
    run(warmUpSeconds);
    const before = processorSeconds();
    const ids = run(seconds);
    return ids / (processorSeconds() - before);
  } finally {
    Date.now = realNow;
  }
}

/** Takes all ids that the layout has, as fast as the true clock lets it, and sleeps in between. */
async function measureLimit(
  form: LimitForm,
  { seconds, warmUpSeconds }: IdsOptions,
): Promise<{ readonly idsSecond: number; readonly coreShare: number }> {
  const reservedUntilMillis = Number.POSITIVE_INFINITY;
  const ids = new IdGenerator({ layout: LAYOUTS.twitter, worker: 5, reservedUntilMillis });
  const make = form.start(ids);
  const run = async (forSeconds: number): Promise<number> => {
    let made = 0;
    const until = performance.now() + forSeconds * 1000;
    while (performance.now() < until) {
      const nowMillis = Date.now();
      for (let left = ids.available(nowMillis); left > 0; ) {
        const count = Math.min(left, BATCH_MAX);
        make(nowMillis, count);
        made += count;
        left -= count;
      }
      try {
        ids.next(nowMillis);
      } catch (error) {
        if (!(error instanceof AshlarError) || error.code !== "UNIT_FULL") throw error;
        await sleep(Math.max(error.data["waitMillis"] as number, PAUSE_MILLIS));
      }
    }
    return made;
  };
  await run(Math.max(warmUpSeconds, 0.2));
  const [before, begun] = [processorSeconds(), performance.now()];
  const made = await run(seconds);
  const lastedSeconds = (performance.now() - begun) / 1000;
  return { idsSecond: made / lastedSeconds, coreShare: (processorSeconds() - before) / lastedSeconds };
}

function processorSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
