// XML into elements, by fast-xml-parser with everything switched off that a request body has no use for: no DTD, no
// entities but the five and character references (decoded here), no guessing of numbers. Size, elements and depth are
// limited before they cost anything.

import { XMLParser } from "fast-xml-parser";
import { strictText } from "../../std/bytes.ts";
import { XmlElement } from "./element.ts";
import { decodeEntities } from "./entities.ts";
import { xmlFailure } from "./errors.ts";

export interface XmlLimits {
  readonly bytesMax: number;
  /** Default 100,000: the parts of the largest upload, with a checksum each, are half of that. */
  readonly elementsMax?: number;
  /** Default 32. */
  readonly depthMax?: number;
}

/** The document's root. Fails with MALFORMED_XML or XML_TOO_LARGE and nothing else. */
export function parseXml(bytes: Uint8Array, limits: XmlLimits): XmlElement {
  const { bytesMax, elementsMax = 100_000, depthMax = 32 } = limits;
  if (bytes.length > bytesMax) throw xmlFailure("XML_TOO_LARGE", { data: { bytes: bytes.length, bytesMax } });
  const decoded = strictText(bytes);
  if (decoded === undefined) throw malformed("The document is not UTF-8.");
  const body = withoutDeclaration(decoded.startsWith("\ufeff") ? decoded.slice(1) : decoded);
  scanMarkup(body, elementsMax);
  // At the top level the parser drops text and takes several roots; inside of an element it keeps all that there is.
  const [wrapper] = parseNodes(`<${WRAPPER}>${body}</${WRAPPER}>`, depthMax + 1);
  return rootOf(wrapper![WRAPPER] as readonly Node[]);
}

/** What the parser gives for each node: one key with the name, and `:@` with the attributes. */
type Node = Readonly<Record<string, unknown>>;

const TEXT = "#text";
const CDATA = "#cdata";
const ATTRIBUTES = ":@";
const WRAPPER = "document";

function parseNodes(document: string, depthMax: number): readonly Node[] {
  const parser = new XMLParser({
    preserveOrder: true,
    ignoreAttributes: false,
    attributeNamePrefix: "",
    textNodeName: TEXT,
    cdataPropName: CDATA,
    ignoreDeclaration: true,
    ignorePiTags: true,
    trimValues: false,
    parseTagValue: false,
    parseAttributeValue: false,
    processEntities: false,
    // The parser begins to count below the root and at zero.
    maxNestedTags: depthMax - 1,
    jPath: false,
  });
  try {
    return parser.parse(document, true);
  } catch (error) {
    // Its messages quote the document, at any length.
    const reason = error instanceof Error ? error.message.slice(0, 200) : "";
    throw xmlFailure("MALFORMED_XML", { data: { reason } });
  }
}

/** Refuses DTDs, NUL and too many elements before a tree is built; comments and CDATA may hold anything. */
function scanMarkup(document: string, elementsMax: number): void {
  if (document.includes("\0")) throw malformed("The document holds a NUL.");
  // The parser would drop text behind a root that closes itself.
  if (document.slice(document.lastIndexOf(">") + 1).trim() !== "")
    throw malformed("There is text behind the document.");
  let elements = 0;
  for (let at = document.indexOf("<"); at !== -1; at = document.indexOf("<", at)) {
    if (document.startsWith("<!--", at)) {
      at = behind(document, "-->", at + 4);
    } else if (document.startsWith("<![CDATA[", at)) {
      at = behind(document, "]]>", at + 9);
    } else if (document[at + 1] === "!") {
      throw malformed("The document has a type definition.");
    } else {
      if (document[at + 1] !== "/" && ++elements > elementsMax)
        throw xmlFailure("XML_TOO_LARGE", { data: { elementsMax } });
      at++;
    }
  }
}

function behind(document: string, end: string, from: number): number {
  const found = document.indexOf(end, from);
  if (found === -1) throw malformed("A comment, an instruction or a CDATA section does not end.");
  return found + end.length;
}

/** The document behind its XML declaration, whose encoding must be the one that the bytes were read in. */
function withoutDeclaration(document: string): string {
  if (!/^<\?xml[\s?]/.test(document)) return document;
  const end = behind(document, "?>", 5);
  const encoding = /\sencoding\s*=\s*["']([^"']*)["']/.exec(document.slice(0, Math.min(end, 256)))?.[1];
  if (encoding !== undefined && !/^(utf-8|us-ascii)$/i.test(encoding)) {
    throw malformed("The document's encoding is not UTF-8.");
  }
  return document.slice(end);
}

function rootOf(nodes: readonly Node[]): XmlElement {
  const elements = nodes.filter((node) => !isBlank(node));
  const [root] = elements;
  if (root === undefined || elements.length > 1 || TEXT in root || CDATA in root) {
    throw malformed("The document does not have one root element.");
  }
  return elementOf(root);
}

function isBlank(node: Node): boolean {
  return TEXT in node && String(node[TEXT]).trim() === "";
}

/** Recursion is as deep as the document, which the parser has limited. */
function elementOf(node: Node): XmlElement {
  const qualified = Object.keys(node).find((key) => key !== ATTRIBUTES)!;
  const children: XmlElement[] = [];
  let text = "";
  for (const child of node[qualified] as readonly Node[]) {
    if (TEXT in child) text += decodeEntities(String(child[TEXT]));
    else if (CDATA in child) text += (child[CDATA] as readonly Node[]).map((part) => String(part[TEXT])).join("");
    else children.push(elementOf(child));
  }
  return new XmlElement(localName(qualified), attributesOf(node), children, text);
}

function attributesOf(node: Node): ReadonlyMap<string, string> {
  const attributes = node[ATTRIBUTES];
  if (attributes === undefined) return NO_ATTRIBUTES;
  return new Map(Object.entries(attributes as object).map(([name, value]) => [name, decodeEntities(String(value))]));
}

const NO_ATTRIBUTES: ReadonlyMap<string, string> = new Map();

function localName(qualified: string): string {
  const colon = qualified.indexOf(":");
  return colon === -1 ? qualified : qualified.slice(colon + 1);
}

function malformed(what: string): Error {
  return xmlFailure("MALFORMED_XML", { what });
}
