import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { run } from "../client.ts";
import { type Report, readReport } from "./junit-report.ts";
import { CEPH_RECORD_FILE, compare, readRecord, recordOf, type SuiteRecord } from "./suite-record.ts";
import { openTarget } from "./target.ts";

// Runs the suite of Ceph against a server of this checkout, or a cluster of them, and compares with ceph-s3-tests.json. Neither the suite nor its
// Python is part of this repository: the caller names both.

const USAGE = `npm run test:peers-suite -- --suite DIR --python BIN [--cluster] [--only EXPRESSION]
                              [--report FILE] [--record]

  --suite DIR        a checkout of ceph/s3-tests (also S3_TESTS_DIR)
  --python BIN       a Python with its requirements.txt installed (also S3_TESTS_PYTHON)
  --cluster          against three nodes, each request to the next of them; the record is that of one
  --only EXPRESSION  only cases whose names match, as pytest -k takes it
  --report FILE      keeps pytest's JUnit report, with what each failed case says
  --record           writes what passed and failed into the record
`;
/** The suite takes some ten minutes. A case that hangs ends with this. */
const RUN_MILLIS_MAX = 60 * 60_000;

const { values } = parseArgs({
  options: {
    suite: { type: "string", default: process.env["S3_TESTS_DIR"] ?? "" },
    python: { type: "string", default: process.env["S3_TESTS_PYTHON"] ?? "" },
    cluster: { type: "boolean", default: false },
    only: { type: "string", default: "" },
    report: { type: "string", default: "" },
    record: { type: "boolean", default: false },
  },
});

if (values.suite === "" || values.python === "" || (values.record && (values.only !== "" || values.cluster))) {
  process.stderr.write(USAGE);
  process.exitCode = 2;
} else {
  process.exitCode = await main(readRecord());
}

async function main(record: SuiteRecord): Promise<number> {
  const commit = (await run("git", ["-C", values.suite, "rev-parse", "HEAD"])).trim();
  if (commit !== record.commit && !values.record) {
    process.stderr.write(`The checkout is at ${commit}. The record is of ${record.commit}.\n`);
    return 1;
  }
  const report = await runSuite(record);
  if (values.record) {
    await writeFile(CEPH_RECORD_FILE, `${JSON.stringify(recordOf(record, commit, report.verdicts), undefined, 2)}\n`);
    process.stdout.write("Recorded. `node scripts/s3-table.ts` brings the manual up to date.\n");
    return 0;
  }
  return tell(record, report);
}

async function runSuite(record: SuiteRecord): Promise<Report> {
  await using target = await openTarget(values.cluster);
  const reportFile = values.report === "" ? join(target.folder, "report.xml") : resolve(values.report);
  const markers = Object.keys(record.markersLeftOut);
  const args = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short", "--show-capture=no", "--no-summary"];
  args.push(`--junitxml=${reportFile}`, "-m", markers.map((marker) => `not ${marker}`).join(" and "));
  if (values.only !== "") args.push("-k", values.only);
  // The caller's own settings for AWS are none of the suite's business.
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("AWS_"));
  const child = spawn(resolveBinary(values.python), [...args, ...record.files], {
    cwd: values.suite,
    stdio: ["ignore", "inherit", "inherit"],
    env: {
      ...Object.fromEntries(inherited),
      S3TEST_CONF: target.configuration,
      PYTHONDONTWRITEBYTECODE: "1",
    },
    timeout: RUN_MILLIS_MAX,
    killSignal: "SIGKILL",
  });
  const [code, signal] = await once(child, "exit");
  // 0: all passed; 1: some failed. Everything else is a run that did not come to its end.
  if (code !== 0 && code !== 1) throw new Error(`pytest ended with ${code ?? signal}`);
  return readReport(reportFile);
}

/** The child starts in the suite's folder; a path is relative to the caller's. */
function resolveBinary(name: string): string {
  return name.includes("/") ? resolve(name) : name;
}

function tell(record: SuiteRecord, { verdicts, messages }: Report): number {
  const { broken, mended, absent, unknown } = compare(record, verdicts);
  const list = (title: string, names: readonly string[]): void => {
    if (names.length === 0) return;
    const lines = names.map((name) => `  ${name}${messages.has(name) ? `\n      ${messages.get(name)}` : ""}\n`);
    process.stdout.write(`${title}\n${lines.join("")}`);
  };
  list("Passed when it was recorded, fails now:", broken);
  list("Failed when it was recorded, passes now (--record writes it down):", mended);
  list("Not in the record:", unknown);
  if (values.only === "") list("In the record, and was not run:", absent);
  const passed = [...verdicts.values()].filter((verdict) => verdict === "passed").length;
  process.stdout.write(`${passed} of ${verdicts.size} cases pass; ${broken.length} that did do not any more.\n`);
  const isComplete = values.only !== "" || absent.length === 0;
  return broken.length === 0 && unknown.length === 0 && isComplete ? 0 : 1;
}
