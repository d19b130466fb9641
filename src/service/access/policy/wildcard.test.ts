import assert from "node:assert/strict";
import { test } from "node:test";
import { Wildcard, wildcardTokens } from "./wildcard.ts";

/** By definition, and exponential: only for short texts. Both are lists of characters. */
function matchesByDefinition(pattern: readonly string[], text: readonly string[]): boolean {
  const [token, ...rest] = pattern;
  if (token === undefined) return text.length === 0;
  if (token === "*") {
    return matchesByDefinition(rest, text) || (text.length > 0 && matchesByDefinition(pattern, text.slice(1)));
  }
  return text.length > 0 && (token === "?" || token === text[0]) && matchesByDefinition(rest, text.slice(1));
}

function wildcard(pattern: string): Wildcard {
  return new Wildcard(wildcardTokens(pattern));
}

function wordsUpTo(length: number, alphabet: readonly string[]): string[] {
  let longest = [""];
  const all = [""];
  for (let at = 0; at < length; at++) {
    longest = longest.flatMap((word) => alphabet.map((character) => word + character));
    all.push(...longest);
  }
  return all;
}

test("every pattern of up to 5 characters matches every text of up to 5 as the definition says", () => {
  const texts = wordsUpTo(5, ["a", "b"]);
  for (const pattern of wordsUpTo(5, ["a", "b", "*", "?"])) {
    const compiled = wildcard(pattern);
    for (const text of texts) {
      assert.equal(compiled.matches(text), matchesByDefinition([...pattern], [...text]), `${pattern} on ${text}`);
    }
  }
});

test("a question mark stands for one character beyond the basic plane, not for half of it", () => {
  const texts = wordsUpTo(3, ["a", "😀", "é"]);
  for (const pattern of wordsUpTo(4, ["a", "😀", "*", "?"])) {
    const compiled = wildcard(pattern);
    for (const text of texts) {
      assert.equal(compiled.matches(text), matchesByDefinition([...pattern], [...text]), `${pattern} on ${text}`);
    }
  }
});

test("a piece with question marks is found across the words of its bit mask", () => {
  for (const length of [31, 32, 33, 63, 64, 65, 100]) {
    const piece = Array.from({ length }, (_, at) => (at % 7 === 3 ? "?" : String.fromCharCode(97 + (at % 5)))).join("");
    const text = `abcab${piece.replaceAll("?", "x")}tail`;
    assert.ok(wildcard(`*${piece}*`).matches(text), `length ${length}`);
    assert.ok(!wildcard(`*${piece}!*`).matches(text), `length ${length}`);
    assert.ok(!wildcard(`*${piece}*`).matches(text.replace("xx", "x").slice(0, piece.length)), `cut, length ${length}`);
  }
});

test("patterns that ruin a backtracking matcher end at once", () => {
  const text = "a".repeat(10_000);
  assert.ok(!wildcard(`${"*a".repeat(1000)}*b`).matches(text));
  assert.ok(!wildcard(`${"*?a".repeat(1000)}*b*`).matches(text));
  assert.ok(!wildcard(`*${"a?".repeat(1000)}b*`).matches(text));
  assert.ok(wildcard(`${"*a".repeat(1000)}*`).matches(text));
});

test("head and tail of a pattern do not share characters of the text", () => {
  assert.ok(!wildcard("ab*ba").matches("aba"));
  assert.ok(!wildcard("a?*?a").matches("aba"));
  assert.ok(wildcard("ab*ba").matches("abba"));
});
