import assert from "node:assert/strict";
import { test } from "node:test";
import { hasCode } from "../std/errors.ts";
import { resolveServerOptions } from "./start.ts";
import { type StorePlace, storePlace, withoutUrlPasswords } from "./store-url.ts";

function place(store: string | undefined, storePassword?: string): StorePlace | undefined {
  const values = { ...(store !== undefined && { store }), ...(storePassword !== undefined && { storePassword }) };
  return storePlace(withoutUrlPasswords(resolveServerOptions([{ label: "test", values }])));
}

test("etcd is several members, a prefix, and a user where one is given", () => {
  assert.equal(place(undefined), undefined);
  assert.deepEqual(place("etcd://127.0.0.1"), {
    ...{ kind: "etcd", endpoints: ["127.0.0.1:2379"], prefix: "/ashlar/", isSecure: false, credentials: undefined },
  });
  assert.deepEqual(place("etcds://user:p%40ss@a:1,b.example:2379,[::1]:3/my/place/"), {
    ...{ kind: "etcd", endpoints: ["a:1", "b.example:2379", "[::1]:3"], prefix: "/my/place/", isSecure: true },
    credentials: { user: "user", password: "p@ss" },
  });
});

test("PostgreSQL is a URL without its password, which comes apart from it", () => {
  const expected = { kind: "postgres", url: "postgres://user@host:5432/db?sslmode=require", password: "secret" };
  assert.deepEqual(place("postgres://user:secret@host:5432/db?sslmode=require"), expected);
  assert.deepEqual(place("postgresql://user@host:5432/db?sslmode=require", "secret"), expected);
  assert.deepEqual(place("postgres://user:other@host:5432/db?sslmode=require", "secret"), expected);
});

test("a password in the URL is not among the options that are shown", () => {
  const values = { store: "postgres://user:secret@host/db" };
  const shown = withoutUrlPasswords(resolveServerOptions([{ label: "test", values }]));
  assert.deepEqual([shown.store, shown.storePassword], ["postgres://user@host/db", "secret"]);
});

test("what names no engine is refused, and no refusal tells a password", () => {
  const wrong = [
    "redis://h/1",
    "etcd://",
    "etcd://a b/p",
    "postgres://h",
    "etcd:",
    "etcd://h:port/p",
    "etcd://h/p?a=b",
  ];
  for (const url of [...wrong, "mysql://user:secret@h/db", "postgres://user:secret@h", "etcd://u:secret@h:x/p"]) {
    assert.throws(
      () => place(url),
      (error) =>
        hasCode(error, "STORE_OPTION_INVALID") && !JSON.stringify({ ...error, m: error.message }).includes("secret"),
      url,
    );
  }
});
