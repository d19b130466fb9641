import type { Env } from "../env/index.ts";
import { openThriftGateway } from "../gateway/thrift/index.ts";
import type { Ids } from "../service/ids/index.ts";
import { parseAddress } from "../std/options.ts";
import { namingFlag, type OpenListener, shownHost, tlsOf } from "./listeners.ts";
import type { Logger } from "./logger.ts";
import type { ServerOptions } from "./options.ts";

/** Undefined unless an option opens it: who can reach it needs no credential. */
export async function openThrift(
  { env, options, logger }: { readonly env: Env; readonly options: ServerOptions; readonly logger: Logger },
  ids: Ids,
): Promise<OpenListener | undefined> {
  if (!options.thriftAnonymous) return undefined;
  const { thriftListen: address, thriftTlsCert: tlsCert, thriftTlsKey: tlsKey } = options;
  const place = { name: "thrift", address, tlsCert, tlsKey };
  const tls = tlsOf(place, options);
  const { host, port } = parseAddress(place.address)!;
  const { connectionsMax, idleTimeoutMillis: idleMillisMax, drainMillis } = options;
  const gateway = await namingFlag(
    place,
    openThriftGateway({
      ...{ env, ids, options: { host, port, tls, connectionsMax, idleMillisMax, drainMillis } },
      onUnexpected: (error) => logger.error("thrift.unexpected", error),
    }),
  );
  return {
    url: `${tls ? "thrifts" : "thrift"}://${shownHost(host)}:${gateway.port}`,
    [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose](),
  };
}
