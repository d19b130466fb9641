import assert from "node:assert/strict";
import { test } from "node:test";
import { text, utf8 } from "../../std/bytes.ts";
import { BatchedGets, type FoundRows } from "./batched-gets.ts";

function gates() {
  const requests: { readonly keys: readonly string[]; readonly answer: () => void; readonly fail: () => void }[] = [];
  const gets = new BatchedGets<string>({
    ...{ requestsMax: 1, keysMax: 3 },
    read(keys) {
      const { promise, resolve, reject } = Promise.withResolvers<FoundRows<string>>();
      const names = keys.map(text);
      const answer = (): void => resolve({ found: names.map((name) => `row ${name}`), revision: requests.length });
      requests.push({ keys: names, answer, fail: () => reject(new RangeError("failed")) });
      return promise;
    },
  });
  return { gets, requests, get: (...names: readonly string[]) => gets.get(names.map(utf8)) };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("gets of one turn and those that wait go together, a bounded number of keys, each with its own rows", async () => {
  const { requests, get } = gates();
  const first = [get("a"), get("b")];
  await settled();
  const later = [get("c"), get("d", "e"), get("f"), get("c")];
  await settled();
  assert.deepEqual(
    requests.map(({ keys }) => keys),
    [["a", "b"]],
  );
  for (let at = 0; at < requests.length; at++) {
    requests[at]!.answer();
    await settled();
  }
  assert.deepEqual(
    requests.map(({ keys }) => keys),
    [
      ["a", "b"],
      ["c", "d", "e"],
      ["f", "c"],
    ],
  );
  const found = (await Promise.all([...first, ...later])).map((rows) => rows.found);
  assert.deepEqual(found, [["row a"], ["row b"], ["row c"], ["row d", "row e"], ["row f"], ["row c"]]);
});

test("a request that fails fails its gets and no others; a single get may ask for more keys than go together", async () => {
  const { requests, get } = gates();
  const failing = get("a", "b", "c", "d");
  await settled();
  const other = get("e");
  requests[0]!.fail();
  await assert.rejects(failing, RangeError);
  await settled();
  requests[1]!.answer();
  assert.deepEqual((await other).found, ["row e"]);
});
