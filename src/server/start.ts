import { resolve } from "node:path";
import type { Env } from "../env/index.ts";
import { createMemoryEnv } from "../env/memory.ts";
import { createNodeEnv } from "../env/node/index.ts";
import { type RawOptions, resolveOptions } from "../std/options.ts";
import { composeNode } from "./compose.ts";
import { consoleFiles } from "./console-files.ts";
import { serverFailure } from "./errors.ts";
import { Logger } from "./logger.ts";
import { withoutMysqlPassword } from "./mysql-url.ts";
import { SERVER_OPTIONS, type ServerOptions } from "./options.ts";
import { withoutUrlPasswords } from "./store-url.ts";
import { VERSION } from "./version.ts";

export interface RunningServer extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` */
  readonly s3: string;
  readonly api: string;
  /** Leaf's HTTP service, where `leafListen` asks for it. */
  readonly leaf: string | undefined;
  /** `127.0.0.1:PORT`, for the other nodes of a cluster; undefined for a node that is alone. */
  readonly peer: string | undefined;
  /** `thrift://127.0.0.1:PORT`, with `thriftAnonymous` only. */
  readonly thrift: string | undefined;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly region: string;
  /** Takes no new requests, lets running ones end, makes everything durable. Safe to call twice. */
  close(): Promise<void>;
}

export type StartOptions = Partial<{ -readonly [Name in keyof ServerOptions]: ServerOptions[Name] }> & {
  /** Called once when the disk failed and nothing can be trusted any more. Default: the process ends with code 1. */
  readonly onFatal?: (error: Error) => void;
  /** Takes the log's lines. Default: none. */
  readonly log?: (line: string) => void;
};

/** A memory server's log is read by nobody after a crash: small segments cost less to allocate. */
const MEMORY_SEGMENT_BYTES = 8 * 1024 * 1024;

/**
 * Starts a node in this process, on free ports unless told otherwise: for other people's tests, with `{ memory: true }`, and for
 * programs that bring their own storage. Rejects with SERVER_ERRORS, OPTION_ERRORS or what a part of the node says.
 */
export async function startServer(options: StartOptions = {}): Promise<RunningServer> {
  const { onFatal, log, ...values } = options;
  const freePorts = { s3Listen: "127.0.0.1:0", apiListen: "127.0.0.1:0", thriftListen: "127.0.0.1:0" };
  return startNode(resolveServerOptions([{ label: "startServer", values: { ...freePorts, ...values } }]), {
    onFatal,
    log,
  });
}

/** Options from several sources, the earlier winning. */
export function resolveServerOptions(
  sources: readonly { readonly label: string; readonly values: RawOptions }[],
): ServerOptions {
  return resolveOptions(SERVER_OPTIONS, sources);
}

/** As startServer, with options that are resolved already. */
export async function startNode(
  options: ServerOptions,
  hooks: {
    readonly onFatal?: ((error: Error) => void) | undefined;
    readonly log?: ((line: string) => void) | undefined;
    /** Ends a start that waits for other nodes: it rejects with START_ABORTED then. */
    readonly signal?: AbortSignal | undefined;
  },
): Promise<RunningServer> {
  await using parts = new AsyncDisposableStack();
  const env: Env = parts.use(
    options.memory ? createMemoryEnv() : await createNodeEnv({ dataDirectory: resolve(options.dataDir) }),
  );
  const logger = new Logger(env.clock, options.logFormat, hooks.log ?? (() => {}));
  const segmentBytes = options.memory ? MEMORY_SEGMENT_BYTES : options.segmentBytes;
  const onFatal = hooks.onFatal ?? (() => process.exit(1));
  const { signal } = hooks;
  const composed = composeNode({
    env,
    options: { ...withoutMysqlPassword(withoutUrlPasswords(options)), segmentBytes },
    version: VERSION,
    console: consoleFiles(),
    logger,
    onFatal,
    signal,
  });
  const node = parts.use(
    await composed.catch((cause: unknown) => {
      throw signal?.aborted === true ? serverFailure("START_ABORTED", { cause }) : cause;
    }),
  );
  const owned = parts.move();
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => (closing ??= owned.disposeAsync());
  const { accessKey, secretKey } = node.root;
  return {
    s3: node.s3,
    api: node.api,
    leaf: node.leaf,
    peer: node.peer,
    thrift: node.thrift,
    accessKey,
    secretKey,
    region: options.region,
    close,
    [Symbol.asyncDispose]: close,
  };
}
