import type { SigningKeys } from "../codec/sigv4/index.ts";
import { KeyedPermutation } from "../core/id/index.ts";
import { LeafAllocTable, MysqlClient } from "../drivers/mysql/index.ts";
import type { Env } from "../env/index.ts";
import type { HttpObserver } from "../gateway/http/index.ts";
import { createLeafGateway, type SegmentTags } from "../gateway/leaf/index.ts";
import type { Access } from "../service/access/index.ts";
import { type Ids, TableTags } from "../service/ids/index.ts";
import { fromHex } from "../std/bytes.ts";
import type { Store } from "../store/index.ts";
import { serverFailure } from "./errors.ts";
import { listenTo, type OpenListener } from "./listeners.ts";
import type { Logger } from "./logger.ts";
import { mysqlPlace } from "./mysql-url.ts";
import { type ServerOptions, trustedProxies } from "./options.ts";

export interface LeafNodeParts {
  readonly env: Env;
  readonly options: ServerOptions;
  readonly store: Store;
  readonly ids: Ids;
  readonly access: Access;
  readonly keys: SigningKeys;
  readonly observer: HttpObserver;
  readonly logger: Logger;
}

/** How long a call waits for a database that can not be reached: within it, a failover is not noticed. */
const CALL_MILLIS = 2000;
const CONNECTIONS_MAX = 4;

/** Leaf's HTTP service, where an option asks for it. `parts` owns what was opened. */
export async function openLeaf(node: LeafNodeParts, parts: AsyncDisposableStack): Promise<OpenListener | undefined> {
  const { env, options, ids, access, keys, observer } = node;
  const table = await openTable(node, parts);
  const { leafListen: address, leafAnonymous, leafGenerator: generator, leafTlsCert, leafTlsKey } = options;
  if (address === undefined) return undefined;
  const handle = createLeafGateway({
    ...{ env, ids, segments: table ?? ids, generator, observer },
    signing: leafAnonymous ? undefined : { access, keys },
    hiding: hidingOf(options),
    trustedProxies: trustedProxies(options),
    requestsMax: options.requestsMax,
  });
  const settings = { name: "leaf", address, tlsCert: leafTlsCert, tlsKey: leafTlsKey } as const;
  return parts.use(await listenTo(env.http, settings, options, handle));
}

/** The user's own table, where an option names it. It need not be reachable yet. */
async function openTable(
  { env, options, store, logger }: LeafNodeParts,
  parts: AsyncDisposableStack,
): Promise<SegmentTags | undefined> {
  const place = mysqlPlace(options);
  if (place === undefined) return undefined;
  const limits = { connectionsMax: CONNECTIONS_MAX, callMillis: CALL_MILLIS };
  const client = parts.use(await MysqlClient.open({ ...place, ...limits, caFile: options.leafMysqlCa }));
  const onUnread = (error: Error | undefined): void => {
    if (error === undefined) logger.info("leaf.table-read");
    else logger.error("leaf.table-unreadable", error);
  };
  return parts.use(new TableTags({ table: new LeafAllocTable(client), store, env, onUnread }));
}

/** Throws LEAF_KEY_INVALID. */
function hidingOf({ leafHidingKey }: ServerOptions): KeyedPermutation | undefined {
  if (leafHidingKey === undefined) return undefined;
  const key = fromHex(leafHidingKey.trim());
  if (key?.length !== 16) throw serverFailure("LEAF_KEY_INVALID");
  return new KeyedPermutation({ key, widthBits: 63 });
}
