import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { utf8 } from "../../src/std/bytes.ts";
import { parseReport } from "./junit-report.ts";
import { compare, faultsOf, readRecord, recordOf, type SuiteRecord, type Verdict } from "./suite-record.ts";

/** Fewer than that were a loss that somebody has to look at. */
const PASSED_MIN = 330;

test("every case of the suite of Ceph stands in one place, and every failure has its reason", () => {
  const record = readRecord();
  assert.deepEqual(faultsOf(record), []);
  assert(record.counts.passed >= PASSED_MIN);
});

const SMALL: SuiteRecord = {
  suite: "peer/suite",
  url: "https://example.com/peer/suite",
  commit: "c1",
  files: ["suite.py"],
  markersLeftOut: { lifecycle: "not built" },
  counts: { passed: 2, failed: 2, skipped: 1 },
  failed: [
    { kind: "rgw", why: "An extension.", cases: ["a.py::extension"] },
    { kind: "notBuilt", why: "To come.", cases: ["a.py::later"] },
  ],
  skipped: ["a.py::skip"],
  passed: ["a.py::get", "b.py::put[x]"],
};

const run = (verdicts: Readonly<Record<string, Verdict>>) => new Map(Object.entries(verdicts));
const UNCHANGED = run({
  "a.py::get": "passed",
  "b.py::put[x]": "passed",
  "a.py::skip": "skipped",
  "a.py::extension": "failed",
  "a.py::later": "failed",
});

describe("the record of a suite", () => {
  test("a run like the recorded one differs in nothing", () => {
    assert.deepEqual(faultsOf(SMALL), []);
    assert.deepEqual(compare(SMALL, UNCHANGED), { broken: [], mended: [], absent: [], unknown: [] });
    assert.deepEqual(recordOf(SMALL, "c1", UNCHANGED), SMALL);
  });

  test("a run tells what broke, what works now, what was not run and what is new", () => {
    const verdicts = run({
      ...{ "a.py::get": "failed", "a.py::skip": "failed", "a.py::later": "passed" },
      ...{ "a.py::extension": "failed", "a.py::new": "passed" },
    });
    assert.deepEqual(compare(SMALL, verdicts), {
      broken: ["a.py::get", "a.py::skip"],
      mended: ["a.py::later"],
      absent: ["b.py::put[x]"],
      unknown: ["a.py::new"],
    });
  });

  test("a recorded run keeps the reasons that are known and asks for those of new failures", () => {
    const next = recordOf(
      SMALL,
      "c2",
      run({ ...Object.fromEntries(UNCHANGED), "a.py::get": "failed", "a.py::later": "passed" }),
    );
    assert.deepEqual(next.counts, { passed: 2, failed: 2, skipped: 1 });
    assert.deepEqual(next.passed, ["a.py::later", "b.py::put[x]"]);
    assert.deepEqual(next.failed, [
      { kind: "rgw", why: "An extension.", cases: ["a.py::extension"] },
      { kind: "unexplained", why: "", cases: ["a.py::get"] },
    ]);
    assert.deepEqual(faultsOf(next), ["No reason is given for a.py::get."]);
  });

  const faulty: readonly (readonly [string, Partial<SuiteRecord>, RegExp])[] = [
    ["a case in two places", { skipped: ["a.py::get"] }, /a\.py::get stands in two places/],
    ["a wrong count", { counts: { passed: 3, failed: 2, skipped: 1 } }, /2 cases passed, and the counts say 3/],
    ["something that is no case", { skipped: ["get"] }, /get is not the name of a case/],
    [
      "no reason",
      { failed: [{ kind: "rgw", why: " ", cases: ["a.py::x", "a.py::y"] }] },
      /No reason .* a\.py::x, a\.py::y/,
    ],
    ["AWS without a page", { failed: [{ kind: "asAws", why: "So it is.", cases: ["a.py::x", "a.py::y"] }] }, /No page/],
  ];
  for (const [name, change, fault] of faulty) {
    test(`${name} is a fault`, () => {
      const faults = faultsOf({ ...SMALL, ...change });
      assert.equal(faults.length, 1, faults.join("\n"));
      assert.match(faults[0]!, fault);
    });
  }
});

describe("pytest's report", () => {
  const report = parseReport(
    utf8(`<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests"><testsuite name="pytest" tests="4">
      <testcase classname="s3tests.functional.test_s3" name="test_ok" time="0.1" />
      <testcase classname="s3tests.functional.test_s3" name="test_bad" time="0.1">
        <failure message="assert 1 == 2&#10; + where">a &lt; b</failure></testcase>
      <testcase classname="s3tests.functional.test_headers" name="test_skip[v2]"><skipped type="pytest.skip" message="no">x</skipped></testcase>
      <testcase classname="s3tests.functional.test_s3" name="test_clean"/>
      <testcase classname="s3tests.functional.test_s3" name="test_clean"><error message="failed on teardown">x</error></testcase>
    </testsuite></testsuites>`),
  );

  test("gives each case its verdict; one whose clean-up fails has failed", () => {
    assert.deepEqual(Object.fromEntries(report.verdicts), {
      "test_s3.py::test_ok": "passed",
      "test_s3.py::test_bad": "failed",
      "test_headers.py::test_skip[v2]": "skipped",
      "test_s3.py::test_clean": "failed",
    });
  });

  test("gives the first line of what a failed case says", () => {
    assert.equal(report.messages.get("test_s3.py::test_bad"), "assert 1 == 2");
    assert.equal(report.messages.has("test_s3.py::test_ok"), false);
  });
});
