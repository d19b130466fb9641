import { type BlobCluster, type BlobNode, type LocalBlobs, openBlobs } from "../blob/index.ts";
import type { Membership, NodeRow } from "../cluster/index.ts";
import { SigningKeys } from "../codec/sigv4/index.ts";
import { hmacSha1, hmacSha256, runningSha256, SealingCipher, sha256 } from "../env/crypto.ts";
import type { Env, Exchange } from "../env/index.ts";
import { createApi, EventLog, isUnfinishedRestore, Metrics } from "../gateway/api/index.ts";
import { joinObservers } from "../gateway/http/index.ts";
import { createS3Gateway, malformedReply } from "../gateway/s3/index.ts";
import { type HostedGroup, RaftHost } from "../host/index.ts";
import { Log } from "../log/index.ts";
import { openAccess } from "../service/access/index.ts";
import { type Ids, openIds } from "../service/ids/index.ts";
import { objectReferences, openObjects } from "../service/objects/index.ts";
import {
  type CommandResult,
  GroupCalls,
  GroupRouter,
  openReplicatedStore,
  ROOT_GROUP,
  type Store,
} from "../store/index.ts";
import { Ballast } from "./ballast.ts";
import { CertificateRenewal } from "./certificate-renewal.ts";
import { type ClusterNode, openCluster, readCluster } from "./cluster.ts";
import type { ConsoleFiles } from "./console-files.ts";
import { createBuckets } from "./create-buckets.ts";
import { serverFailure } from "./errors.ts";
import { blobEventTo, groupEventTo, idsEventTo, namesOfNeedles, s3ActTo, tellOfRebuild } from "./events.ts";
import { Fatal } from "./fatal.ts";
import { IDENTITY_FILES, openIdentity, type RootKey, readSharedFiles } from "./identity.ts";
import { listenerSettings, listenTo, type OpenListener } from "./listeners.ts";
import type { Logger } from "./logger.ts";
import { openLeaf } from "./open-leaf.ts";
import { openRanges } from "./open-ranges.ts";
import { SERVER_OPTIONS, type ServerOptions, s3Options, trustedProxies } from "./options.ts";
import { type OutsideStoreParts, openOutsideStore, outsidePlace } from "./outside-store.ts";
import { RequestLog } from "./request-log.ts";
import { NO_NODE_BUGS, type NodeBugs } from "./seeded-bugs.ts";
import { Starting } from "./starting.ts";
import type { StorePlace } from "./store-url.ts";
import { openTagDatabase } from "./tag-database.ts";
import { openThrift } from "./thrift.ts";
import { whyNotReady } from "./why-not-ready.ts";
import { openWorkerIds } from "./worker-ids.ts";

/** What a node that is alone calls itself in its group, and the one that a cluster begins with. */
const SOLE_NODE = 1;
const SOLE_FOUNDER = { founders: { voters: [SOLE_NODE] } };
const SIGNING_KEYS_MAX = 1024;

export interface RunningNode extends AsyncDisposable {
  /** Where S3 listens. */
  readonly s3: string;
  /** Where the HTTP API and the console listen. */
  readonly api: string;
  /** Where Leaf's HTTP service listens, where it does. */
  readonly leaf: string | undefined;
  /** Where other nodes reach this one, as `host:port`; undefined for a node that is alone. */
  readonly peer: string | undefined;
  /** Where the Thrift service of ids listens, as `thrift://host:port`, or `thrifts://` with TLS; undefined unless an option opens it. */
  readonly thrift: string | undefined;
  readonly root: RootKey;
  /** What its services stand on. */
  readonly store: Store;
}

export interface NodeParts {
  readonly env: Env;
  readonly options: ServerOptions;
  readonly version: string;
  readonly console: ConsoleFiles;
  readonly logger: Logger;
  /** What the disk holds is not known any more: the process must end. */
  readonly onFatal: (error: Error) => void;
  /** Ends a start that waits for other nodes. */
  readonly signal?: AbortSignal | undefined;
  /** For simulations. */
  readonly bugs?: NodeBugs;
}

/** The whole node on one page: each part is made from those above it, and closed before them. */
export async function composeNode(node: NodeParts): Promise<RunningNode> {
  const { env, options, version, console, logger, bugs = NO_NODE_BUGS } = node;
  await using parts = new AsyncDisposableStack();
  parts.use(await env.disk.lock());
  if (await isUnfinishedRestore(env.disk)) throw serverFailure("RESTORE_UNFINISHED");
  if (!options.memory) parts.use(await Ballast.open(env.disk, env.timers, logger));
  const { file, place } = await readPlaces(node);
  const identity = await openIdentity(env.disk, env.random, options);
  const cluster = file && parts.use(await openCluster(env, file, options, logger));
  const fatal = new Fatal(logger, node.onFatal);

  const onDiskFailure = (error: Error): void => fatal.tell(error);
  const starting = new Starting({ timers: env.timers, logger, signal: node.signal });
  const early = cluster && (await listenEarly(node, starting, parts));
  const cipher = new SealingCipher(identity.sealKey, (length) => env.random.bytes(length));
  const opening = { node, cluster, cipher, starting, onFatal: onDiskFailure };
  const { log, raft, root, store, ranges, membership } =
    place === undefined
      ? await openStore(opening, parts)
      : await openStoreAt(place, { ...node, nodeId: identity.nodeId, onFatal: onDiskFailure }, parts);
  const lane = file?.nodeId ?? 0;
  const certify = (key: Uint8Array<ArrayBuffer>) => membership!.certifyOwn(key);
  const renewal = membership && parts.use(new CertificateRenewal({ env, logger, certify }));
  const events = parts.use(await starting.withLeader(() => EventLog.open(store, env.clock, { lane })));
  if (root.counters.indexRebuilds > 0) tellOfRebuild(logger, events);
  const blobCluster = cluster && membership && blobClusterOf(cluster, membership);
  const opened = () => openVolumes(node, store, events, blobCluster, onDiskFailure);
  const blobs = parts.use(await starting.withLeader(opened));
  const onError = (error: unknown): void => logger.error("objects.cleaner", error);
  const objects = parts.use(openObjects({ ...env, store, blobs, onError, bugs, isShared: cluster !== undefined }));
  const checkSpace = () => blobs.checkSpace("addition");
  const access = parts.use(openAccess({ store, env, root: identity.root, cipher, sha256, checkSpace }));
  const ids = await openIdsService(node, { store, events, nodeId: identity.nodeId }, parts);
  await starting.withLeader(() => createBuckets(objects, options.createBucket));

  const keys = new SigningKeys({ hash: sha256, hmac: hmacSha256 }, { entriesMax: SIGNING_KEYS_MAX });
  const metrics = new Metrics();
  const requestLog = new RequestLog(logger, options.accessLog);
  const observer = joinObservers(metrics.requests, requestLog);
  const answerS3 = createS3Gateway({
    ...{ env, objects, access, options: s3Options(options), observer },
    signing: { keys, hmacSha1, sha256: runningSha256 },
    onAct: s3ActTo(events),
  });
  const urls: Record<string, string> = {};
  const api = parts.use(
    createApi({
      ...{ env, objects, access, ids, store, cipher, events, metrics, keys, console, observer: requestLog },
      node: {
        ...{ id: identity.nodeId, version, startedMillis: env.clock.now() },
        ...{ disk: env.disk, log, raft, store: root, blobs, identityFiles: IDENTITY_FILES },
        engine: place && { kind: place.kind },
        endpoints: () => urls,
        cluster: membership && { members: membership, ranges: ranges!, renewCertificate: () => renewal!.renew() },
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
  const leaf = await openLeaf({ env, options, store, ids, access, keys, observer, logger }, parts);
  const apiListener = parts.use(early?.take(api.handle) ?? (await listenToApi(node, api.handle)));
  // Its streams would hold up the listeners, so it ends before them; above it is owned in case they do not open.
  parts.defer(() => api[Symbol.dispose]());
  const thrift = parts.use(await openThrift(node, ids));
  Object.assign(urls, { s3: options.s3PublicUrl ?? s3.url, api: apiListener.url, ...(leaf && { leaf: leaf.url }) });
  if (membership) await starting.withLeader(() => membership.announce(urls));
  events.record({ severity: "info", kind: "node-started", object: "node", text: `Ashlar ${version} has started.` });

  const owned = parts.move();
  return {
    ...{ s3: s3.url, api: apiListener.url, leaf: leaf?.url, peer: cluster?.peer, thrift: thrift?.url },
    ...{ root: identity.root, store },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** The cluster that the node is part of, or the engine outside that keeps its Store; most have neither. */
async function readPlaces({ env, options }: NodeParts) {
  const file = await readCluster(env, options);
  const place = await outsidePlace(env.disk, options);
  if (file !== undefined && place !== undefined) throw serverFailure("STORE_OPTION_INVALID");
  return { file, place };
}

async function openIdsService(
  node: NodeParts,
  { store, events, nodeId }: { readonly store: Store; readonly events: EventLog; readonly nodeId: string },
  parts: AsyncDisposableStack,
): Promise<Ids> {
  const { env, logger } = node;
  const onEvent = idsEventTo(logger, events);
  return parts.use(openIds({ store, env, node: nodeId, onEvent, ...(await openIdSources(node, parts)) }));
}

async function openVolumes(
  { env, options, logger }: NodeParts,
  store: Store,
  events: EventLog,
  cluster: (BlobCluster & { readonly node: string }) | undefined,
  onFatal: (error: Error) => void,
): Promise<LocalBlobs> {
  const { volumeBytes, spaceReserveBytes, copies, writeCopiesMin, replicaLagMillisMax, takeoverAfterMillis } = options;
  const { healAfterMillis, healBytesPerSecond } = options;
  const opened = Promise.withResolvers<LocalBlobs>();
  const blobs = await openBlobs({
    ...{ env, store, references: objectReferences(store) },
    ...(cluster !== undefined && { cluster, node: cluster.node }),
    options: {
      ...{ volumeBytes, spaceReserveBytes, copies, writeCopiesMin, replicaLagMillisMax, takeoverAfterMillis },
      ...{ healAfterMillis, healBytesPerSecond },
    },
    onEvent: blobEventTo(logger, events, namesOfNeedles(store, opened.promise)),
    onFatal,
  });
  opened.resolve(blobs);
  return blobs;
}

/** A node that has not started yet has no volumes, and gets none. */
function blobClusterOf(
  { file, transport }: ClusterNode,
  membership: Membership,
): BlobCluster & { readonly node: string } {
  const nodes = (): BlobNode[] =>
    membership.nodes.flatMap(({ id, zone, state }) => (state === "joining" ? [] : { id, zone, state }));
  return { node: String(file.nodeId), transport, nodes };
}

/** Of worker numbers, and of tags that a database outside counts. */
async function openIdSources(node: NodeParts, parts: AsyncDisposableStack) {
  return { ...(await openWorkerIds(node, parts)), outsideTags: await openTagDatabase(node, parts) };
}

interface Opening {
  readonly node: NodeParts;
  readonly cluster: ClusterNode | undefined;
  readonly cipher: SealingCipher;
  readonly starting: Starting;
  readonly onFatal: (error: Error) => void;
}

/** The log, the group over it, and the Store over that; in a cluster, this node's part in it. */
async function openStore({ node, cluster, cipher, starting, onFatal }: Opening, parts: AsyncDisposableStack) {
  const { env, options, logger, bugs = NO_NODE_BUGS } = node;
  const log = parts.use(
    await Log.open(env, {
      options: { segmentBytes: options.segmentBytes },
      onFatal,
      bugs,
      // What can not be read any more comes back from the other members, where there are any.
      onDamage: cluster ? "set-aside" : "refuse",
    }),
  );
  for (const file of log.evidence) logger.info("log.damage-set-aside", { file });
  if (log.tornBytes > 0) logger.info("log.torn-tail", { bytes: log.tornBytes });
  const nodeId = cluster?.file.nodeId ?? SOLE_NODE;
  const transport = cluster && { transport: cluster.transport, onEvent: groupEventTo(logger) };
  const host = parts.use(await RaftHost.start({ ...{ nodeId, env, log, onFatal, bugs }, ...transport }));
  starting.why = () => whyNotReady(host);
  await starting.unlessAborted(cluster?.claim() ?? Promise.resolve());
  const beginning = cluster?.file.isFounder === false ? { isNewId: cluster.file.start === 1 } : SOLE_FOUNDER;
  const calls = cluster && new GroupCalls(cluster.transport, env.timers);
  const router = calls && new GroupRouter({ env, calls });
  let group: HostedGroup<CommandResult> | undefined;
  const root = parts.use(
    await openReplicatedStore({
      ...{ env, calls },
      ...(router && { participants: router, leaseGroups: router }),
      openGroup: async (machine, committedAtLeast) => {
        group = await host.openGroup({ id: ROOT_GROUP, machine, committedAtLeast, ...beginning });
        return group;
      },
    }),
  );
  if (cluster === undefined) return { log, raft: host, root, store: root, ranges: undefined, membership: undefined };
  let membership: Membership | undefined;
  const nodes = (): readonly NodeRow[] => membership?.nodes ?? [];
  const { transport: peers } = cluster;
  const { ranges, store } = await openRanges(
    { env, host, group: group!, root, calls: calls!, router: router!, transport: peers, nodes, options, logger, bugs },
    parts,
  );
  const shared = await readSharedFiles(env.disk);
  const settings = { store, group: group!, ranges, cipher, shared, starting, onFatal, bugs };
  membership = parts.use(await cluster.takePart(settings));
  return { log, raft: host, root, store, ranges, membership };
}

/** Without log and group: the engine has its own. */
async function openStoreAt(place: StorePlace, settings: OutsideStoreParts, parts: AsyncDisposableStack) {
  const store = await openOutsideStore(settings, place, parts);
  return { log: undefined, raft: undefined, root: store, store, ranges: undefined, membership: undefined };
}

function listenToApi({ env, options }: NodeParts, handle: (exchange: Exchange) => void): Promise<OpenListener> {
  return listenTo(env.http, listenerSettings("api", options), options, handle);
}

/** The API's address answers before the node is ready. Whoever takes the listener closes it. */
async function listenEarly(node: NodeParts, starting: Starting, parts: AsyncDisposableStack) {
  const listener = await listenToApi(node, starting.handle);
  let isTaken = false;
  parts.defer(async () => {
    if (!isTaken) await listener[Symbol.asyncDispose]();
  });
  return {
    take(handle: (exchange: Exchange) => void): OpenListener {
      isTaken = true;
      starting.ready(handle);
      return listener;
    },
  };
}
