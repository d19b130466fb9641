import { type LocalBlobs, openBlobs, openNoBlobs } from "../blob/index.ts";
import { SigningKeys } from "../codec/sigv4/index.ts";
import { hmacSha1, hmacSha256, runningSha256, SealingCipher, sha256 } from "../env/crypto.ts";
import type { Env } from "../env/index.ts";
import { createApi, EventLog, isUnfinishedRestore, Metrics } from "../gateway/api/index.ts";
import { joinObservers } from "../gateway/http/index.ts";
import { createS3Gateway, malformedReply } from "../gateway/s3/index.ts";
import { RaftHost } from "../host/index.ts";
import { Log } from "../log/index.ts";
import { openAccess } from "../service/access/index.ts";
import { objectReferences, openObjects } from "../service/objects/index.ts";
import { openReplicatedStore } from "../store/index.ts";
import { Ballast } from "./ballast.ts";
import { type ClusterSettings, clusterSettings, listenToPeers, waitForLeader } from "./cluster.ts";
import type { ConsoleFiles } from "./console-files.ts";
import { createBuckets } from "./create-buckets.ts";
import { serverFailure } from "./errors.ts";
import { blobEventTo, groupEventTo, namesOfNeedles, s3ActTo, tellOfRebuild } from "./events.ts";
import { Fatal } from "./fatal.ts";
import { IDENTITY_FILES, openIdentity, type RootKey } from "./identity.ts";
import { listenerSettings, listenTo } from "./listeners.ts";
import type { Logger } from "./logger.ts";
import { SERVER_OPTIONS, type ServerOptions, s3Options, trustedProxies } from "./options.ts";
import { RequestLog } from "./request-log.ts";

const STORE_GROUP = 1;
/** What a node that is alone calls itself in its group. */
const SOLE_NODE = 1;
const SIGNING_KEYS_MAX = 1024;

export interface RunningNode extends AsyncDisposable {
  /** Where S3 listens. */
  readonly s3: string;
  /** Where the HTTP API and the console listen. */
  readonly api: string;
  /** Where other nodes reach this one, as `host:port`; undefined for a node that is alone. */
  readonly peer: string | undefined;
  readonly root: RootKey;
}

export interface NodeParts {
  readonly env: Env;
  readonly options: ServerOptions;
  readonly version: string;
  readonly console: ConsoleFiles;
  readonly logger: Logger;
  /** What the disk holds is not known any more: the process must end. */
  readonly onFatal: (error: Error) => void;
}

/** The whole node on one page: each part is made from those above it, and closed before them. */
export async function composeNode(node: NodeParts): Promise<RunningNode> {
  const { env, options, version, console, logger } = node;
  await using parts = new AsyncDisposableStack();
  parts.use(await env.disk.lock());
  if (await isUnfinishedRestore(env.disk)) throw serverFailure("RESTORE_UNFINISHED");
  if (!options.memory) parts.use(await Ballast.open(env.disk, env.timers, logger));
  const cluster = clusterSettings(options);
  const identity = await openIdentity(env.disk, env.random, options, cluster);
  const fatal = new Fatal(logger, node.onFatal);

  const onDiskFailure = (error: Error): void => fatal.tell(error);
  const { log, raft, store, transport, lane } = await openStore(node, cluster, parts, onDiskFailure);
  const events = parts.use(await EventLog.open(store, env.clock, { lane }));
  if (store.counters.indexRebuilds > 0) tellOfRebuild(logger, events);
  const { volumeBytes, spaceReserveBytes } = options;
  const blobsOpened = Promise.withResolvers<LocalBlobs>();
  const blobs = parts.use(
    cluster
      ? await openNoBlobs({ env, options: { spaceReserveBytes } })
      : await openBlobs({
          ...{ env, store, references: objectReferences(store), options: { volumeBytes, spaceReserveBytes } },
          onEvent: blobEventTo(logger, events, namesOfNeedles(store, blobsOpened.promise)),
          onFatal: onDiskFailure,
        }),
  );
  blobsOpened.resolve(blobs);
  const onError = (error: unknown): void => logger.error("objects.cleaner", error);
  const objects = parts.use(openObjects({ ...env, store, blobs, onError, isShared: cluster !== undefined }));
  const cipher = new SealingCipher(identity.sealKey, (length) => env.random.bytes(length));
  const access = parts.use(
    openAccess({
      ...{ store, env, root: identity.root, cipher, sha256 },
      checkSpace: () => blobs.checkSpace("addition"),
    }),
  );
  await createBuckets(objects, options.createBucket);

  const keys = new SigningKeys({ hash: sha256, hmac: hmacSha256 }, { entriesMax: SIGNING_KEYS_MAX });
  const metrics = new Metrics();
  const requestLog = new RequestLog(logger, options.accessLog);
  const answerS3 = createS3Gateway({
    ...{ env, objects, access, options: s3Options(options) },
    signing: { keys, hmacSha1, sha256: runningSha256 },
    observer: joinObservers(metrics.requests, requestLog),
    onAct: s3ActTo(events),
  });
  const urls: Record<string, string> = {};
  const api = parts.use(
    createApi({
      ...{ env, objects, access, events, metrics, keys, console, observer: requestLog },
      node: {
        ...{ id: identity.nodeId, version, startedMillis: env.clock.now() },
        ...{ disk: env.disk, log, raft, store, blobs, identityFiles: IDENTITY_FILES },
        endpoints: () => urls,
        failure: () => fatal.error,
        configuration: { table: SERVER_OPTIONS, values: options },
      },
      trustedProxies: trustedProxies(options),
      options: { region: options.region, metricsPublic: options.metricsPublic, requestsMax: options.requestsMax },
    }),
  );
  const s3 = parts.use(
    await listenTo(env.http, { ...listenerSettings("s3", options), malformed: malformedReply }, options, answerS3),
  );
  const apiListener = parts.use(await listenTo(env.http, listenerSettings("api", options), options, api.handle));
  // Its streams would hold up the listeners, so it ends before them; above it is owned in case they do not open.
  parts.defer(() => api[Symbol.dispose]());
  urls["s3"] = options.s3PublicUrl ?? s3.url;
  urls["api"] = apiListener.url;
  events.record({ severity: "info", kind: "node-started", object: "node", text: `Ashlar ${version} has started.` });

  const owned = parts.move();
  const peer = transport && `${hostOf(options.peerListen)}:${transport.port}`;
  return {
    ...{ s3: s3.url, api: apiListener.url, peer, root: identity.root },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** The log, the group over it, and the Store over that. */
async function openStore(
  { env, options, logger }: NodeParts,
  cluster: ClusterSettings | undefined,
  parts: AsyncDisposableStack,
  onFatal: (error: Error) => void,
) {
  const log = parts.use(
    await Log.open(env, {
      options: { segmentBytes: options.segmentBytes },
      onFatal,
      // What can not be read any more comes back from the other members, where there are any.
      onDamage: cluster ? "set-aside" : "refuse",
    }),
  );
  for (const file of log.evidence) logger.info("log.damage-set-aside", { file });
  if (log.tornBytes > 0) logger.info("log.torn-tail", { bytes: log.tornBytes });
  const transport = cluster && parts.use(await listenToPeers(env, cluster, options, logger));
  const { nodeId, nodes } = cluster ?? { nodeId: SOLE_NODE, nodes: [SOLE_NODE] };
  const shared = transport && { transport, onEvent: groupEventTo(logger) };
  const host = parts.use(await RaftHost.start({ ...{ nodeId, env, log, onFatal }, ...shared }));
  const store = parts.use(
    await openReplicatedStore({
      env,
      openGroup: (machine, committedAtLeast) => {
        return host.openGroup({ id: STORE_GROUP, machine, committedAtLeast, founders: { voters: nodes } });
      },
    }),
  );
  if (cluster) await waitForLeader(store, env.timers, logger);
  return { log, raft: host, store, transport, lane: nodes.indexOf(nodeId) };
}

function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(":"));
}
