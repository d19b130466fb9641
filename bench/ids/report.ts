import { median, ratioText, table } from "../markdown.ts";
import type { IdsReport, LimitRow } from "./bench.ts";
import { BARE_GET, type HttpRow } from "./http.ts";

/** What the project promises itself; told as met or not met, beside the figures. */
const UUID_BAR = 2;
const CORE_BAR = 0.25;
const BATCH_BAR = 2_000_000;
const TWITTER_LIMIT = 4_096_000;

/** Rates are medians of the rounds; a ratio is the median of the ratios within a round. */
export function markdownOf({ versions, rows, limits, http }: IdsReport): string {
  const uuid = rows.find(({ workload }) => workload.startsWith("UUID version 7"))?.rates;
  const ratio = uuid && ratioOf(uuid, "uuid");
  const bars = [
    ...(ratio === undefined
      ? []
      : [[`UUID version 7 at ${UUID_BAR} times uuid`, ratioText(ratio), met(ratio >= UUID_BAR)]]),
    ...limits.map(barOfLimit),
    ...http.flatMap((row) => barOfHttp(row, http)),
  ];
  return [
    [...versions].map(([name, version]) => `${name} ${version}`).join(", "),
    "",
    ...table(
      ["what", "who", "million ids a processor second", "Ashlar's rate by this one's"],
      rows.flatMap(({ workload, rates }) =>
        [...rates].map(([name, found]) => [workload, name, millions(median(found)), ratioText(ratioOf(rates, name))]),
      ),
    ),
    "",
    ...table(
      [
        `at Snowflake's limit of ${(TWITTER_LIMIT / 1e6).toFixed(3)} million a second`,
        "million ids a second",
        "of a core",
      ],
      limits.map(({ form, idsSecond, coreShare }) => [form, millions(median(idsSecond)), ratioText(median(coreShare))]),
    ),
    "",
    ...table(
      ["over HTTP", "requests a second", "requests a processor second", "million ids a second"],
      http.map(({ form, ids, requestsSecond, requestsProcessorSecond }) => [
        ...[form, whole(median(requestsSecond)), whole(median(requestsProcessorSecond))],
        ids === 0 ? "" : millions(median(requestsSecond) * ids),
      ]),
    ),
    "",
    ...table(["bar", "", ""], bars),
  ].join("\n");
}

/** Timers are late by a millisecond or so in a run of some seconds. */
function barOfLimit({ form, idsSecond, coreShare }: LimitRow): string[] {
  const isMet = median(idsSecond) >= TWITTER_LIMIT * 0.98 && median(coreShare) <= CORE_BAR;
  return [
    `Snowflake at its limit (${form}) with ${CORE_BAR} of a core at most`,
    ratioText(median(coreShare)),
    met(isMet),
  ];
}

/** One id a request costs no more than a bare GET; a batch has a rate of ids to reach. */
function barOfHttp(
  { form, ids, requestsSecond, requestsProcessorSecond }: HttpRow,
  http: readonly HttpRow[],
): string[][] {
  const bare = http.find((row) => row.form === BARE_GET);
  if (ids > 1) {
    const rate = median(requestsSecond) * ids;
    return [[`${form}: ${millions(BATCH_BAR)} million ids a second`, millions(rate), met(rate >= BATCH_BAR)]];
  }
  if (ids === 0 || bare === undefined) return [];
  const ratio = median(requestsProcessorSecond.map((rate, round) => rate / bare.requestsProcessorSecond[round]!));
  return [
    [`${form}: requests a processor second by those of a bare GET, 1 at least`, ratioText(ratio), met(ratio >= 1)],
  ];
}

function whole(rate: number): string {
  return Math.round(rate).toLocaleString("en");
}

function met(isMet: boolean): string {
  return isMet ? "met" : "not met";
}

/** Ashlar's rate divided by another's. */
function ratioOf(rates: ReadonlyMap<string, readonly number[]>, name: string): number | undefined {
  const [own] = rates.values();
  const [others] = [rates.get(name)];
  if (own === undefined || others === undefined || own === others) return undefined;
  return median(own.map((rate, round) => rate / others[round]!));
}

function millions(rate: number): string {
  return (rate / 1e6).toFixed(2);
}
