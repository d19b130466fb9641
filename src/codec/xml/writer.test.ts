import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { text, utf8 } from "../../std/bytes.ts";
import { encodeKeyUrl, escapeXml, parseXml, S3_NAMESPACE, XmlWriter } from "./index.ts";

describe("the writer", () => {
  test("writes a document from front to back", () => {
    const document = new XmlWriter("ListBucketResult", { xmlns: S3_NAMESPACE })
      .text("Name", "b")
      .text("Prefix", "")
      .text("MaxKeys", 1000)
      .text("IsTruncated", false)
      .open("Contents")
      .text("Key", "a&b")
      .open("Owner", { "xsi:type": 'a "b"\n\t' })
      .finish();
    assert.equal(
      text(document),
      '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">' +
        "<Name>b</Name><Prefix></Prefix><MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated>" +
        '<Contents><Key>a&amp;b</Key><Owner xsi:type="a &quot;b&quot;&#xA;&#x9;"></Owner></Contents></ListBucketResult>',
    );
  });

  test("refuses to close more than is open", () => {
    assert.throws(() => new XmlWriter("a").close().close(), { name: "AssertionError" });
  });

  test("every character comes back from our parser, but NUL and half a surrogate pair", () => {
    for (let code = 1; code <= 0xffff; code += code < 0x300 ? 1 : 97) {
      if (code >= 0xd800 && code <= 0xdfff) continue;
      const value = `a${String.fromCharCode(code)}b`;
      const document = new XmlWriter("r", { at: value }).text("k", value).finish();
      const root = parseXml(document, { bytesMax: 1000 });
      assert.equal(root.required("k").text(), value, `U+${code.toString(16)}`);
      assert.equal(root.attributes.get("at"), value, `U+${code.toString(16)}`);
    }
    for (const value of ["\ufffe\uffff", "😀", "]]>"]) {
      const document = new XmlWriter("r").text("k", value).finish();
      assert.equal(parseXml(document, { bytesMax: 1000 }).required("k").text(), value);
    }
    assert.equal(text(new XmlWriter("r").text("k", "\ud800x").finish()).includes("\ufffdx"), true);
  });

  test("escapes only what has to be", () => {
    assert.equal(escapeXml("plain é \t\n text"), "plain é \t\n text");
    assert.equal(escapeXml("\0\u0001\r\u007f\uffff"), "&#x0;&#x1;&#xD;&#x7F;&#xFFFF;");
    assert.equal(escapeXml("<a href=\"x\">'&'</a>"), "&lt;a href=&quot;x&quot;&gt;&apos;&amp;&apos;&lt;/a&gt;");
  });
});

describe("keys in a listing with encoding-type=url", () => {
  test("are escaped as S3 does", () => {
    assert.equal(encodeKeyUrl("test_file(3).png"), "test_file%283%29.png");
    assert.equal(encodeKeyUrl("a b+c/~é*-_.'"), "a+b%2Bc/%7E%C3%A9*-_.%27");
    assert.equal(encodeKeyUrl("plain/key-1_2.*"), "plain/key-1_2.*");
    assert.equal(encodeKeyUrl("\0\u0001"), "%00%01");
  });

  test("come back when read as a form", () => {
    for (let code = 0; code < 0x3000; code += 7) {
      const key = `x${String.fromCharCode(code)} +%`;
      assert.equal(decodeURIComponent(encodeKeyUrl(key).replaceAll("+", " ")), key);
    }
    assert.deepEqual(utf8(encodeKeyUrl("😀")), utf8("%F0%9F%98%80"));
  });
});
