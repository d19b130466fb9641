/** What a suite found instead of what is promised. */
export class ConformanceError extends Error {
  override readonly name = "ConformanceError";
}

// The suites run wherever the implementations do: they need nothing of Node, not even its assertions.

export function holds(condition: boolean, promise: string): asserts condition {
  if (!condition) throw new ConformanceError(promise);
}

export function same(actual: unknown, expected: unknown, promise: string): void {
  const [found, wanted] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (found !== wanted) throw new ConformanceError(`${promise}: found ${cut(found)}, not ${cut(wanted)}`);
}

export function sameBytes(actual: Uint8Array | undefined, expected: Uint8Array, promise: string): void {
  holds(actual !== undefined && actual.length === expected.length, `${promise}: ${actual?.length} bytes`);
  for (let at = 0; at < expected.length; at++) {
    if (actual[at] !== expected[at]) throw new ConformanceError(`${promise}: byte ${at} is another one`);
  }
}

function cut(text: string | undefined): string {
  return text === undefined || text.length <= 400 ? String(text) : `${text.slice(0, 400)}...`;
}
