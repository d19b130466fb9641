import { presign, SigningKeys, signRequest } from "../../../codec/sigv4/index.ts";
import { parseXml, type XmlElement } from "../../../codec/xml/index.ts";
import { hmacSha1, hmacSha256, runningSha256, SealingCipher, sha256 } from "../../../env/crypto.ts";
import type { Exchange } from "../../../env/index.ts";
import { RaftHost } from "../../../host/index.ts";
import { Log } from "../../../log/index.ts";
import { type Access, openAccess } from "../../../service/access/index.ts";
import { type Objects, openObjects } from "../../../service/objects/index.ts";
import { EMPTY, toHex, utf8 } from "../../../std/bytes.ts";
import { resolveOptions } from "../../../std/options.ts";
import { openReplicatedStore } from "../../../store/index.ts";
import type { AccessRecord } from "../../http/index.ts";
import type { Signing } from "../authenticate.ts";
import { createS3Gateway, type S3GatewayParts } from "../gateway.ts";
import { S3_OPTIONS, type S3Options } from "../options.ts";
import { exchangeWith, type TestAnswer, type TestRequest } from "./exchange.ts";
import { memoryBlobs, memoryEnv, NOW, type TestClock } from "./memory-env.ts";

export interface Credentials {
  readonly accessKey: string;
  readonly secretKey: string;
  readonly sessionToken?: string;
}

export const ROOT: Credentials = { accessKey: "ROOTKEY", secretKey: "root-secret-key" };
export const HOST = "s3.test:9000";

/** A request as a test says it; who signs it, if anyone, comes beside it. */
export interface Call {
  readonly method: string;
  readonly target: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
}

export interface TestS3 extends AsyncDisposable {
  readonly clock: TestClock;
  readonly objects: Objects;
  readonly access: Access;
  readonly records: readonly AccessRecord[];
  readonly unexpected: readonly unknown[];
  handle(exchange: Exchange): void;
  /** Signed in the header, by the root key where nobody else is named. */
  signed(call: Call, by?: Credentials): Promise<TestAnswer>;
  anonymous(call: Call): Promise<TestAnswer>;
  /** By a link that is good for an hour. */
  presigned(call: Call, by?: Credentials): Promise<TestAnswer>;
  send(request: TestRequest): Promise<TestAnswer>;
  /** A user with one key and one policy document. */
  addUser(name: string, policy: object): Promise<Credentials>;
}

export function testSigning(): Signing {
  const keys = new SigningKeys({ hash: sha256, hmac: hmacSha256 }, { entriesMax: 64 });
  return { keys, hmacSha1, sha256: runningSha256 };
}

/** The gateway over the real services, in memory. */
export async function openTestS3(
  options: Partial<S3Options> = {},
  replaced: Partial<S3GatewayParts> = {},
): Promise<TestS3> {
  await using parts = new AsyncDisposableStack();
  const env = memoryEnv();
  const log = parts.use(
    await Log.open(env, {
      options: { segmentBytes: 8 * 1024 * 1024 },
      onFatal: (error: Error) => unexpected.push(error),
    }),
  );
  const host = parts.use(await RaftHost.start({ nodeId: 1, env, log }));
  const store = parts.use(
    await openReplicatedStore({ env, openGroup: (machine) => host.openSoleGroup({ id: 1, machine }) }),
  );
  const blobs = memoryBlobs();
  const unexpected: unknown[] = [];
  const objects = parts.use(openObjects({ ...env, store, blobs, onError: (error) => unexpected.push(error) }));
  const cipher = new SealingCipher(new Uint8Array(32), (length) => env.random.bytes(length));
  const access = parts.use(openAccess({ store, env, root: ROOT, cipher, sha256 }));
  const records: AccessRecord[] = [];
  const handle = createS3Gateway({
    env,
    objects,
    access,
    signing: testSigning(),
    options: { ...resolveOptions(S3_OPTIONS, []), ...options },
    observer: {
      started() {},
      finished: (record) => records.push(record),
      unexpected: (error) => unexpected.push(error),
    },
    ...replaced,
  });
  const owned = parts.move();
  const send = (request: TestRequest): Promise<TestAnswer> => exchangeWith(handle, request);
  return {
    clock: env.clock,
    objects,
    access,
    records,
    unexpected,
    handle,
    send,
    signed: (call, by = ROOT) => send(signedRequest(call, by, env.clock.now())),
    anonymous: (call) => send({ ...plain(call), body: bytesOf(call.body) }),
    presigned: (call, by = ROOT) => send(presignedRequest(call, by, env.clock.now())),
    addUser: (name, policy) => addUser(access, name, policy),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

const clientKeys = new SigningKeys({ hash: sha256, hmac: hmacSha256 }, { entriesMax: 64 });

export function signedRequest(call: Call, credentials: Credentials, now: number = NOW): TestRequest {
  const body = bytesOf(call.body);
  const head = plain(call);
  const payload = call.headers?.["x-amz-content-sha256"] ?? toHex(sha256(body));
  const unsigned = withoutPayload(head.rawHeaders);
  const options = { credentials, region: "us-east-1", service: "s3", now, payload };
  const signed = signRequest(clientKeys, { ...head, rawHeaders: unsigned }, options);
  return { ...head, rawHeaders: signed.rawHeaders, body };
}

export function presignedRequest(call: Call, credentials: Credentials, now: number = NOW): TestRequest {
  const head = plain(call);
  const host = ["host", headerOf(head.rawHeaders, "host")!];
  const amz = head.rawHeaders.flatMap((name, at) =>
    at % 2 === 0 && name.startsWith("x-amz-") ? [name, head.rawHeaders[at + 1]!] : [],
  );
  const options = { credentials, region: "us-east-1", service: "s3", now, expiresSeconds: 3600 };
  const target = presign(clientKeys, { ...head, rawHeaders: [...host, ...amz] }, options);
  return { ...head, target, body: bytesOf(call.body) };
}

export function bytesOf(body: Uint8Array | string | undefined): Uint8Array {
  return body === undefined ? EMPTY : typeof body === "string" ? utf8(body) : body;
}

/** The root of an XML answer. */
export function xmlOf(answer: TestAnswer): XmlElement {
  return parseXml(answer.body, { bytesMax: answer.body.length });
}

/** The code of an error's body. */
export function codeOf(answer: TestAnswer): string {
  return xmlOf(answer).required("Code").text();
}

function plain({ method, target, headers = {}, body }: Call): TestRequest & { rawHeaders: string[] } {
  const rawHeaders = Object.entries({ host: HOST, ...headers }).flat();
  const hasLength = headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;
  if (!hasLength && (body !== undefined || method === "PUT" || method === "POST")) {
    rawHeaders.push("content-length", String(bytesOf(body).length));
  }
  return { method, target, rawHeaders };
}

function withoutPayload(rawHeaders: readonly string[]): string[] {
  return rawHeaders.filter((_, at) => rawHeaders[at - (at % 2)] !== "x-amz-content-sha256");
}

function headerOf(rawHeaders: readonly string[], name: string): string | undefined {
  return rawHeaders[rawHeaders.indexOf(name) + 1];
}

async function addUser(access: Access, name: string, policy: object): Promise<Credentials> {
  await access.policies.put(name, { document: JSON.stringify(policy) });
  await access.users.create(name, { policies: [name] });
  const key = await access.keys.create(name);
  return { accessKey: key.id, secretKey: key.secret };
}
