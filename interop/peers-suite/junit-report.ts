import { readFile } from "node:fs/promises";
import { parseXml, type XmlElement } from "../../src/codec/xml/index.ts";
import type { Verdict } from "./suite-record.ts";

// The report that `pytest --junitxml` writes: one testcase a case, and a second one where its clean-up failed too.

const REPORT_BYTES_MAX = 256 * 1024 * 1024;

export interface Report {
  readonly verdicts: ReadonlyMap<string, Verdict>;
  /** Of each failed case the first line of what pytest says. */
  readonly messages: ReadonlyMap<string, string>;
}

export async function readReport(file: string): Promise<Report> {
  return parseReport(await readFile(file));
}

export function parseReport(xml: Uint8Array): Report {
  const verdicts = new Map<string, Verdict>();
  const messages = new Map<string, string>();
  for (const suite of parseXml(xml, { bytesMax: REPORT_BYTES_MAX }).all("testsuite")) {
    for (const testcase of suite.all("testcase")) {
      const name = nameOf(testcase);
      const fault = testcase.children.find((child) => child.name === "failure" || child.name === "error");
      if (fault !== undefined) {
        verdicts.set(name, "failed");
        messages.set(name, (fault.attributes.get("message") ?? "").split("\n", 1)[0]!.slice(0, 300));
      } else if (verdicts.get(name) !== "failed") {
        verdicts.set(name, testcase.children.some((child) => child.name === "skipped") ? "skipped" : "passed");
      }
    }
  }
  return { verdicts, messages };
}

/** `s3tests.functional.test_s3` and `test_x` are `test_s3.py::test_x`. */
function nameOf(testcase: XmlElement): string {
  const file = (testcase.attributes.get("classname") ?? "").split(".").at(-1);
  return `${file}.py::${testcase.attributes.get("name")}`;
}
