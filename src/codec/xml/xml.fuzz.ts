import assert from "node:assert/strict";
import { test } from "node:test";
import { utf8 } from "../../std/bytes.ts";
import { AshlarError } from "../../std/errors.ts";
import { Prng } from "../../std/prng.ts";
import { fuzzRuns, simulationSeeds } from "../../testing/seeds.ts";
import { escapeXml, parseXml, XML_ERRORS, type XmlElement, XmlWriter } from "./index.ts";

const RUNS = fuzzRuns(1_200);
const [SEED = 1] = simulationSeeds(1);
const PIECES = [
  ...[
    "<a>",
    "</a>",
    "<b/>",
    "<a b='1'>",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<?xml version='1.0'?>",
    "<?x y?>",
    "<!DOCTYPE a>",
  ],
  ...[
    "&lt;",
    "&#x1;",
    "&#0;",
    "&foo;",
    "&",
    "text",
    " ",
    "\n",
    "\r",
    "\u0000",
    "\u0001",
    "é",
    "😀",
    "<",
    ">",
    "/",
    "'",
    '"',
    "=",
  ],
  ...[
    "<__proto__>",
    "<constructor/>",
    "<a:b xmlns:a='c'>",
    "</a:b>",
    "<#text/>",
    "<:@/>",
    ' a="&amp;"',
    "]]",
    "--",
    "xmlns",
  ],
];

function nodes(element: XmlElement): number {
  return element.children.reduce((sum, child) => sum + nodes(child), 1);
}

function parse(document: Uint8Array): XmlElement | undefined {
  try {
    return parseXml(document, { bytesMax: 10_000, depthMax: 8, elementsMax: 100 });
  } catch (error) {
    assert.ok(error instanceof AshlarError && error.code in XML_ERRORS, String(error));
    assert.ok(JSON.stringify(error.data).length + error.message.length < 1_000, "errors quote little");
    return undefined;
  }
}

interface Tree {
  readonly name: string;
  readonly text: string;
  readonly children: readonly Tree[];
}

function drawTree(prng: Prng, depth: number): Tree {
  const children =
    depth === 0 || prng.chance(0.5) ? [] : Array.from({ length: prng.below(4) }, () => drawTree(prng, depth - 1));
  const characters = ["a", " ", "<", "&", '"', "'", "\n", "\r", "\t", "\u0001", "é", "😀", "]]>", "\ufffe"];
  const text = children.length > 0 ? "" : Array.from({ length: prng.below(8) }, () => prng.pick(characters)).join("");
  return { name: prng.pick(["Key", "Object", "a.b-c", "_x"]), text, children };
}

function write(writer: XmlWriter, { name, text, children }: Tree): void {
  if (children.length === 0) {
    writer.text(name, text);
    return;
  }
  writer.open(name);
  for (const child of children) write(writer, child);
  writer.close();
}

function treeOf(element: XmlElement): Tree {
  const children = element.children.map(treeOf);
  return { name: element.name, text: children.length > 0 ? "" : element.text(), children };
}

function seeded(run: (prng: Prng) => void): void {
  for (let seed = SEED; seed < SEED + RUNS; seed++) {
    try {
      run(new Prng(seed));
    } catch (error) {
      throw new assert.AssertionError({ message: `with ASHLAR_SIM_SEED=${seed} ASHLAR_FUZZ_RUNS=1: ${String(error)}` });
    }
  }
}

test("what was written is read", () => {
  seeded((prng) => {
    const tree: Tree = { name: "Root", text: "", children: [drawTree(prng, 3), drawTree(prng, 3)] };
    const writer = new XmlWriter("Root");
    for (const child of tree.children) write(writer, child);
    assert.deepEqual(treeOf(parse(writer.finish())!), tree);
  });
});

test("any document fails with a typed error or gives a small tree", () => {
  seeded((prng) => {
    const middle = Array.from({ length: prng.below(12) }, () => prng.pick(PIECES)).join("");
    const root = parse(utf8(prng.chance(0.5) ? middle : `<a>${middle}</a>`));
    if (root !== undefined) assert.ok(nodes(root) <= 100);
    parse(prng.bytes(prng.below(50)));
  });
});

test("a garbled document fails with a typed error or gives a small tree", () => {
  const document = `<Delete><Object><Key>${escapeXml("a<&>b")}</Key></Object><Quiet>true</Quiet></Delete>`;
  seeded((prng) => {
    let garbled = document;
    for (let changes = 1 + prng.below(3); changes > 0; changes--) {
      const at = prng.below(garbled.length);
      garbled = garbled.slice(0, at) + (prng.chance(0.7) ? prng.pick(PIECES) : "") + garbled.slice(at + prng.below(4));
    }
    parse(utf8(garbled));
  });
});
