import { collapseSpaces, isNamed, type RequestHead } from "./request.ts";

export interface CanonicalForm {
  readonly path: string;
  readonly query: string;
  readonly signedHeaders: readonly string[];
  /** x-amz-content-sha256, or the body's hash where that header was not sent. */
  readonly payloadHash: string;
}

/**
 * The text whose hash is signed:
 *
 *     METHOD \n path \n query \n
 *     name:value \n ...          each signed header, in the client's order
 *     \n name;name;... \n payload hash
 *
 * A repeated header is one line with its values joined by ","; one that was not sent has an empty value.
 */
export function canonicalRequest(request: RequestHead, form: CanonicalForm): string {
  const { path, query, signedHeaders, payloadHash } = form;
  let text = `${request.method}\n${path}\n${query}\n`;
  for (const name of signedHeaders) text += `${name}:${canonicalValue(request.rawHeaders, name)}\n`;
  return `${text}\n${signedHeaders.join(";")}\n${payloadHash}`;
}

function canonicalValue(rawHeaders: readonly string[], name: string): string {
  let value: string | undefined;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    if (!isNamed(rawHeaders[at]!, name)) continue;
    const one = collapseSpaces(rawHeaders[at + 1]!);
    value = value === undefined ? one : `${value},${one}`;
  }
  return value ?? "";
}
