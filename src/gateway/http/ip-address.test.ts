import assert from "node:assert/strict";
import { test } from "node:test";
import { toHex } from "../../std/bytes.ts";
import { inRange, parseAddress, parseRange } from "./ip-address.ts";

test("addresses of both families become 16 bytes", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["192.0.2.1", "00000000000000000000ffffc0000201"],
    ["::ffff:192.0.2.1", "00000000000000000000ffffc0000201"],
    ["::", "0".repeat(32)],
    ["::1", `${"0".repeat(31)}1`],
    ["[2001:db8::5]", "20010db8000000000000000000000005"],
    ["fe80::1%eth0", "fe800000000000000000000000000001"],
    ["1:2:3:4:5:6:7:8", "00010002000300040005000600070008"],
    ["1::8", "00010000000000000000000000000008"],
  ];
  for (const [text, hex] of cases) assert.equal(toHex(parseAddress(text)!), hex, text);
});

test("what is no address is undefined", () => {
  const texts = [
    "",
    "1.2.3",
    "1.2.3.4.5",
    "256.1.1.1",
    "a.b.c.d",
    "1::2::3",
    "1:2:3",
    "1:2:3:4:5:6:7:8:9",
    "g::1",
    ":1",
  ];
  for (const text of texts) assert.equal(parseAddress(text), undefined, text);
});

test("a range covers what shares its leading bits", () => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ["10.0.0.0/8", "10.255.1.2", true],
    ["10.0.0.0/8", "11.0.0.0", false],
    ["192.0.2.128/25", "192.0.2.129", true],
    ["192.0.2.128/25", "192.0.2.127", false],
    ["192.0.2.1", "192.0.2.1", true],
    ["192.0.2.1", "192.0.2.2", false],
    ["0.0.0.0/0", "198.51.100.1", true],
    ["0.0.0.0/0", "2001:db8::1", false],
    ["2001:db8::/33", "2001:db8:7fff::1", true],
    ["2001:db8::/33", "2001:db8:8000::1", false],
    ["::/0", "10.0.0.1", true],
    ["10.0.0.0/8", "::ffff:10.1.1.1", true],
  ];
  for (const [range, address, expected] of cases) {
    assert.equal(inRange(parseAddress(address)!, parseRange(range)!), expected, `${address} in ${range}`);
  }
});

test("a range with too many bits or none at all is undefined", () => {
  for (const text of ["10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/x", "10.0.0.0/-1", "/8"]) {
    assert.equal(parseRange(text), undefined, text);
  }
});
