/** The value of a header, or several joined by ", "; undefined where there is none. Takes names and values in turn. */
export function findHeader(headers: readonly string[], lowerCaseName: string): string | undefined {
  let found: string | undefined;
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at]!;
    if (name.length !== lowerCaseName.length || name.toLowerCase() !== lowerCaseName) continue;
    found = found === undefined ? headers[at + 1]! : `${found}, ${headers[at + 1]}`;
  }
  return found;
}

/** A reply that ends with its headers whatever they say. */
export function isBodyless(status: number, method: string): boolean {
  return method === "HEAD" || status === 204 || status === 304;
}

/**
 * What a reply's headers must say about its length. Undefined: nothing; the length is told by chunks, or by the end of
 * the connection to a client of HTTP/1.0. A reply to HEAD has the length that one to GET would have, if its caller
 * knows it.
 */
export function lengthToAdd(status: number, method: string, body: Uint8Array | object | undefined): number | undefined {
  if (status === 204 || status === 304) return undefined;
  if (body === undefined) return method === "HEAD" ? undefined : 0;
  return body instanceof Uint8Array ? body.length : undefined;
}
