import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { utf8 } from "../../std/bytes.ts";
import { parseXml, type XmlElement, type XmlLimits } from "./index.ts";

const limits: XmlLimits = { bytesMax: 100_000 };

function parse(document: string, changed: Partial<XmlLimits> = {}): XmlElement {
  return parseXml(utf8(document), { ...limits, ...changed });
}

/** The tree as plain data: [name, text or children]. */
function tree(element: XmlElement): unknown {
  return [element.name, element.children.length === 0 ? element.text() : element.children.map(tree)];
}

function refused(document: string, code = "MALFORMED_XML", changed: Partial<XmlLimits> = {}): void {
  assert.throws(() => parse(document, changed), { code }, JSON.stringify(document.slice(0, 80)));
}

describe("documents that S3 clients send", () => {
  test("an upload's parts, with the ETags' quotes as entities or not", () => {
    const root = parse(
      '<?xml version="1.0" encoding="UTF-8"?>\n<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">' +
        "<Part><ETag>&quot;ab&quot;</ETag><PartNumber>1</PartNumber></Part>\n" +
        '  <Part><PartNumber> 2 </PartNumber><ETag>"cd"</ETag></Part></CompleteMultipartUpload>\n',
    ).expect("CompleteMultipartUpload", ["Part"]);
    const parts = root
      .all("Part")
      .map((part) => [part.required("PartNumber").integer(1, 10_000), part.required("ETag").text()]);
    assert.deepEqual(parts, [
      [1, '"ab"'],
      [2, '"cd"'],
    ]);
    assert.equal(root.attributes.get("xmlns"), "http://s3.amazonaws.com/doc/2006-03-01/");
  });

  test("keys with control characters, as they are or as references", () => {
    // As @aws-sdk/client-s3 and boto3 write the key "a\x01<&>\"'\r\n".
    const sdk = parse("<Delete><Object><Key>a\u0001&lt;&amp;&gt;&quot;&apos;&#x0D;&#x0A;</Key></Object></Delete>");
    const boto = parse("<Delete><Object><Key>a\u0001&lt;&amp;&gt;\"'&#xD;&#xA;</Key></Object></Delete>");
    for (const root of [
      sdk,
      boto,
      parse("<Delete><Object><Key>a&#1;&#60;&#38;&#62;&#34;&#39;&#13;&#10;</Key></Object></Delete>"),
    ]) {
      assert.equal(root.required("Object").required("Key").text(), "a\u0001<&>\"'\r\n");
    }
  });

  test("prefixed names, and attributes of another namespace", () => {
    const root = parse('<s3:A xmlns:s3="x" xmlns:xsi="y"><s3:B xsi:type="CanonicalUser"/><C a=\'1 &lt; "2"\'/></s3:A>');
    assert.deepEqual(tree(root), [
      "A",
      [
        ["B", ""],
        ["C", ""],
      ],
    ]);
    assert.equal(root.required("B").attributes.get("xsi:type"), "CanonicalUser");
    assert.equal(root.required("C").attributes.get("a"), '1 < "2"');
  });

  test("text is kept to the character, with CDATA and without comments", () => {
    assert.equal(parse("<a> x <!-- no --><![CDATA[<&amp;>]]> 0012 </a>").text(), " x <&amp;> 0012 ");
    assert.equal(parse("<a>1\r\n2\r3\n4&#13;</a>").text(), "1\n2\n3\n4\r");
    assert.equal(parse("<a>é€😀&#x1F600;</a>").text(), "é€😀😀");
    assert.equal(parse("\ufeff<a>true</a>").text(), "true");
    assert.equal(parse("<?xml version='1.0' encoding='utf-8'?><!-- c --><a/><!-- c -->\n").text(), "");
  });
});

describe("documents that are refused", () => {
  test("those that are not well-formed", () => {
    const unclosed = [
      "",
      " ",
      "x",
      "<",
      "<a",
      "<a>",
      "</a>",
      "<a></b>",
      "<a><b></a></b>",
      "<a>x<",
      "<a/></a>",
      "<A></a>",
    ];
    const roots = [
      "<a/></document><document>",
      "</document><document>",
      "<a/>x>",
      "<a/><b/>",
      "<a></a><b/>",
      "<a/>x",
      "x<a/>",
      "<a></a>x",
      "<![CDATA[x]]>",
      "<a/><![CDATA[x]]>",
    ];
    const markup = ["<1/>", "< a/>", "<a/ >", "<a b/>", "<a b=1/>", "<a b='1' b='2'/>", "<a b='1'c='2'/>", "<a b='1/>"];
    const rest = ["<!-- x", "<a><!-- x</a>", "<a><![CDATA[x]]</a>", "<a></a b='1'>", "<a>\0</a>", "<a>&#0;</a>"];
    for (const document of [...unclosed, ...roots, ...markup, ...rest]) refused(document);
  });

  test("those with entities beyond the five and character references", () => {
    const named = ["&", "&;", "&lt", "&foo;", "&LT;", "&constructor;", "&__proto__;", "&a&lt;", `&${"l".repeat(100)};`];
    const numbers = [
      "&#;",
      "&#x;",
      "&#xG;",
      "&#a;",
      "&#x110000;",
      "&#xD800;",
      "&#xdfff;",
      "&#99999999999;",
      "&#-1;",
      "&#0;",
    ];
    for (const reference of [...named, ...numbers]) {
      refused(`<a>${reference}</a>`);
      refused(`<a b="${reference}"/>`);
    }
  });

  test("those with a type definition, wherever it stands", () => {
    const definition = '<!DOCTYPE a [<!ENTITY b "c">]>';
    for (const document of [
      `${definition}<a>&b;</a>`,
      `<a>${definition}</a>`,
      `<a/>${definition}`,
      "<!ELEMENT a><a/>",
      "<a><!></a>",
    ]) {
      refused(document);
    }
    assert.equal(parse(`<a><![CDATA[${definition}]]><!-- ${definition} --></a>`).text(), definition);
  });

  test("those with names that mean something to JavaScript are taken as any other, or refused", () => {
    for (const name of ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty"]) {
      try {
        const root = parse(`<r><${name} a="b">x</${name}></r>`);
        assert.equal(root.children.length, 1);
      } catch (error) {
        assert.equal((error as { code?: string }).code, "MALFORMED_XML");
      }
      assert.equal("a" in {}, false);
    }
  });

  test("those in another encoding", () => {
    assert.throws(() => parseXml(Uint8Array.of(0x3c, 0x61, 0x3e, 0xe9, 0x3c, 0x2f, 0x61, 0x3e), limits), {
      code: "MALFORMED_XML",
    });
    assert.throws(() => parseXml(Uint8Array.of(0xff, 0xfe, 0x3c, 0, 0x61, 0, 0x2f, 0, 0x3e, 0), limits), {
      code: "MALFORMED_XML",
    });
    refused('<?xml version="1.0" encoding="ISO-8859-1"?><a/>');
  });

  test("those beyond the limits of size, elements and depth", () => {
    assert.equal(parse("<a>12</a>", { bytesMax: 9 }).text(), "12");
    refused("<a>123</a>", "XML_TOO_LARGE", { bytesMax: 9 });
    assert.equal(parse("<a><b/><b></b></a>", { elementsMax: 3 }).children.length, 2);
    refused("<a><b/><b/><b/></a>", "XML_TOO_LARGE", { elementsMax: 3 });
    for (const depthMax of [1, 2, 10]) {
      const nested = (depth: number): string => `${"<a>".repeat(depth)}${"</a>".repeat(depth)}`;
      assert.equal(parse(nested(depthMax), { depthMax }).name, "a");
      refused(nested(depthMax + 1), "MALFORMED_XML", { depthMax });
    }
  });

  test("with an error that quotes no more than a little of them", () => {
    const name = "n".repeat(50_000);
    for (const document of [`<${name}&/>`, `<a></${name}>`, `<a ${name}/>`]) {
      assert.throws(
        () => parse(document),
        (error: unknown) => JSON.stringify(error).length < 1000,
      );
    }
  });
});

describe("reading an element", () => {
  const root = parse("<r><a>1</a><b>x</b><b>y</b><c><d/></c><t>True</t><n>-5</n></r>");
  const malformed = { code: "MALFORMED_XML" };

  test("finds the one child, or all of a name", () => {
    assert.equal(root.required("a").text(), "1");
    assert.equal(root.optional("z"), undefined);
    assert.deepEqual(
      root.all("b").map((child) => child.text()),
      ["x", "y"],
    );
    assert.throws(() => root.required("z"), malformed);
    assert.throws(() => root.optional("b"), malformed);
    assert.throws(() => root.required("c").text(), malformed);
  });

  test("reads numbers and truth values within what is asked for", () => {
    assert.equal(root.required("t").boolean(), true);
    assert.equal(root.required("n").integer(-5, 5), -5);
    assert.throws(() => root.required("n").integer(0, 5), malformed);
    assert.throws(() => root.required("n").boolean(), malformed);
    for (const word of ["", "1.5", "1e3", "0x1", "+1", "９", "1 2", "9999999999999999"]) {
      assert.throws(() => parse(`<a>${word}</a>`).integer(0, Number.MAX_SAFE_INTEGER), malformed, word);
    }
  });

  test("says what it may be named and hold", () => {
    assert.equal(root.expect("r", ["a", "b", "c", "t", "n"]), root);
    assert.throws(() => root.expect("s", ["a", "b", "c", "t", "n"]), malformed);
    assert.throws(() => root.expect("r", ["a", "b", "c", "t"]), malformed);
  });
});
