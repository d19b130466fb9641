import assert from "node:assert/strict";
import { test } from "node:test";
import { STORE_CONFORMANCE_TESTS, type StoreConformance, type StoreFixture, storeConformance } from "./conformance.ts";

type Settings = StoreConformance<StoreFixture>;

/** What gets registered: name, reason of the skip, and the body. */
function register(
  more: Partial<Settings>,
): Map<string, { readonly skip: string | undefined; readonly run: () => Promise<void> }> {
  const registered = new Map<string, { readonly skip: string | undefined; readonly run: () => Promise<void> }>();
  storeConformance({
    test: (name, { skip }, run) => registered.set(name, { skip, run }),
    name: "engine",
    open: () => Promise.reject(new RangeError("opened")),
    ...more,
  });
  return registered;
}

test("every test is registered, under the engine's name and its own, each name once", () => {
  const registered = register({});
  assert.equal(registered.size, STORE_CONFORMANCE_TESTS.length);
  for (const { name } of STORE_CONFORMANCE_TESTS) assert.ok(registered.has(`engine: ${name}`));
});

test("a skip carries its reason; one without a reason, or of a test that does not exist, is refused", () => {
  const { name } = STORE_CONFORMANCE_TESTS[0]!;
  const registered = register({ skip: [{ test: name, reason: "because" }] });
  assert.equal(registered.get(`engine: ${name}`)?.skip, "because");
  assert.equal([...registered.values()].filter(({ skip }) => skip !== undefined).length, 1);
  assert.throws(() => register({ skip: [{ test: name, reason: "" }] }), /has a reason/);
  assert.throws(() => register({ skip: [{ test: "no such test", reason: "because" }] }), /no test "no such test"/);
});

test("a test whose need its provider does not meet fails, instead of passing by not running", async () => {
  const registered = register({});
  for (const { name, needs } of STORE_CONFORMANCE_TESTS) {
    const { run } = registered.get(`engine: ${name}`)!;
    if (needs.length > 0) await assert.rejects(run, /skip the test by name/);
    else await assert.rejects(run, RangeError);
  }
});
