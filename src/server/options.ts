import { TrustedProxies } from "../gateway/http/index.ts";
import { S3_OPTIONS, type S3Options } from "../gateway/s3/index.ts";
import { type OptionValues, resolveOptions } from "../std/options.ts";
import { serverFailure } from "./errors.ts";

/** Everything that `ashlar serve` takes. Flags, environment, `--config FILE` and the manual derive from this table. */
export const SERVER_OPTIONS = {
  dataDir: { type: "text", default: "./data", text: "Folder of this node's data." },
  memory: { type: "flag", default: false, text: "Keep everything in memory: for tests, gone when the process ends." },
  s3Listen: { type: "address", default: "127.0.0.1:9000", text: "Where S3 listens; port 0 takes any free one." },
  apiListen: { type: "address", default: "127.0.0.1:9100", text: "Where the HTTP API and the console listen." },
  redisListen: {
    type: "address",
    default: "127.0.0.1:6380",
    text: "Where the Redis front will listen (not built yet).",
  },
  peerListen: {
    type: "address",
    default: "127.0.0.1:9200",
    text: "Where the other nodes of a cluster reach this one; nothing listens there without --peer.",
  },
  nodeId: {
    type: "integer",
    unit: "count",
    default: 0,
    min: 0,
    max: 4_294_967_295,
    text: "This node's number in its cluster, from 1. Experimental, as are all options of clusters.",
  },
  cluster: { type: "text", text: "Name of the cluster, the same on all of its nodes." },
  peer: {
    type: "list",
    default: [],
    text: "Another node of the cluster as ID=HOST:PORT, where it listens for peers; given for each of them.",
  },
  peerTlsCert: {
    type: "text",
    text: "Certificate that this node shows to others (PEM file); node 3's has the name `node-3`.",
  },
  peerTlsKey: { type: "text", text: "Its private key (PEM file)." },
  peerTlsCa: { type: "text", text: "Authority of all nodes' certificates (PEM file)." },
  sealKey: {
    type: "text",
    secret: true,
    text: "64 hexadecimal digits, the same on all nodes of a cluster: secrets are stored under this key.",
  },
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
