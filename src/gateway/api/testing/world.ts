import assert from "node:assert/strict";
import { type LocalBlobs, openBlobs } from "../../../blob/index.ts";
import { SigningKeys, signRequest, splitTarget } from "../../../codec/sigv4/index.ts";
import { hmacSha256, SealingCipher, sha256 } from "../../../env/crypto.ts";
import type { Disk } from "../../../env/index.ts";
import { InlineCompute, SimDisk, SimHttp, SimIndexes, SimRandom } from "../../../env/sim/index.ts";
import { RaftHost } from "../../../host/index.ts";
import { Log } from "../../../log/index.ts";
import { type Access, openAccess } from "../../../service/access/index.ts";
import { type Ids, openIds } from "../../../service/ids/index.ts";
import { type Objects, objectReferences, openObjects } from "../../../service/objects/index.ts";
import { EMPTY, text, toHex, utf8 } from "../../../std/bytes.ts";
import type { OptionTable } from "../../../std/options.ts";
import { Prng } from "../../../std/prng.ts";
import type { ByteSource } from "../../../std/source.ts";
import { openReplicatedStore, type Store } from "../../../store/index.ts";
import { type AccessRecord, TrustedProxies } from "../../http/index.ts";
import { type Api, type ApiParts, createApi } from "../api.ts";
import { EventLog } from "../events/event-log.ts";
import type { NodePort } from "../node.ts";
import { OPERATION_ENTRIES } from "../operations/index.ts";
import { Routes } from "../routes.ts";
import { Metrics } from "../telemetry/metrics.ts";
import { validate } from "../validate.ts";
import { ManualTime, settle } from "./manual-time.ts";

export interface Credentials {
  readonly accessKey: string;
  readonly secretKey: string;
  readonly sessionToken?: string;
}

export const ROOT: Credentials = { accessKey: "ROOTKEY", secretKey: "root-secret-key" };
export const HOST = "api.test:9100";
export const ORIGIN = "http://api.test:9100";

export interface Call {
  /** Names and values. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  readonly body?: Uint8Array | string | ByteSource;
  /** Who signs; "nobody" sends it as it is. The root key where left out. */
  readonly by?: Credentials | "nobody";
  readonly remoteAddress?: string;
  readonly signal?: AbortSignal;
}

export interface Answer {
  readonly status: number;
  /** By name in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Uint8Array;
  readonly text: string;
  /** Of a reply that is JSON. Tests look into it as it comes. */
  // biome-ignore lint/suspicious/noExplicitAny: a test asserts the shape that it needs; the schema has been checked
  readonly json: any;
  /** Of a failure. */
  readonly code: string | undefined;
}

export interface World extends AsyncDisposable {
  readonly time: ManualTime;
  readonly api: Api;
  readonly access: Access;
  readonly ids: Ids;
  readonly objects: Objects;
  readonly store: Store;
  readonly blobs: LocalBlobs;
  readonly events: EventLog;
  readonly metrics: Metrics;
  readonly disk: Disk;
  readonly node: NodePort;
  readonly records: readonly AccessRecord[];
  readonly unexpected: readonly unknown[];
  /** `failure` of the node from now on. */
  fail(error: Error): void;
  call(method: string, target: string, call?: Call): Promise<Answer>;
  /** A user with one key and one policy. */
  addUser(name: string, policy?: object): Promise<Credentials>;
  /** The cookie of a session of the root key, as a Cookie header has it. */
  login(credentials?: Credentials): Promise<string>;
}

export interface WorldOptions {
  readonly options?: Partial<ApiParts["options"]>;
  readonly console?: ApiParts["console"];
  readonly node?: Partial<NodePort>;
  readonly trustedProxies?: readonly string[];
  readonly disk?: Disk;
  readonly spaceReserveBytes?: number;
}

const TABLE: OptionTable = {
  dataDir: { type: "text", default: "./data", text: "Folder of the data." },
  rootSecretKey: { type: "text", secret: true, text: "The root key's secret." },
};

/** The API over the real services and a disk in memory. Every JSON answer is checked against its operation's schema. */
export async function openWorld(options: WorldOptions = {}): Promise<World> {
  const unexpected: unknown[] = [];
  await using parts = new AsyncDisposableStack();
  const time = new ManualTime();
  const disk = options.disk ?? new SimDisk().mount();
  const random = new SimRandom(new Prng(7));
  const env = {
    clock: time,
    timers: time,
    random,
    disk,
    indexes: new SimIndexes().mount(),
    compute: new InlineCompute(),
  };
  const onFatal = (error: unknown): void => void unexpected.push(error);
  const log = parts.use(await Log.open(env, { options: { segmentBytes: 8 << 20 }, onFatal }));
  const host = parts.use(await RaftHost.start({ nodeId: 1, env, log, onFatal }));
  const store = parts.use(
    await openReplicatedStore({ env, openGroup: (machine) => host.openSoleGroup({ id: 1, machine }) }),
  );
  const events = parts.use(await EventLog.open(store, time));
  const blobOptions = {
    volumeBytes: 64 << 20,
    spaceReserveBytes: options.spaceReserveBytes ?? 1 << 20,
    spaceReservePercent: 0,
  };
  const blobs = parts.use(
    await openBlobs({ env, store, references: objectReferences(store), options: blobOptions, onFatal }),
  );
  const objects = parts.use(openObjects({ ...env, store, blobs, onError: onFatal }));
  const cipher = new SealingCipher(new Uint8Array(32), (length) => random.bytes(length));
  const access = parts.use(openAccess({ store, env, root: ROOT, cipher, sha256 }));
  const ids = parts.use(openIds({ store, env, node: "NODE1" }));
  const metrics = new Metrics();
  const records: AccessRecord[] = [];
  let failure: Error | undefined;
  const node: NodePort = {
    ...{ id: "NODE1", version: "1.2.3", startedMillis: time.now(), disk, log, raft: host, store, blobs },
    endpoints: () => ({ s3: "http://s3.test:9000", api: ORIGIN }),
    failure: () => failure,
    identityFiles: ["format.json"],
    configuration: { table: TABLE, values: { dataDir: "/data", rootSecretKey: "never-shown" } },
    ...options.node,
  };
  const trustedProxies = TrustedProxies.parse(options.trustedProxies ?? []);
  assert.ok(trustedProxies instanceof TrustedProxies);
  const api = createApi({
    ...{ env, objects, access, ids, store, cipher, node, events, metrics, trustedProxies, console: options.console },
    keys: newKeys(),
    observer: {
      started() {},
      finished: (record) => void records.push(record),
      unexpected: (error) => void unexpected.push(error),
    },
    options: { region: "eu-test-1", metricsPublic: false, requestsMax: 1000, ...options.options },
  });
  parts.use(api);
  await settle();
  const call = caller(api, time);
  const owned = parts.move();
  return {
    ...{ time, api, access, ids, objects, store, blobs, events, metrics, disk, node, records, unexpected, call },
    fail: (error) => {
      failure = error;
    },
    addUser: (name, policy) => addUser(access, name, policy),
    login: (credentials = ROOT) => login(call, credentials),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

export function newKeys(): SigningKeys {
  return new SigningKeys({ hash: sha256, hmac: hmacSha256 }, { entriesMax: 64 });
}

/** A policy's document that allows the actions on everything. */
export function allowing(...actions: readonly string[]): object {
  return { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: actions, Resource: "*" }] };
}

/** A folder of console files in memory. */
export function filesOf(files: Readonly<Record<string, string>>): NonNullable<ApiParts["console"]> {
  return { read: async (name) => (files[name] === undefined ? undefined : utf8(files[name])) };
}

const clientKeys = newKeys();
const schemas = new Routes(OPERATION_ENTRIES);

function caller(api: Api, time: ManualTime): World["call"] {
  const http = new SimHttp();
  const port = 1;
  const limits = { headerBytesMax: 32_768, headersTimeoutMillis: 0, idleTimeoutMillis: 0, connectionsMax: 1000 };
  const malformed = () => ({ headers: [], body: EMPTY });
  const listening = http.mount().listen({ host: "", port, ...limits, malformed }, api.handle);
  return async (method, target, call = {}) => {
    await listening;
    const { json, by = ROOT, remoteAddress, signal } = call;
    const content = json === undefined ? call.body : utf8(JSON.stringify(json));
    const body = typeof content === "string" ? utf8(content) : content;
    const headers = headersOf(call, body);
    const signed = by === "nobody" ? headers : signedBy(by, { method, target, rawHeaders: headers }, body, time.now());
    const reply = await http.request(port, {
      ...{ method, target, headers: signed, signal },
      ...(body !== undefined && { body }),
      ...(remoteAddress !== undefined && { remoteAddress }),
    });
    return checked(method, target, answerOf(reply));
  };
}

function headersOf({ headers = {}, json }: Call, body: Uint8Array | ByteSource | undefined): string[] {
  const raw = ["Host", HOST, ...Object.entries(headers).flat()];
  if (json !== undefined) raw.push("Content-Type", "application/json");
  if (body instanceof Uint8Array) raw.push("Content-Length", String(body.length));
  else if (body !== undefined && headers["Content-Length"] === undefined) raw.push("Transfer-Encoding", "chunked");
  return raw;
}

function signedBy(
  credentials: Credentials,
  head: { readonly method: string; readonly target: string; readonly rawHeaders: readonly string[] },
  body: Uint8Array | ByteSource | undefined,
  now: number,
): readonly string[] {
  const payload = body === undefined || body instanceof Uint8Array ? toHex(sha256(body ?? EMPTY)) : "UNSIGNED-PAYLOAD";
  const signing = { credentials, region: "us-east-1", service: "ashlar", now, payload };
  return signRequest(clientKeys, head, signing).rawHeaders;
}

function answerOf({ status, headers, body }: { status: number; headers: readonly string[]; body: Uint8Array }): Answer {
  const map = new Map<string, string>();
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at]!.toLowerCase();
    const earlier = map.get(name);
    map.set(name, earlier === undefined ? headers[at + 1]! : `${earlier}, ${headers[at + 1]!}`);
  }
  const content = text(body);
  const json = map.get("content-type") === "application/json" && content !== "" ? JSON.parse(content) : undefined;
  return { status, headers: map, body, text: content, json, code: status >= 400 ? json?.error?.code : undefined };
}

/** What the schema says is what comes; a failure has the one form that all failures have. */
function checked(method: string, target: string, answer: Answer): Answer {
  const { path } = splitTarget(target);
  const isSuccess = answer.status < 300;
  if (answer.json === undefined || path === "/openapi.json" || path === "/readyz") return answer;
  if (!isSuccess) {
    validate(answer.json, "Error", `error of ${method} ${path}`);
    return answer;
  }
  const { reply } = schemas.find(method, path).entry;
  if (reply !== "none" && reply !== "stream" && reply !== "events")
    validate(answer.json, reply, `answer of ${method} ${path}`);
  return answer;
}

async function addUser(access: Access, name: string, policy?: object): Promise<Credentials> {
  await access.users.create(name);
  if (policy !== undefined) {
    await access.policies.put(`of-${name}`, { document: JSON.stringify(policy) });
    await access.users.attach(name, `of-${name}`);
  }
  const { id, secret } = await access.keys.create(name);
  return { accessKey: id, secretKey: secret };
}

async function login(call: World["call"], { accessKey, secretKey }: Credentials): Promise<string> {
  const json = { accessKeyId: accessKey, secret: secretKey };
  const answer = await call("POST", "/v1/session", { by: "nobody", json });
  assert.equal(answer.status, 200, answer.text);
  return answer.headers.get("set-cookie")!.split(";")[0]!;
}
