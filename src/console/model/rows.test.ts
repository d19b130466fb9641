import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { breadcrumb, folderOf, listingOf, versionListingOf } from "./rows.ts";

const entry = (key: string) => ({ key, sizeBytes: 1, etag: "e", modifiedAt: "2026-01-01T00:00:00.000Z" });

describe("rows of a listing", () => {
  test("folders come first, and names are what lies behind the prefix", () => {
    const { rows, next } = listingOf(
      { items: [entry("a/x"), entry("a/y")], commonPrefixes: ["a/b/"], next: "a/y" },
      "a/",
    );
    assert.deepEqual(
      rows.map(({ kind, name }) => [kind, name]),
      [
        ["folder", "b/"],
        ["object", "x"],
        ["object", "y"],
      ],
    );
    assert.deepEqual(next, { after: "a/y" });
    assert.equal(listingOf({ items: [], commonPrefixes: [] }, "").next, undefined);
  });

  test("a key that is the prefix itself, and one with spaces around it, can be seen", () => {
    const { rows } = listingOf({ items: [entry("a/"), entry("a/ x")], commonPrefixes: ["a//"] }, "a/");
    assert.deepEqual(
      rows.map(({ name }) => name),
      ["/", "(this prefix itself)", '" x"'],
    );
  });

  test("versions of one key are rows of their own", () => {
    const versions = ["2", "1"].map((versionId, at) => ({
      ...entry("k"),
      ...{ versionId, isLatest: at === 0, deleteMarker: at === 0 },
    }));
    const { rows, next } = versionListingOf(
      { items: versions, commonPrefixes: [], nextKey: "k", nextVersionId: "1" },
      "",
    );
    assert.equal(new Set(rows.map(({ id }) => id)).size, 2);
    assert.deepEqual(
      rows.map((row) => row.kind === "object" && row.version),
      [
        { id: "2", isLatest: true, deleteMarker: true },
        { id: "1", isLatest: false, deleteMarker: false },
      ],
    );
    assert.deepEqual(next, { after: "k", afterVersion: "1" });
  });
});

describe("the way to a prefix", () => {
  test("begins with the bucket and has a step for every part", () => {
    assert.deepEqual(breadcrumb("b", "x/y/"), [
      { name: "b", prefix: "" },
      { name: "x/", prefix: "x/" },
      { name: "y/", prefix: undefined },
    ]);
    assert.deepEqual(breadcrumb("b", ""), [{ name: "b", prefix: undefined }]);
  });

  test("empty parts and a part without its delimiter are steps too", () => {
    assert.deepEqual(
      breadcrumb("b", "a//c").map(({ name, prefix }) => [name, prefix]),
      [
        ["b", ""],
        ["a/", "a/"],
        ["/", "a//"],
        ["c", undefined],
      ],
    );
  });

  test("a key is listed in its folder", () => {
    assert.deepEqual(["k", "a/k", "a/b/", "/", "a//"].map(folderOf), ["", "a/", "a/b/", "/", "a//"]);
  });
});
