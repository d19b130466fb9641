import { readFileSync } from "node:fs";

// What is recorded of a peer's suite: which of its cases pass here, and why each of the others does not. A case stands in
// exactly one place, as `file.py::name`.

export interface SuiteRecord {
  readonly suite: string;
  readonly url: string;
  /** Of the suite's repository. */
  readonly commit: string;
  /** The suite's files that are run, from the root of its checkout. */
  readonly files: readonly string[];
  /** Pytest markers whose cases are not run, each with its reason. */
  readonly markersLeftOut: Readonly<Record<string, string>>;
  readonly counts: SuiteCounts;
  readonly failed: readonly FailureGroup[];
  readonly skipped: readonly string[];
  readonly passed: readonly string[];
}

export interface SuiteCounts {
  readonly passed: number;
  readonly failed: number;
  /** By the suite itself. */
  readonly skipped: number;
}

export interface FailureGroup {
  readonly kind: FailureKind;
  readonly why: string;
  /** The page of AWS's documentation that the reason rests on. */
  readonly page?: string;
  readonly cases: readonly string[];
}

export const FAILURE_KINDS = {
  notBuilt: "not built yet",
  asAws: "as AWS documents it",
  rgw: "an extension of Ceph's",
  suite: "a fault of the case",
  different: "differs from AWS on purpose",
  unexplained: "not looked at yet; only a run with --record writes it",
} as const;

export type FailureKind = keyof typeof FAILURE_KINDS;

export type Verdict = "passed" | "failed" | "skipped";

/** What a run gave: of each case its verdict. */
export type Verdicts = ReadonlyMap<string, Verdict>;

export interface Comparison {
  /** Recorded as passed or skipped, and failed. */
  readonly broken: readonly string[];
  /** Recorded as failed, and passed. */
  readonly mended: readonly string[];
  /** Recorded, and not run. */
  readonly absent: readonly string[];
  /** Run, and not recorded. */
  readonly unknown: readonly string[];
}

export const CEPH_RECORD_FILE: URL = new URL("ceph-s3-tests.json", import.meta.url);

export function readRecord(file: URL = CEPH_RECORD_FILE): SuiteRecord {
  return JSON.parse(readFileSync(file, "utf8")) as SuiteRecord;
}

export function compare(record: SuiteRecord, verdicts: Verdicts): Comparison {
  const recorded = recordedVerdicts(record);
  const names = [...verdicts.keys()].sort();
  const changed = (now: Verdict, before: (verdict: Verdict | undefined) => boolean): string[] =>
    names.filter((name) => verdicts.get(name) === now && recorded.has(name) && before(recorded.get(name)));
  return {
    broken: changed("failed", (before) => before !== "failed"),
    mended: changed("passed", (before) => before === "failed"),
    absent: [...recorded.keys()].filter((name) => !verdicts.has(name)).sort(),
    unknown: names.filter((name) => !recorded.has(name)),
  };
}

/** The record after a run: a failure that was known keeps its reason, a new one is `unexplained`. */
export function recordOf(record: SuiteRecord, commit: string, verdicts: Verdicts): SuiteRecord {
  const names = (verdict: Verdict): string[] =>
    [...verdicts.keys()].filter((name) => verdicts.get(name) === verdict).sort();
  const failing = new Set(names("failed"));
  const groups = record.failed.map((group) => ({ ...group, cases: group.cases.filter((name) => failing.has(name)) }));
  const explained = new Set(groups.flatMap(({ cases }) => cases));
  const unexplained = [...failing].filter((name) => !explained.has(name));
  if (unexplained.length > 0) groups.push({ kind: "unexplained", why: "", cases: unexplained });
  const failed = groups.filter(({ cases }) => cases.length > 0);
  const skipped = names("skipped");
  const passed = names("passed");
  const counts = { passed: passed.length, failed: failing.size, skipped: skipped.length };
  return { ...record, commit, counts, failed, skipped, passed };
}

/** What the manual says of a record. */
export interface SuiteSummary {
  readonly suite: string;
  readonly url: string;
  readonly commit: string;
  readonly counts: SuiteCounts;
  readonly leftOut: readonly { readonly markers: readonly string[]; readonly why: string }[];
  readonly failures: readonly {
    readonly cases: number;
    readonly kind: string;
    readonly why: string;
    readonly page: string | undefined;
  }[];
}

export function summaryOf(record: SuiteRecord): SuiteSummary {
  const { suite, url, commit, counts } = record;
  const kinds = Object.keys(FAILURE_KINDS);
  const failures = record.failed
    .toSorted(
      (left, right) => kinds.indexOf(left.kind) - kinds.indexOf(right.kind) || right.cases.length - left.cases.length,
    )
    .map(({ kind, why, page, cases }) => ({ cases: cases.length, kind: FAILURE_KINDS[kind], why, page }));
  const markers = Map.groupBy(Object.entries(record.markersLeftOut), ([, why]) => why);
  const leftOut = [...markers].map(([why, entries]) => ({ markers: entries.map(([marker]) => marker), why }));
  return { suite, url, commit, counts, leftOut, failures };
}

/** What is wrong with a record, in sentences. */
export function faultsOf(record: SuiteRecord): string[] {
  const { counts, failed, passed, skipped } = record;
  const faults: string[] = [];
  const seen = new Set<string>();
  for (const name of casesOf(record)) {
    if (seen.has(name)) faults.push(`${name} stands in two places.`);
    if (!/^\w+\.py::\w+(\[.+\])?$/.test(name)) faults.push(`${name} is not the name of a case.`);
    seen.add(name);
  }
  for (const { kind, why, page, cases } of failed) {
    if (!Object.hasOwn(FAILURE_KINDS, kind)) faults.push(`"${kind}" is not a kind of failure.`);
    if (kind === "unexplained" || why.trim() === "") faults.push(`No reason is given for ${cases.join(", ")}.`);
    if (kind === "asAws" && !/^https:\/\/docs\.aws\.amazon\.com\//.test(page ?? ""))
      faults.push(`No page of AWS's documentation is named for: ${why}`);
    if (cases.length === 0) faults.push(`No case fails for: ${why}`);
  }
  const counted = { passed: passed.length, failed: failuresOf(record).length, skipped: skipped.length };
  for (const verdict of ["passed", "failed", "skipped"] as const)
    if (counts[verdict] !== counted[verdict])
      faults.push(`${counted[verdict]} cases ${verdict}, and the counts say ${counts[verdict]}.`);
  return faults;
}

function recordedVerdicts(record: SuiteRecord): Map<string, Verdict> {
  const of = (names: readonly string[], verdict: Verdict) => names.map((name) => [name, verdict] as const);
  return new Map([
    ...of(record.passed, "passed"),
    ...of(failuresOf(record), "failed"),
    ...of(record.skipped, "skipped"),
  ]);
}

function casesOf(record: SuiteRecord): string[] {
  return [...record.passed, ...failuresOf(record), ...record.skipped];
}

function failuresOf({ failed }: SuiteRecord): string[] {
  return failed.flatMap(({ cases }) => cases);
}
