/** One event of a text/event-stream (WHATWG HTML, 9.2). */
export interface StreamEvent {
  /** `message` where the stream names none. */
  readonly type: string;
  readonly data: string;
  /** The last id that the stream has named; a client that comes back sends it as Last-Event-ID. */
  readonly id: string | undefined;
}
