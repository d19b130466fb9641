import { assert } from "../../std/assert.ts";

/** `data` is a line: JSON without indentation always is one. */
export function encodeEvent(type: string, data: string, id?: string): string {
  assert(!/[\r\n]/.test(data) && !/[\r\n]/.test(type), "a field of an event is one line");
  assert(id === undefined || !/[\r\n\0]/.test(id), "an event's id is one line without a zero");
  return `${id === undefined ? "" : `id: ${id}\n`}event: ${type}\ndata: ${data}\n\n`;
}

/** What keeps a connection from looking dead. Clients ignore it. */
export function encodeComment(): string {
  return ":\n\n";
}

/** How long a browser waits before it connects again. */
export function encodeRetry(millis: number): string {
  return `retry: ${millis}\n\n`;
}
