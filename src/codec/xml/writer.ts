import { assert } from "../../std/assert.ts";
import { utf8 } from "../../std/bytes.ts";

export const S3_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/";
/** What every document that is written begins with. */
export const XML_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n';

/**
 * Writes one document from front to back. Names come from the program, never from a request; text may be anything.
 *
 *     new XmlWriter("Delete", { xmlns: S3_NAMESPACE }).open("Object").text("Key", key).close().finish()
 */
export class XmlWriter {
  #document: string = XML_DECLARATION;
  readonly #open: string[] = [];

  constructor(root: string, attributes?: Readonly<Record<string, string>>) {
    this.open(root, attributes);
  }

  open(name: string, attributes?: Readonly<Record<string, string>>): this {
    this.#open.push(name);
    this.#document += `<${name}${attributes === undefined ? "" : attributeText(attributes)}>`;
    return this;
  }

  close(): this {
    const name = this.#open.pop();
    assert(name !== undefined, "an element is closed once");
    this.#document += `</${name}>`;
    return this;
  }

  /** An element that holds this text; one without text is written in full too, as S3 does. */
  text(name: string, value: string | number | boolean): this {
    this.#document += `<${name}>${typeof value === "string" ? escapeXml(value) : value}</${name}>`;
    return this;
  }

  /** An element whose text holds nothing that would have to be escaped, or is escaped already. */
  plain(name: string, text: string): this {
    this.#document += `<${name}>${text}</${name}>`;
    return this;
  }

  /** Closes what is open, the root last. The writer is used up. */
  finish(): Uint8Array {
    while (this.#open.length > 0) this.close();
    return utf8(this.#document);
  }
}

/**
 * Escapes text for content and for attributes. A carriage return would become a line feed on the way, and the other
 * control characters have no place in XML 1.0: all are written as character references, as S3 does. A strict parser
 * stops at those that XML forbids; `encoding-type=url` is for clients that have one.
 */
export function escapeXml(text: string): string {
  if (!SPECIAL.test(text)) return text;
  let out = "";
  let copied = 0;
  for (let at = 0; at < text.length; at++) {
    const replacement = replacementOf(text.charCodeAt(at));
    if (replacement === undefined) continue;
    out += text.slice(copied, at) + replacement;
    copied = at + 1;
  }
  return out + text.slice(copied);
}

/** Everything outside what may stand as it is: space, letters and the like up to U+FFFD, tab and line feed. */
const SPECIAL = /[^\t\n !#-%(-;=?-~\u0080-\ufffd]/;

function replacementOf(code: number): string | undefined {
  switch (code) {
    case 0x26:
      return "&amp;";
    case 0x3c:
      return "&lt;";
    case 0x3e:
      return "&gt;";
    case 0x22:
      return "&quot;";
    case 0x27:
      return "&apos;";
    case 0x09:
    case 0x0a:
      return undefined;
  }
  if (code < 0x20 || code === 0x7f || code > 0xfffd) return `&#x${code.toString(16).toUpperCase()};`;
  return undefined;
}

function attributeText(attributes: Readonly<Record<string, string>>): string {
  return Object.entries(attributes)
    .map(([name, value]) => ` ${name}="${escapeXml(value).replaceAll("\t", "&#x9;").replaceAll("\n", "&#xA;")}"`)
    .join("");
}
