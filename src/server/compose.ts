import { type BlobEvent, openBlobs } from "../blob/index.ts";
import { SigningKeys } from "../codec/sigv4/index.ts";
import { hmacSha1, hmacSha256, runningSha256, SealingCipher, sha256 } from "../env/crypto.ts";
import type { Env } from "../env/index.ts";
import { createS3Gateway, S3_OPTIONS, type S3Options } from "../gateway/s3/index.ts";
import { SoloGroup } from "../host/index.ts";
import { Log } from "../log/index.ts";
import { openAccess } from "../service/access/index.ts";
import { objectReferences, openObjects } from "../service/objects/index.ts";
import { hasCode } from "../std/errors.ts";
import { resolveOptions } from "../std/options.ts";
import { openReplicatedStore } from "../store/index.ts";
import { openIdentity, type RootKey } from "./identity.ts";
import { listen } from "./listeners.ts";
import type { Logger } from "./logger.ts";
import type { ServerOptions } from "./options.ts";

const STORE_GROUP = 1;
const SIGNING_KEYS_MAX = 1024;

export interface RunningNode extends AsyncDisposable {
  /** Where S3 listens. */
  readonly s3: string;
  /** Where the HTTP API and the console listen. */
  readonly api: string;
  readonly root: RootKey;
}

export interface NodeParts {
  readonly env: Env;
  readonly options: ServerOptions;
  readonly logger: Logger;
  /** What the disk holds is not known any more: the process must end. */
  readonly onFatal: (error: Error) => void;
}

/** The whole node on one page: each part is made from those above it, and closed before them. */
export async function composeNode({ env, options, logger, onFatal }: NodeParts): Promise<RunningNode> {
  await using parts = new AsyncDisposableStack();
  parts.use(await env.disk.lock());
  const identity = await openIdentity(env.disk, env.random, options);
  const fatal = fatalOnce(logger, onFatal);

  const log = parts.use(await Log.open(env, { options: { segmentBytes: options.segmentBytes }, onFatal: fatal }));
  if (log.tornBytes > 0) logger.info("log.torn-tail", { bytes: log.tornBytes });
  const store = parts.use(
    await openReplicatedStore({
      env,
      openGroup: (machine) => SoloGroup.open({ log, timers: env.timers, group: STORE_GROUP, machine }),
    }),
  );
  const blobs = parts.use(
    await openBlobs({
      env,
      store,
      references: objectReferences(store),
      options: { volumeBytes: options.volumeBytes, spaceReserveBytes: options.spaceReserveBytes },
      onEvent: (event) => logBlobEvent(logger, event),
      onFatal: fatal,
    }),
  );
  const onError = (error: unknown): void => logger.error("objects.cleaner", error);
  const objects = parts.use(openObjects({ ...env, store, blobs, onError }));
  const cipher = new SealingCipher(identity.sealKey, (length) => env.random.bytes(length));
  const access = parts.use(openAccess({ store, env, root: identity.root, cipher, sha256 }));

  for (const bucket of options.createBucket) {
    await objects.createBucket(bucket, identity.root.accessKey).catch((error: unknown) => {
      if (!hasCode(error, "BUCKET_OWNED_BY_YOU") && !hasCode(error, "BUCKET_EXISTS")) throw error;
    });
  }

  const keys = new SigningKeys({ hash: sha256, hmac: hmacSha256 }, { entriesMax: SIGNING_KEYS_MAX });
  const signing = { keys, hmacSha1, sha256: runningSha256 };
  const answerS3 = createS3Gateway({ env, objects, access, signing, options: s3Options(options) });
  const { s3TlsCert, s3TlsKey } = options;
  const s3 = await listen(
    env.http,
    { name: "s3", address: options.s3Listen, tlsCert: s3TlsCert, tlsKey: s3TlsKey },
    options,
    answerS3,
  );
  parts.defer(() => s3.listener.close(options.drainMillis));

  const owned = parts.move();
  return { s3: s3.url, api: s3.url, root: identity.root, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

function fatalOnce(logger: Logger, onFatal: (error: Error) => void): (error: Error) => void {
  let told = false;
  return (error) => {
    if (told) return;
    told = true;
    logger.error("node.fatal", error);
    onFatal(error);
  };
}

function logBlobEvent(logger: Logger, { kind, ...fields }: BlobEvent): void {
  if (kind === "damage" || kind === "space-low" || kind === "task-failed") logger.warning(`blob.${kind}`, fields);
  else logger.info(`blob.${kind}`, fields);
}

function s3Options(options: ServerOptions): S3Options {
  const { region, s3Domain, s3PublicUrl, trustProxy, allowV2, requestsMax } = options;
  const values = { region, domains: s3Domain, publicUrl: s3PublicUrl, trustedProxies: trustProxy, allowV2, requestsMax };
  return resolveOptions(S3_OPTIONS, [{ label: "server", values }]);
}
