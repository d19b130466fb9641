import { TrustedProxies } from "../gateway/http/index.ts";
import { S3_OPTIONS, type S3Options } from "../gateway/s3/index.ts";
import { type OptionValues, resolveOptions } from "../std/options.ts";
import { serverFailure } from "./errors.ts";

/** Everything that `ashlar serve` takes. Flags, environment, `--config FILE` and the manual derive from this table. */
export const SERVER_OPTIONS = {
  dataDir: { type: "text", default: "./data", text: "Folder of this node's data." },
  memory: { type: "flag", default: false, text: "Keep everything in memory: for tests, gone when the process ends." },
  store: {
    type: "text",
    text: "Keeps small facts in an engine that runs already: etcd://HOST:PORT[,HOST:PORT...]/PREFIX or postgres://USER@HOST/DATABASE.",
  },
  storePassword: { type: "text", secret: true, text: "Password for --store; best by environment or as a file." },
  storeCa: { type: "text", text: "Certificate authority of --store (PEM file), in place of the system's." },
  storeCert: { type: "text", text: "Certificate that this node shows to --store (PEM file)." },
  storeKey: { type: "text", text: "Its private key (PEM file)." },
  workerIds: {
    type: "text",
    text: "Source of worker numbers in place of the Store: static:NUMBER, or a URL of etcd, PostgreSQL, MySQL, Redis, ZooKeeper.",
  },
  workerIdsPassword: {
    type: "text",
    secret: true,
    text: "Password for --worker-ids; best by environment or as a file.",
  },
  workerIdsCa: { type: "text", text: "Certificate authority of --worker-ids (PEM file), in place of the system's." },
  workerIdsCert: { type: "text", text: "Certificate that this node shows to --worker-ids (PEM file)." },
  workerIdsKey: { type: "text", text: "Its private key (PEM file)." },
  tagDatabase: {
    type: "text",
    text: "postgres://USER@HOST/DATABASE or mysql://USER@HOST/DATABASE, of what --tag-sequence names.",
  },
  tagDatabasePassword: {
    type: "text",
    secret: true,
    text: "Password for --tag-database; best by environment or as a file.",
  },
  tagDatabaseCa: { type: "text", text: "Certificate authority of --tag-database (PEM file)." },
  tagDatabaseCert: { type: "text", text: "Certificate that this node shows to --tag-database (PEM file)." },
  tagDatabaseKey: { type: "text", text: "Its private key (PEM file)." },
  tagSequence: {
    type: "list",
    default: [],
    text: "TAG or TAG=NAME: a tag that the sequence NAME, in MySQL a table of tickets, counts there; may be repeated.",
  },
  s3Listen: { type: "address", default: "127.0.0.1:9000", text: "Where S3 listens; port 0 takes any free one." },
  apiListen: { type: "address", default: "127.0.0.1:9100", text: "Where the HTTP API and the console listen." },
  redisListen: {
    type: "address",
    default: "127.0.0.1:6380",
    text: "Where the Redis front will listen (not built yet).",
  },
  leafListen: {
    type: "address",
    text: "Where Leaf's HTTP service listens, port 8080 in Leaf; it does not where this is left out.",
  },
  leafAnonymous: {
    type: "flag",
    default: false,
    text: "Answer there without a credential, for Leaf's clients have none: whoever reaches it is handed ids.",
  },
  leafGenerator: { type: "text", default: "leaf", text: "Generator of the ids of Leaf's snowflake mode." },
  leafHidingKey: {
    type: "text",
    secret: true,
    text: "32 hexadecimal digits: ids leave Leaf's service in a form that hides their order behind this key.",
  },
  leafMysql: {
    type: "text",
    text: "mysql://USER@HOST:PORT/DATABASE of one's own table leaf_alloc: Leaf's segment mode counts there, not in the Store.",
  },
  leafMysqlPassword: {
    type: "text",
    secret: true,
    text: "Password for --leaf-mysql; best by environment or as a file.",
  },
  leafMysqlCa: {
    type: "text",
    text: "Certificate authority of --leaf-mysql, whose host is then a name (PEM file); without it the connection has no TLS.",
  },
  leafTlsCert: { type: "text", text: "Certificate of Leaf's listener (PEM file, read again when it changes)." },
  leafTlsKey: { type: "text", text: "Its private key (PEM file)." },
  peerListen: {
    type: "address",
    default: "127.0.0.1:9200",
    text: "Where the other nodes of a cluster reach this one; a node that is alone does not listen there.",
  },
  peerAddress: {
    type: "text",
    text: "HOST:PORT under which other nodes reach --peer-listen, where that is not the address itself.",
  },
  join: {
    type: "text",
    text: "HOST:PORT of a cluster's node, to join it at the first start; afterwards the data directory knows.",
  },
  joinToken: {
    type: "text",
    secret: true,
    text: "What `ashlar cluster init` or `ashlar cluster token` gave for joining.",
  },
  zone: {
    type: "text",
    default: "",
    text: "Failure domain of this node, such as a rack or a data centre: nodes of one zone may fail together.",
  },
  peer: {
    type: "list",
    default: [],
    text: "ID=HOST:PORT: reaches that node there, whatever address it gives; may be given several times.",
  },
  thriftListen: {
    type: "address",
    default: "127.0.0.1:7609",
    text: "Where Twitter's Thrift service of ids listens, with --thrift-anonymous only.",
  },
  thriftAnonymous: {
    type: "flag",
    default: false,
    text: "Open --thrift-listen: whoever reaches it gets ids without a credential.",
  },
  thriftTlsCert: { type: "text", text: "Certificate of the Thrift listener (PEM file, read again when it changes)." },
  thriftTlsKey: { type: "text", text: "Its private key (PEM file)." },
  s3TlsCert: { type: "text", text: "Certificate of the S3 listener (PEM file, read again when it changes)." },
  s3TlsKey: { type: "text", text: "Its private key (PEM file)." },
  apiTlsCert: { type: "text", text: "Certificate of the API listener (PEM file, read again when it changes)." },
  apiTlsKey: { type: "text", text: "Its private key (PEM file)." },
  allowPlaintext: { type: "flag", default: false, text: "Listen without TLS on addresses that are not loopback." },
  rootAccessKey: {
    type: "text",
    text: "Root access key, in place of the one in the data folder; with its secret, or not at all.",
  },
  rootSecretKey: { type: "text", secret: true, text: "Root secret key; best by environment or as a file." },
  region: { type: "text", default: "us-east-1", text: "Region that S3 answers; requests may name any." },
  s3Domain: {
    type: "list",
    default: [],
    text: "Domain under which buckets are host names (virtual-host addressing); may be given several times.",
  },
  s3PublicUrl: {
    type: "text",
    text: "URL under which clients reach S3, for presigned links; else they name its listener, on all addresses by the request's host.",
  },
  allowV2: {
    type: "flag",
    default: true,
    text: "Accept Signature Version 2: boto3 makes its presigned links with it. It covers less of a request than Version 4.",
  },
  trustProxy: {
    type: "list",
    default: [],
    text: "Address or network (CIDR) whose X-Forwarded-* headers count; may be given several times.",
  },
  createBucket: {
    type: "list",
    default: [],
    text: "Bucket to create at the start if it is missing; may be given several times.",
  },
  metricsPublic: { type: "flag", default: false, text: "Answer /metrics without a credential." },
  accessLog: { type: "flag", default: false, text: "Log each request." },
  logFormat: { type: "text", default: "text", text: "`text` or `json`, on standard error." },
  connectionsMax: {
    type: "integer",
    unit: "count",
    default: 10_000,
    min: 1,
    max: 1_000_000,
    text: "Connections a listener.",
  },
  requestsMax: {
    type: "integer",
    unit: "count",
    default: 4096,
    min: 1,
    max: 1_000_000,
    text: "Requests answered at once.",
  },
  idleTimeoutMillis: {
    type: "integer",
    unit: "ms",
    default: 60_000,
    min: 1000,
    max: 3_600_000,
    text: "A connection without any byte for this long is closed.",
  },
  drainMillis: {
    type: "integer",
    unit: "ms",
    default: 10_000,
    min: 0,
    max: 600_000,
    text: "How long running requests may take to end after SIGTERM.",
  },
  segmentBytes: {
    type: "integer",
    unit: "bytes",
    default: 67_108_864,
    min: 8_388_608,
    max: 1_073_741_824,
    text: "Length of a segment of the log.",
  },
  volumeBytes: {
    type: "integer",
    unit: "bytes",
    default: 1_073_741_824,
    min: 33_554_432,
    max: 34_292_629_504,
    text: "Length at which a volume is sealed.",
  },
  copies: {
    type: "integer",
    unit: "count",
    default: 3,
    min: 1,
    max: 16,
    text: "Nodes of a cluster that hold each volume; all of them where there are fewer.",
  },
  writeCopiesMin: {
    type: "integer",
    unit: "count",
    default: 2,
    min: 1,
    max: 16,
    text: "Copies of a volume without which no write is acknowledged; fewer only where the cluster has fewer nodes.",
  },
  replicaLagMillisMax: {
    type: "integer",
    unit: "ms",
    default: 2000,
    min: 10,
    max: 600_000,
    text: "How much later than the writer's own copy one on another node may be before writes go on without it.",
  },
  takeoverAfterMillis: {
    type: "integer",
    unit: "ms",
    default: 10_000,
    min: 1000,
    max: 86_400_000,
    text: "How long a node is away before another one takes over the volumes that it wrote.",
  },
  healAfterMillis: {
    type: "integer",
    unit: "ms",
    default: 300_000,
    min: 1000,
    max: 86_400_000,
    text: "How long a node is away before the copies that it held are made anew on others; a removed one counts at once.",
  },
  healBytesPerSecond: {
    type: "integer",
    unit: "bytes/s",
    default: 67_108_864,
    min: 65_536,
    max: 68_719_476_736,
    text: "At which rate copies come to a node when volumes have too few.",
  },
  rangeBytesMax: {
    type: "integer",
    unit: "bytes",
    default: 1_073_741_824,
    min: 0,
    max: 1_099_511_627_776,
    text: "A group of nodes that holds more in rows gives half of it to another one; 0: never.",
  },
  transferBytesPerSecond: {
    type: "integer",
    unit: "bytes/s",
    default: 33_554_432,
    min: 65_536,
    max: 68_719_476_736,
    text: "At which rate rows go from one group of nodes to another.",
  },
  spaceReserveBytes: {
    type: "integer",
    unit: "bytes",
    default: 1_073_741_824,
    min: 67_108_864,
    max: 1_099_511_627_776,
    text: "Disk space that writes leave free; 2 % of the disk where that is more.",
  },
} as const;

export type ServerOptions = OptionValues<typeof SERVER_OPTIONS>;

/** Of a file in the data directory, for what opens it by itself. */
export function systemPath({ dataDir }: Pick<ServerOptions, "dataDir">, name: string): string {
  return `${dataDir}/${name}`;
}

/** The S3 gateway's part of them. */
export function s3Options(options: ServerOptions): S3Options {
  const { region, s3Domain, s3PublicUrl, trustProxy, allowV2, requestsMax } = options;
  const values = {
    region,
    domains: s3Domain,
    publicUrl: s3PublicUrl,
    trustedProxies: trustProxy,
    allowV2,
    requestsMax,
  };
  return resolveOptions(S3_OPTIONS, [{ label: "server", values }]);
}

export function trustedProxies({ trustProxy }: ServerOptions): TrustedProxies {
  const proxies = TrustedProxies.parse(trustProxy);
  if (proxies instanceof TrustedProxies) return proxies;
  throw serverFailure("PROXY_INVALID", {
    what: `--trust-proxy ${proxies.invalid} is neither an address nor a network.`,
  });
}
