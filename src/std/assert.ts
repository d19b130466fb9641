// Assertions state invariants that a caller could break. They are always on: a false one is a bug, and the node stops.
// The message is a constant: a built string would cost 60 to 70 ns on every call, even when the assertion holds.

export class AssertionError extends Error {
  override readonly name = "AssertionError";
}

export function assert(condition: boolean, message = "assertion failed"): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/** For the branch that exhaustive code can not reach. */
export function unreachable(value: never): never {
  throw new AssertionError(`unreachable: ${String(value)}`);
}
