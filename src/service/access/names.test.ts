import assert from "node:assert/strict";
import { test } from "node:test";
import { hasCode } from "../../std/errors.ts";
import {
  checkImportedKey,
  checkPolicyName,
  checkUserName,
  equalSecrets,
  isKeyId,
  isTemporaryKeyId,
  makeKeyId,
  makeSecret,
  makeTemporaryKeyId,
} from "./names.ts";
import { ManualEnv } from "./testing/manual-env.ts";

test("ids and secrets have their lengths and forms, and no two are equal", () => {
  const { random } = new ManualEnv(3);
  const seen = new Set<string>();
  for (let run = 0; run < 500; run++) {
    const id = makeKeyId(random);
    const temporary = makeTemporaryKeyId(random);
    const secret = makeSecret(random);
    assert.match(id, /^ASHK[A-Z2-7]{16}$/);
    assert.match(temporary, /^ASHT[A-Z2-7]{16}$/);
    assert.match(secret, /^[A-Za-z0-9]{40}$/);
    assert.ok(isKeyId(id) && !isTemporaryKeyId(id) && isTemporaryKeyId(temporary));
    for (const each of [id, temporary, secret]) seen.add(each);
  }
  assert.equal(seen.size, 1500);
});

test("every character of the alphabets occurs, about as often as the others", () => {
  const { random } = new ManualEnv(4);
  const counts = new Map<string, number>();
  for (let run = 0; run < 1000; run++)
    for (const each of makeSecret(random)) counts.set(each, (counts.get(each) ?? 0) + 1);
  assert.equal(counts.size, 62);
  // 40,000 draws from 62: 645 each, with a deviation of 25. A plain remainder would give the first eight 781.
  for (const [character, count] of counts) assert.ok(count > 530 && count < 760, `${character}: ${count}`);
});

test("names of users and policies are what IAM allows, and root is taken", () => {
  for (const name of ["a", "Alice.B+c=d,e@f_g-h", "x".repeat(64)]) checkUserName(name);
  checkPolicyName("x".repeat(128));
  for (const name of ["", "a b", "a/b", "é", "a*", "x".repeat(65), "root", "a\n"]) {
    assert.throws(
      () => checkUserName(name),
      (error) => hasCode(error, "NAME_INVALID"),
      name,
    );
  }
  for (const name of ["", "a/b", "x".repeat(129)]) {
    assert.throws(
      () => checkPolicyName(name),
      (error) => hasCode(error, "NAME_INVALID"),
      name,
    );
  }
});

test("an imported key has an id that fits into a signature's scope; its secret is in no error", () => {
  checkImportedKey("minio", "12345678");
  checkImportedKey("it's.me+you@example.com", "~!@#$%^&*()_+");
  const bad: readonly (readonly [string, string])[] = [
    ["ab", "12345678"],
    ["a/b/c", "12345678"],
    ["a,bc", "12345678"],
    ["a=bc", "12345678"],
    ["a bc", "12345678"],
    ["äöü", "12345678"],
    ["abc", "1234567"],
    ["abc", "secret with spaces"],
    ["abc", "x".repeat(129)],
    ["ASHTABCDEFGHIJKLMNOP", "12345678"],
  ];
  for (const [id, secret] of bad) {
    assert.throws(
      () => checkImportedKey(id, secret),
      (error) => hasCode(error, "KEY_INVALID") && !JSON.stringify({ ...error, text: error.message }).includes(secret),
      id,
    );
  }
});

test("secrets are equal where all their characters are", () => {
  assert.ok(equalSecrets("abc", "abc"));
  assert.ok(equalSecrets("", ""));
  for (const [left, right] of [
    ["abc", "abd"],
    ["abc", "ab"],
    ["ab", "abc"],
    ["", "a"],
    ["a", ""],
    ["aa", "a"],
  ] as const) {
    assert.ok(!equalSecrets(left, right), `${left} ${right}`);
  }
});
