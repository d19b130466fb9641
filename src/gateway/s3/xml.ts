import {
  escapeXml,
  parseXml,
  S3_NAMESPACE,
  XML_DECLARATION,
  type XmlElement,
  XmlWriter,
} from "../../codec/xml/index.ts";
import { utf8 } from "../../std/bytes.ts";
import { isoTime } from "../../std/time-text.ts";
import type { S3Reply } from "./request.ts";

export type { XmlElement } from "../../codec/xml/index.ts";

export const XML_TYPE = "application/xml";
const XSI = "http://www.w3.org/2001/XMLSchema-instance";

/** A document of S3's namespace that becomes an answer. */
export class XmlReply extends XmlWriter {
  constructor(root: string) {
    super(root, { xmlns: S3_NAMESPACE });
  }

  /** An ACL's grantee has its type in an attribute. */
  openTyped(name: string, type: string): this {
    return this.open(name, { "xmlns:xsi": XSI, "xsi:type": type });
  }

  owner(owner: string, element = "Owner"): this {
    return this.open(element).text("ID", owner).text("DisplayName", owner).close();
  }

  /** An ETag stands in quotes, in XML too. */
  etag(etag: string): this {
    return this.plain("ETag", `&quot;${etag}&quot;`);
  }

  time(element: string, millis: number): this {
    return this.plain(element, isoTime(millis));
  }

  reply(headers: string[] = []): S3Reply {
    return xmlReply(200, headers, this.finish());
  }
}

/** A document that is one text. */
export function textReply(root: string, text: string): S3Reply {
  const element = `<${root} xmlns="${S3_NAMESPACE}">${escapeXml(text)}</${root}>`;
  return xmlReply(200, [], utf8(XML_DECLARATION + element));
}

export function xmlReply(status: number, headers: string[], body: Uint8Array): S3Reply {
  headers.push("Content-Type", XML_TYPE, "Content-Length", String(body.length));
  return { status, headers, body };
}

/** The root of a request's document, which must have that name and hold nothing but those children. */
export function readXml(bytes: Uint8Array, root: string, children: readonly string[]): XmlElement {
  return parseXml(bytes, { bytesMax: bytes.length }).expect(root, children);
}

/** The text of the child of that name, of which there may be one. */
export function textOf(element: XmlElement, name: string): string | undefined {
  return element.optional(name)?.text();
}

export function textsOf(element: XmlElement, name: string): string[] {
  return element.all(name).map((child) => child.text());
}
