import { strictText } from "../../std/bytes.ts";
import { formFailure } from "./errors.ts";

export interface PartHeaders {
  readonly name: string;
  readonly fileName: string | undefined;
  readonly contentType: string | undefined;
}

/**
 * The boundary that a Content-Type header names. Fails with FORM_TYPE_INVALID for anything but multipart/form-data with
 * one.
 */
export function parseBoundary(contentType: string | undefined): string {
  if (contentType === undefined || !/^multipart\/form-data\s*(;|$)/i.test(contentType))
    throw formFailure("FORM_TYPE_INVALID");
  const boundary = parameter(contentType, "boundary");
  if (boundary === undefined || !BOUNDARY.test(boundary)) throw formFailure("FORM_TYPE_INVALID");
  return boundary;
}

/** Reads the lines before a part's data. Fails with FORM_MALFORMED where they do not name a field. */
export function parsePartHeaders(block: Uint8Array): PartHeaders {
  const decoded = strictText(block);
  if (decoded === undefined) throw malformed("The headers of a part are not UTF-8.");
  let disposition: string | undefined;
  let contentType: string | undefined;
  for (const line of decoded.split(/\r?\n/)) {
    if (line === "") continue;
    const match = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*(.*)$/.exec(line);
    if (match === null) throw malformed("A header of a part is malformed.");
    const name = match[1]!.toLowerCase();
    if (name === "content-disposition") disposition = match[2]!;
    if (name === "content-type") contentType = match[2]!.trim();
  }
  if (disposition === undefined || !/^form-data\s*;/i.test(disposition))
    throw malformed("A part is not a field of a form.");
  const name = parameter(disposition, "name");
  if (name === undefined) throw malformed("A part has no name.");
  return { name, fileName: parameter(disposition, "filename"), contentType };
}

/** RFC 2046: 1 to 70 characters, the last one not a space. */
const BOUNDARY = /^[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]$/;

/**
 * A parameter's value, quoted or not. Of the quoted escapes only `\"` counts: a backslash elsewhere is part of a path
 * that an old browser sends.
 */
function parameter(header: string, wanted: string): string | undefined {
  for (const [, name, quoted, token] of header.matchAll(/;\s*([^\s=;]+)\s*=\s*(?:"((?:\\"|[^"])*)"|([^\s;"]*))/g)) {
    if (name!.toLowerCase() === wanted) return quoted === undefined ? token : quoted.replaceAll('\\"', '"');
  }
  return undefined;
}

function malformed(what: string): Error {
  return formFailure("FORM_MALFORMED", { what });
}
