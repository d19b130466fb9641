import { deepEqual, equal, throws } from "node:assert/strict";
import { test } from "node:test";
import type { ServerOptions } from "./options.ts";
import { resolveServerOptions } from "./start.ts";
import { withoutUrlPasswords } from "./store-url.ts";
import { type TagPlaces, tagPlaces } from "./tag-database.ts";

function options(values: Readonly<Record<string, unknown>>): ServerOptions {
  return withoutUrlPasswords(resolveServerOptions([{ label: "test", values }]));
}

function places(tagDatabase: string, ...tagSequence: readonly string[]): TagPlaces | undefined {
  return tagPlaces(options({ tagDatabase, tagSequence }));
}

test("--tag-database names a database, and --tag-sequence tags with their sequences", () => {
  equal(tagPlaces(resolveServerOptions([])), undefined);
  const { database, sequences } = places(
    "postgres://app:p%40ss@db/shop",
    "orders=sales.orders_id_seq",
    "users_id_seq",
  )!;
  deepEqual(database, { kind: "postgres", url: "postgres://app@db/shop", password: "p@ss" });
  deepEqual(
    [...sequences],
    [
      ["orders", "sales.orders_id_seq"],
      ["users_id_seq", "users_id_seq"],
    ],
  );
  const tickets = places("mariadb://app:secret@db:3307/shop", 'a="Mixed"=1')!;
  const place = { host: "db", port: 3307, user: "app", password: "secret", database: "shop" };
  deepEqual(tickets.database, { kind: "mysql", ...place });
  deepEqual([...tickets.sequences], [["a", '"Mixed"=1']]);
});

test("its password is not shown with the options", () => {
  const { tagDatabase, tagDatabasePassword } = options({ tagDatabase: "mysql://app:secret@db/shop" });
  deepEqual([tagDatabase, tagDatabasePassword], ["mysql://app@db/shop", "secret"]);
});

test("what names no tag or no database is refused, and a tag that is named twice", () => {
  const refused = (values: Readonly<Record<string, unknown>>): void =>
    throws(() => tagPlaces(options(values)), { code: "TAG_DATABASE_INVALID" }, JSON.stringify(values));
  refused({ tagSequence: ["a"] });
  refused({ tagDatabase: "postgres://u@h/d" });
  for (const tagDatabase of ["etcd://h", "redis://h", "mysql://h/d", "mysql://u@h", "postgres://u@h", "nothing", ""])
    refused({ tagDatabase, tagSequence: ["a"] });
  for (const tagSequence of [["a", "a=b"], [""], ["=b"], ["a="], ["a b"], [`${"a".repeat(129)}`]])
    refused({ tagDatabase: "postgres://u@h/d", tagSequence });
});
