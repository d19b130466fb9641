import assert from "node:assert/strict";
import { test } from "node:test";
import { ipAddressGroup, ipBlockContains, parseIpAddress, parseIpBlock } from "./ip-address.ts";

test("addresses of both families are read in all their forms", () => {
  const cases: readonly (readonly [string, readonly number[]])[] = [
    ["0.0.0.0", [0]],
    ["192.0.2.1", [0xc0000201]],
    ["255.255.255.255", [0xffffffff]],
    ["::", [0, 0, 0, 0]],
    ["::1", [0, 0, 0, 1]],
    ["2001:db8::", [0x20010db8, 0, 0, 0]],
    ["2001:DB8:0:1:2:3:4:5", [0x20010db8, 1, 0x00020003, 0x00040005]],
    ["fe80::1%eth0", [0xfe800000, 0, 0, 1]],
    ["64:ff9b::192.0.2.1", [0x0064ff9b, 0, 0, 0xc0000201]],
    ["::ffff:192.0.2.1", [0xc0000201]],
    ["::ffff:c000:201", [0xc0000201]],
    ["1::8", [0x00010000, 0, 0, 8]],
  ];
  for (const [text, words] of cases) assert.deepEqual(parseIpAddress(text)?.words, words, text);
});

test("what is no address is refused", () => {
  for (const text of [
    "",
    "1",
    "1.2.3",
    "1.2.3.4.5",
    "256.0.0.1",
    "01.2.3.4",
    "1.2.3.4%eth0",
    ":",
    ":::",
    "1::2::3",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7::8",
    "12345::",
    "g::",
    "::1.2.3",
    "1.2.3.4::",
    "a.b.c.d",
    ":1",
    "[::1]",
    "a".repeat(100),
  ]) {
    assert.equal(parseIpAddress(text), undefined, text);
  }
});

test("a block holds the addresses of its prefix and no others, at every length", () => {
  for (const family of ["203.0.113.7", "2001:db8:1:2:3:4:5:6"]) {
    const address = parseIpAddress(family)!;
    const bitsMax = address.words.length * 32;
    for (let bits = 0; bits <= bitsMax; bits++) {
      const block = parseIpBlock(`${family}/${bits}`)!;
      assert.ok(ipBlockContains(block, address), `${family}/${bits}`);
      for (let flipped = 0; flipped < bitsMax; flipped++) {
        const words = [...address.words];
        words[flipped >>> 5] = (words[flipped >>> 5]! ^ (1 << (31 - (flipped & 31)))) >>> 0;
        assert.equal(ipBlockContains(block, { words }), flipped >= bits, `${family}/${bits}, bit ${flipped}`);
      }
    }
  }
});

test("blocks of one family hold no address of the other, but a mapped IPv4 address is an IPv4 address", () => {
  assert.ok(!ipBlockContains(parseIpBlock("0.0.0.0/0")!, parseIpAddress("2001:db8::1")!));
  assert.ok(!ipBlockContains(parseIpBlock("::/0")!, parseIpAddress("192.0.2.1")!));
  assert.ok(ipBlockContains(parseIpBlock("192.0.2.0/24")!, parseIpAddress("::ffff:192.0.2.9")!));
  assert.ok(ipBlockContains(parseIpBlock("::ffff:192.0.2.0/120")!, parseIpAddress("192.0.2.9")!));
});

test("a prefix out of range is refused", () => {
  for (const text of [
    "1.2.3.4/33",
    "::/129",
    "1.2.3.4/",
    "1.2.3.4/x",
    "1.2.3.4/-1",
    "1.2.3.4/8/8",
    "::ffff:1.2.3.4/95",
    "/8",
    "fe80::%1/64",
  ]) {
    assert.equal(parseIpBlock(text), undefined, text);
  }
});

test("an IPv6 host counts as one with its /64, an IPv4 host by itself", () => {
  assert.equal(ipAddressGroup("2001:db8:1:2::1"), ipAddressGroup("2001:db8:1:2:ffff::9"));
  assert.notEqual(ipAddressGroup("2001:db8:1:2::1"), ipAddressGroup("2001:db8:1:3::1"));
  assert.equal(ipAddressGroup("::ffff:192.0.2.1"), ipAddressGroup("192.0.2.1"));
  assert.notEqual(ipAddressGroup("192.0.2.1"), ipAddressGroup("192.0.2.2"));
  assert.equal(ipAddressGroup("unix"), "unix");
});
