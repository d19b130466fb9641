import assert from "node:assert/strict";
import { test } from "node:test";
import { checkHistory } from "./check-history.ts";
import { DRAWN_OPERATIONS_MAX, timeline, violationPage } from "./picture.ts";
import { historyOf, serially } from "./testing/notation.ts";

function pageOf(notation: string): string {
  const verdict = checkHistory(historyOf(notation), { model: "kv" });
  assert.ok(verdict.verdict === "violation");
  return violationPage(verdict, "run <1>.jsonl");
}

test("a picture shows each operation, its process and why they do not fit", () => {
  const page = pageOf(serially("0 put@x 1", "0 put@x 2", "7 get@x -> 1"));
  assert.match(page, /^<!doctype html>/);
  for (const text of [
    "process 0",
    "process 7",
    "put x 1",
    "get x → 1",
    "Then the value is 2",
    "Violation of x: linearizability",
  ]) {
    assert.ok(page.includes(text), text);
  }
  assert.equal(page.match(/<rect /g)?.length, 3);
});

test("nothing of a history becomes markup, and the page asks for nothing from anywhere", () => {
  const evil = `</svg><script>alert("1" & '2')</script>\u0000`;
  const page = pageOf(serially(`0 put@<img/src=x> ${JSON.stringify(evil)}`, "1 get@<img/src=x> -> 1"));
  for (const markup of ["<script", "<img", "</svg><", "\u0000", "run <1>"]) assert.ok(!page.includes(markup), markup);
  assert.doesNotMatch(page, /https?:|src=["']|href=|@import|url\(/);
});

test("a label says what was answered where there was an answer, and is inside the picture", () => {
  const text = "x".repeat(60);
  const svg = timeline(historyOf(serially("0 put@x 1", "0 get@x -> null", `0 put@x "${text}"`)));
  for (const label of [">put x 1<", ">get x → null<", `>put x &quot;${text}&quot;<`])
    assert.ok(svg.includes(label), label);
  const width = Number(/^<svg [^>]*width="(\d+)"/.exec(svg)?.[1]);
  const last = Number(/<text x="(\d+)"[^>]*>put x &quot;/.exec(svg)?.[1]);
  assert.ok(width - last >= 60 * 7, `${width - last} pixels for 60 letters`);
});

test("an operation of unknown outcome goes on to the edge", () => {
  const svg = timeline(historyOf("0 invoke put@x 1\n1 invoke get@x\n1 ok null\n0 info"));
  assert.match(svg, /<g class="unknown">.*x="110" y="\d+" width="270"/);
  assert.match(svg, /put x 1 \?/);
});

test("of many operations the first ones are drawn, and the rest are counted", () => {
  const operations = historyOf(
    serially(...Array.from({ length: DRAWN_OPERATIONS_MAX + 5 }, (_, at) => `0 put@x ${at}`)),
  );
  const page = violationPage({ verdict: "violation", anomaly: "a", explanation: [], key: undefined, operations }, "t");
  assert.equal(page.match(/<rect /g)?.length, DRAWN_OPERATIONS_MAX);
  assert.match(page, /5 more are not drawn/);
});
