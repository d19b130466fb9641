import type { Transport, TransportHandlers } from "./transport.ts";

/** Hears an event with `data`; Node's types and a browser's agree on no more than this. */
export type MessageListener = (event: object) => void;

/** What is needed of a MessagePort, of a Worker on either side, or of a BroadcastChannel. */
export interface MessageEnd {
  /** A BroadcastChannel transfers nothing: it copies. */
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
  addEventListener(type: "message", listener: MessageListener): void;
  removeEventListener(type: "message", listener: MessageListener): void;
  /** A MessagePort gives nothing before. */
  start?(): void;
  close?(): void;
}

/**
 * Members in workers, frames or tabs, each pair of them joined by a MessageChannel: `ports` has this one's ends, by the
 * id of the member at the other end. A port that goes with its page says nothing: what is sent then is lost. Ports are
 * closed with it. Queues are the platform's; what Raft sends without an answer is bounded.
 */
export function portTransport(ports: ReadonlyMap<number, MessageEnd>): Transport {
  const ends: { readonly port: MessageEnd; readonly hear: MessageListener }[] = [];
  let isOver = false;
  return {
    async start(handlers: TransportHandlers) {
      for (const [from, port] of ports) {
        const hear = (event: object): void => {
          const data = dataOf(event);
          if (!isOver && data instanceof Uint8Array) handlers.receive(from, data);
        };
        ends.push({ port, hear });
        port.addEventListener("message", hear);
        port.start?.();
      }
    },
    send(to, frame) {
      const port = ports.get(to);
      if (port === undefined || isOver) return false;
      const own = frame.slice();
      port.postMessage(own, [own.buffer]);
      return true;
    },
    async [Symbol.asyncDispose]() {
      isOver = true;
      for (const { port, hear } of ends) port.removeEventListener("message", hear);
      for (const port of ports.values()) port.close?.();
    },
  };
}

/**
 * Members in the pages and workers of one origin, all on one BroadcastChannel of their own. Each hears everything and
 * keeps what is for it: for a handful of members. Nobody says who is there; what is sent to nobody is lost.
 */
export function broadcastTransport(id: number, channel: MessageEnd): Transport {
  let hear: MessageListener | undefined;
  let isOver = false;
  return {
    async start(handlers: TransportHandlers) {
      hear = (event) => {
        const data = dataOf(event);
        if (isOver || !Array.isArray(data) || data[0] !== id) return;
        const [, from, frame] = data as readonly unknown[];
        if (typeof from === "number" && frame instanceof Uint8Array) handlers.receive(from, frame);
      };
      channel.addEventListener("message", hear);
      channel.start?.();
    },
    send(to, frame) {
      if (isOver || to === id) return false;
      channel.postMessage([to, id, frame.slice()], []);
      return true;
    },
    async [Symbol.asyncDispose]() {
      isOver = true;
      if (hear !== undefined) channel.removeEventListener("message", hear);
      channel.close?.();
    },
  };
}

function dataOf(event: object): unknown {
  return "data" in event ? event.data : undefined;
}
