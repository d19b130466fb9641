import type { MutualTls } from "../../env/index.ts";
import { nodeNetwork } from "../../env/node/index.ts";
import { type PeerAddress, type PeerEvent, type PeerLimits, type PeerStatus, PeerTransport } from "../../peer/index.ts";
import { nodeEnv } from "../node-env.ts";
import type { Transport } from "./transport.ts";

export interface TcpTransportOptions {
  /** This member's number, as in its group. */
  readonly id: number;
  /** Port 0 takes any that is free. */
  readonly listen: PeerAddress;
  /** Where the other members listen, by id; `setPeers` gives others later. */
  readonly peers?: Readonly<Record<number, PeerAddress>>;
  /** A name that all members share: nobody of another group is let in by mistake. Default: `ashlar`. */
  readonly cluster?: string;
  /**
   * Both sides show a certificate of one authority, the member with id 3 one for the DNS name `node-3`. Without it,
   * whoever reaches the port can do everything: keep it on loopback or a closed network.
   */
  readonly tls?: MutualTls;
  readonly limits?: Partial<PeerLimits>;
  readonly onEvent?: (event: PeerEvent) => void;
}

export interface TcpTransport extends Transport {
  /** That it listens on. */
  readonly port: number;
  /** From now on these are the other members. Connections to those whose address is the same go on. */
  setPeers(peers: Readonly<Record<number, PeerAddress>>): void;
  status(): readonly PeerStatus[];
}

/** Members that reach each other over TCP. Rejects with ADDRESS_TAKEN, ADDRESS_INVALID or TLS_INVALID. */
export async function tcpTransport(options: TcpTransportOptions): Promise<TcpTransport> {
  const { id, listen, peers = {}, cluster = "ashlar", tls, limits, onEvent } = options;
  const transport = await PeerTransport.listen({
    env: { network: nodeNetwork, timers: nodeEnv.timers, random: nodeEnv.random },
    ...{ nodeId: id, listen, peers: byId(peers), cluster, tls },
    ...(limits !== undefined && { limits }),
    ...(onEvent !== undefined && { event: onEvent }),
  });
  return {
    get port() {
      return transport.port;
    },
    start: (handlers) => transport.start(handlers),
    send: (to, frame) => transport.send(to, frame),
    setPeers: (later) => transport.setPeers(byId(later)),
    status: () => transport.status(),
    [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
  };
}

function byId(peers: Readonly<Record<number, PeerAddress>>): ReadonlyMap<number, PeerAddress> {
  return new Map(Object.entries(peers).map(([id, address]) => [Number(id), address]));
}
