import assert from "node:assert/strict";
import { test } from "node:test";
import { addressGroup, contains, parseAddress, parseBlock } from "./ip.ts";

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
  ];
  for (const [text, words] of cases) assert.deepEqual(parseAddress(text)?.words, words, text);
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
    "a".repeat(100),
  ]) {
    assert.equal(parseAddress(text), undefined, text);
  }
});

test("a block holds the addresses of its prefix and no others, at every length", () => {
  for (const family of ["203.0.113.7", "2001:db8:1:2:3:4:5:6"]) {
    const address = parseAddress(family)!;
    const bitsMax = address.words.length * 32;
    for (let bits = 0; bits <= bitsMax; bits++) {
      const block = parseBlock(`${family}/${bits}`)!;
      assert.ok(contains(block, address), `${family}/${bits}`);
      for (let flipped = 0; flipped < bitsMax; flipped++) {
        const words = [...address.words];
        words[flipped >>> 5] = (words[flipped >>> 5]! ^ (1 << (31 - (flipped & 31)))) >>> 0;
        assert.equal(contains(block, { words }), flipped >= bits, `${family}/${bits}, bit ${flipped}`);
      }
    }
  }
});

test("blocks of one family hold no address of the other, but a mapped IPv4 address is an IPv4 address", () => {
  assert.ok(!contains(parseBlock("0.0.0.0/0")!, parseAddress("2001:db8::1")!));
  assert.ok(!contains(parseBlock("::/0")!, parseAddress("192.0.2.1")!));
  assert.ok(contains(parseBlock("192.0.2.0/24")!, parseAddress("::ffff:192.0.2.9")!));
  assert.ok(contains(parseBlock("::ffff:192.0.2.0/120")!, parseAddress("192.0.2.9")!));
});

test("a prefix out of range is refused", () => {
  for (const text of [
    "1.2.3.4/33",
    "::/129",
    "1.2.3.4/",
    "1.2.3.4/-1",
    "1.2.3.4/8/8",
    "::ffff:1.2.3.4/95",
    "/8",
    "fe80::%1/64",
  ]) {
    assert.equal(parseBlock(text), undefined, text);
  }
});

test("an IPv6 host counts as one with its /64, an IPv4 host by itself", () => {
  assert.equal(addressGroup("2001:db8:1:2::1"), addressGroup("2001:db8:1:2:ffff::9"));
  assert.notEqual(addressGroup("2001:db8:1:2::1"), addressGroup("2001:db8:1:3::1"));
  assert.equal(addressGroup("::ffff:192.0.2.1"), addressGroup("192.0.2.1"));
  assert.notEqual(addressGroup("192.0.2.1"), addressGroup("192.0.2.2"));
  assert.equal(addressGroup("unix"), "unix");
});
