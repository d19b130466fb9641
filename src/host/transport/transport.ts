/** Frames between nodes: in order and once while a connection lasts, lost where there is none; it never blocks. */
export interface Transport extends AsyncDisposable {
  /** Once, before anything is sent. */
  start(handlers: TransportHandlers): Promise<void>;
  /**
   * Queues a frame. False where it is dropped at once: the node is unknown or unreachable, or its queue is full. The
   * bytes must not change any more.
   */
  send(to: number, frame: Uint8Array): boolean;
}

export interface TransportHandlers {
  /** A whole frame; its bytes are the receiver's to keep. */
  receive(from: number, frame: Uint8Array): void;
  /** What was sent to the node lately may be lost: its connection broke, or could not be made. */
  unreachable(node: number): void;
}
