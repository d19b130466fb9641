import assert from "node:assert/strict";
import { test } from "node:test";
import { mysqlPlace, withoutMysqlPassword } from "./mysql-url.ts";
import { resolveServerOptions } from "./start.ts";

function placeOf(leafMysql: string, leafMysqlPassword?: string) {
  const values = { leafListen: "127.0.0.1:0", leafMysql, ...(leafMysqlPassword && { leafMysqlPassword }) };
  return mysqlPlace(withoutMysqlPassword(resolveServerOptions([{ label: "test", values }])));
}

test("--leaf-mysql names a user, a host, a port and a database", () => {
  const place = { host: "db.test", port: 3306, user: "leaf", password: undefined, database: "ids" };
  assert.deepEqual(placeOf("mysql://leaf@db.test/ids"), place);
  assert.deepEqual(placeOf("mariadb://leaf@db.test:3307/ids"), { ...place, port: 3307 });
  assert.deepEqual(placeOf("mysql://le%40af@[::1]:3306/i%20s"), {
    ...place,
    host: "::1",
    user: "le@af",
    database: "i s",
  });
});

test("its password is not shown with the options, and one that is given by itself wins", () => {
  const values = { leafListen: "127.0.0.1:0", leafMysql: "mysql://leaf:s%3Acret@db.test/ids" };
  const options = withoutMysqlPassword(resolveServerOptions([{ label: "test", values }]));
  assert.equal(options.leafMysql, "mysql://leaf@db.test/ids");
  assert.equal(mysqlPlace(options)!.password, "s:cret");
  assert.equal(placeOf("mysql://leaf:one@db.test/ids", "two")!.password, "two");
});

test("what names no database is refused, and what nobody would use", () => {
  for (const url of [
    "db.test/ids",
    "postgres://u@h/d",
    "mysql://db.test/ids",
    "mysql://u@h",
    "mysql://u@h/",
    "mysql://u@h:0/d",
  ])
    assert.throws(() => placeOf(url), { code: "MYSQL_OPTION_INVALID" }, url);
  assert.throws(() => placeOf("mysql://%zz@h/d"), { code: "MYSQL_OPTION_INVALID" });
  const options = resolveServerOptions([{ label: "test", values: { leafMysql: "mysql://u@h/d" } }]);
  assert.throws(() => mysqlPlace(options), { code: "MYSQL_OPTION_INVALID" });
});
