import type { Transport, TransportHandlers } from "../transport/transport.ts";

export type TransportNeed = "cut" | "heal";

/** A network of three nodes, and what can happen to it. */
export interface TransportSubject extends AsyncDisposable {
  readonly frameBytesMax: number;
  start(id: number): Promise<Ear>;
  stop(id: number): Promise<void>;
  pass(millis: number): Promise<void>;
  /** Has time pass until the condition holds; fails with the promise that was not kept. */
  until(condition: () => boolean, promise: string): Promise<void>;
  cut(one: number, other: number): void;
  heal(): void;
}

/** A node that keeps all that it hears. */
export class Ear implements TransportHandlers {
  readonly transport: Transport;
  readonly heard: { readonly from: number; readonly frame: Uint8Array }[] = [];
  readonly lost: number[] = [];
  onFrame: ((from: number, frame: Uint8Array) => void) | undefined;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  receive(from: number, frame: Uint8Array): void {
    this.heard.push({ from, frame });
    this.onFrame?.(from, frame);
  }

  unreachable(node: number): void {
    this.lost.push(node);
  }

  /** All but the knocks with which a connection is waited for. */
  get frames(): readonly Uint8Array[] {
    return this.heard.flatMap(({ frame }) => (frame.length === KNOCK.length && numberOf(frame) === 0 ? [] : [frame]));
  }

  /** Numbers of the numbered frames from that node, in the order in which they came. */
  numbers(from: number): readonly number[] {
    return this.heard.flatMap((one) => (one.from === from && one.frame.length >= 4 ? [numberOf(one.frame)] : []));
  }
}

/** A frame that says nothing. */
export const KNOCK: Uint8Array = new Uint8Array(4);

/** A frame that tells its number and can be told from any other of its length. */
export function numbered(number: number, length = 64): Uint8Array {
  const frame = new Uint8Array(length);
  new DataView(frame.buffer).setUint32(0, number);
  for (let at = 4; at < length; at++) frame[at] = (number * 13 + at) & 0xff;
  return frame;
}

export function numberOf(frame: Uint8Array): number {
  return new DataView(frame.buffer, frame.byteOffset).getUint32(0);
}
