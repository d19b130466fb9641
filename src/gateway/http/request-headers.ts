/**
 * A request's headers, read in one pass: names in lower case, values as they were sent (byte strings: one character for
 * each byte). A header sent several times has its values joined by ", ", in order.
 */
export class RequestHeaders {
  readonly #values = new Map<string, string>();

  constructor(rawHeaders: readonly string[]) {
    for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
      const name = rawHeaders[at]!.toLowerCase();
      const value = rawHeaders[at + 1]!;
      const earlier = this.#values.get(name);
      this.#values.set(name, earlier === undefined ? value : `${earlier}, ${value}`);
    }
  }

  get(name: string): string | undefined {
    return this.#values.get(name);
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** Sets what stands in for a header: a value that a trusted proxy or a signed query carries. */
  set(name: string, value: string): void {
    this.#values.set(name, value);
  }

  entries(): IterableIterator<[string, string]> {
    return this.#values.entries();
  }
}

/** The elements of a list header, trimmed, without empty ones. */
export function listOf(value: string | undefined): string[] {
  if (value === undefined) return [];
  const elements: string[] = [];
  for (const element of value.split(",")) {
    const trimmed = element.trim();
    if (trimmed !== "") elements.push(trimmed);
  }
  return elements;
}

/** A length in decimal digits up to 2^53 - 1; undefined where the text is anything else. */
export function parseLength(text: string): number | undefined {
  if (text.length === 0 || text.length > 16) return undefined;
  let value = 0;
  for (let at = 0; at < text.length; at++) {
    const digit = text.charCodeAt(at) - 48;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  return Number.isSafeInteger(value) ? value : undefined;
}
