import type { ByteSource } from "../std/source.ts";

/**
 * The only way from a server to the world. env/node gives the real one, env/sim one that a seed replays.
 * One conformance suite (env/conformance.ts) runs over both implementations of every interface.
 */
export interface Env {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly disk: Disk;
  readonly indexes: Indexes;
  readonly compute: Compute;
  readonly http: HttpServers;
  readonly network: Network;
}

export interface Clock {
  /** Wall time, milliseconds since 1970. It may jump; never measure or order with it. */
  now(): number;
  /** Milliseconds since an arbitrary start; never goes back. */
  monotonic(): number;
}

export interface Timer {
  cancel(): void;
}

export interface Timers {
  after(delayMillis: number, run: () => void): Timer;
  /** Runs once the input that waits now has been taken in: the end of one turn of the event loop. */
  endOfTurn(run: () => void): void;
}

export interface Random {
  /** Fit for secrets in production. */
  bytes(length: number): Uint8Array;
  /** An integer from 0 to 2^32 - 1. */
  u32(): number;
}

/**
 * Files under one root. Names are relative, with "/" between folders, and never leave the root.
 * A write is durable only after `sync` of the file; a new, renamed or removed name only after `syncDirectory` of its folder.
 * Failures are AshlarErrors of ENV_ERRORS.
 */
export interface Disk {
  /** `create` makes a new empty file and fails with FILE_EXISTS if there is one; the others fail with FILE_MISSING. */
  open(name: string, mode: "read" | "write" | "create"): Promise<DiskFile>;
  /** Names in the folder without its path, sorted; an empty list where the folder is missing. */
  list(folder: string): Promise<string[]>;
  /** Makes the folder and those above it. */
  makeDirectory(folder: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  remove(name: string): Promise<void>;
  syncDirectory(folder: string): Promise<void>;
  space(): Promise<{ readonly bytesFree: number; readonly bytesTotal: number }>;
  /** Takes the root for this process until it ends; rejects with DISK_LOCKED while another holds it. */
  lock(): Promise<AsyncDisposable>;
}

export interface DiskFile {
  readonly name: string;
  /**
   * Up to `length` bytes from `position`; fewer only at the end of the file. The caller owns the result. Where it gives
   * memory, of at least `length` bytes, the result is the beginning of that.
   */
  read(position: number, length: number, memory?: Uint8Array): Promise<Uint8Array>;
  /** All chunks, one behind the other. The caller does not change them until this resolves. Grows the file if needed. */
  write(position: number, chunks: readonly Uint8Array[]): Promise<void>;
  /** Everything written so far is durable, with the file's length. After a failure nothing is known: the node must stop. */
  sync(): Promise<void>;
  length(): Promise<number>;
  /** Cuts or extends; what is added reads as zeros. */
  setLength(length: number): Promise<void>;
  close(): Promise<void>;
}

export interface Indexes {
  /** Opens or creates the named index. Rejects with INDEX_DAMAGED where it can not be trusted: remove it and rebuild. */
  open(name: string): Promise<Index>;
  remove(name: string): Promise<void>;
}

/**
 * The ordered map under the Store: binary keys up to 1,978 bytes in byte order, values up to 16 MiB.
 * Calls are synchronous: a page of a B-tree in memory costs less than a promise.
 * A write is visible at once and atomic; after a crash the index holds the state after some write since the last flush,
 * or is empty, or declares itself damaged: the owner keeps a position among its rows and replays from there.
 */
export interface Index {
  get(key: Uint8Array): Uint8Array | undefined;
  /** At most `limit` rows with from <= key < to, in byte order or (reverse) against it. */
  scan(range: IndexRange): IndexRow[];
  write(changes: IndexChanges): void;
  /** A frozen view, for scans that last over many turns. Close it soon: it holds old pages. */
  snapshot(): IndexSnapshot;
  flush(): Promise<void>;
  /** Flushes and marks the index as cleanly closed. */
  close(): Promise<void>;
}

export interface IndexRow {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

export interface IndexRange {
  readonly from?: Uint8Array;
  readonly to?: Uint8Array | undefined;
  readonly limit: number;
  readonly reverse?: boolean;
}

export interface IndexChanges {
  readonly puts: readonly IndexRow[];
  readonly deletes: readonly Uint8Array[];
}

export interface IndexSnapshot {
  /** How many rows the index says that it holds; a scan that finds others has met damage. */
  readonly rowCount: number;
  scan(range: IndexRange): IndexRow[];
  close(): void;
}

export type HashName = "md5" | "sha1" | "sha256" | "crc32" | "crc32c" | "crc64nvme";

/** Work that would hold up the event loop. */
export interface Compute {
  /** Running hashes over one stream; `bytesExpected` decides whether they run here (small) or on another thread. */
  hasher(names: readonly HashName[], bytesExpected: number): Hasher;
}

export interface Hasher extends Disposable {
  /** Takes in the bytes before it returns or before its promise resolves; a promise is back-pressure and must be awaited. */
  update(bytes: Uint8Array): void | Promise<void>;
  /** Once, at the end. A CRC is big-endian. */
  digest(): Promise<ReadonlyMap<HashName, Uint8Array>>;
}

export interface HttpServers {
  listen(options: HttpListenOptions, handle: (exchange: Exchange) => void): Promise<HttpListener>;
}

export interface HttpListenOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly headerBytesMax: number;
  /** From the first byte of a request to the end of its headers. */
  readonly headersTimeoutMillis: number;
  /** No byte from or to the client for this long ends the connection. */
  readonly idleTimeoutMillis: number;
  readonly connectionsMax: number;
  readonly tls?: { readonly certFile: string; readonly keyFile: string };
  /** What a request gets that could not be parsed (no Exchange is made for it). */
  readonly malformed: (status: 400 | 408 | 431) => { readonly headers: readonly string[]; readonly body: Uint8Array };
}

export interface HttpListener {
  readonly port: number;
  /** Takes no new connection, lets running exchanges end for at most `graceMillis`, then cuts the rest. */
  close(graceMillis: number): Promise<void>;
}

/** One HTTP request and the way to answer it, with nothing of node:http in it. */
export interface Exchange {
  readonly method: string;
  /** The request target, byte for byte as it was sent (path and query, still escaped). */
  readonly target: string;
  /** Names and values in turn, as they were sent. */
  readonly rawHeaders: readonly string[];
  /** The one value, or several joined by ", "; the name in lower case. */
  header(name: string): string | undefined;
  readonly remoteAddress: string;
  readonly secure: boolean;
  /** The body without transfer coding. Its first read sends `100 Continue` to a client that waits for it. */
  readonly body: ByteSource;
  /** Aborted when the client goes away before the reply is complete. */
  readonly signal: AbortSignal;
  /** Once. Resolves when the last byte is handed to the kernel, rejects if the client went away or the body failed. */
  reply(status: number, headers: readonly string[], body?: Uint8Array | ByteSource): Promise<void>;
  /** True once reply was called. */
  readonly replied: boolean;
}

/** Connections that carry bytes in order, or break. Failures are AshlarErrors of ENV_ERRORS. */
export interface Network {
  /** `accept` gets each connection once it is made, with TLS once both sides know each other. */
  listen(options: NetworkListenOptions, accept: (connection: Connection) => void): Promise<NetworkListener>;
  /**
   * Rejects with CONNECTION_REFUSED, CONNECTION_RESET, HOST_UNREACHABLE, CONNECT_TIMED_OUT, TLS_REFUSED or the signal's
   * reason. A server that does not accept the client's certificate may say so only once the connection is made.
   */
  connect(options: ConnectOptions): Promise<Connection>;
}

/** TLS in which both sides show a certificate. The files are read again when they change. */
export interface MutualTls {
  readonly certFile: string;
  readonly keyFile: string;
  /** The other side's certificate comes from one of these authorities, or there is no connection. */
  readonly caFile: string;
}

/** Without authorities nobody is asked for a certificate: TLS in which the listener alone shows one. */
export type ListenTls = Pick<MutualTls, "certFile" | "keyFile"> & Partial<Pick<MutualTls, "caFile">>;

export interface NetworkListenOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Further ones are closed at once. */
  readonly connectionsMax: number;
  /** What TLS may take. */
  readonly handshakeTimeoutMillis: number;
  readonly tls?: ListenTls | undefined;
  /** With authorities, also takes who shows no certificate at all: his connection has no `peerNames`. */
  readonly takesAnonymous?: boolean;
  /** Somebody came and did not get through TLS, or the system had no room for him (then his address is not known). */
  readonly refused?: (remoteAddress: string, error: Error) => void;
}

export interface NetworkListener {
  readonly port: number;
  /** Takes no new connection. Those that were accepted go on: they belong to who got them. */
  close(): Promise<void>;
}

export interface ConnectTls extends Pick<MutualTls, "caFile"> {
  /** The name that the other side's certificate must have. */
  readonly peerName: string;
  /** This side's own, or neither: then the other side has to take it so. */
  readonly certFile?: string;
  readonly keyFile?: string;
}

export interface ConnectOptions {
  readonly host: string;
  readonly port: number;
  /** For all of it: finding the host, connecting, TLS. */
  readonly timeoutMillis: number;
  readonly tls?: ConnectTls | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** One end of a stream of bytes in each direction. */
export interface Connection {
  readonly remoteAddress: string;
  /** The DNS names in the other side's certificate; none without TLS. */
  readonly peerNames: readonly string[];
  /** What was sent and has not left the process yet. */
  readonly queuedBytes: number;
  /** Once. Nothing is read before. */
  begin(handlers: ConnectionHandlers): void;
  /**
   * Queues the bytes; what is sent in one turn of the event loop goes out in one write. They must not change any more.
   * Nothing limits the queue: the sender looks at `queuedBytes`, or waits for `drained`.
   */
  send(bytes: Uint8Array): void;
  /** No `data` and no `ended` come until `resume`, so that the other side has to wait before long. */
  pause(): void;
  resume(): void;
  /** Nothing more is sent behind what is queued. The other side may still send. */
  end(): void;
  /**
   * Breaks off, both ways and whatever is queued. Harmless at any time. Only `closed` comes after it. The other side is
   * closed with CONNECTION_RESET, but for TLS, where it may look like an end: formats tell the end of what they carry.
   */
  destroy(): void;
}

/** All are called in turns of the event loop of their own, never from within a call of the connection's methods. */
export interface ConnectionHandlers {
  /** The bytes are valid until this returns: who keeps them copies them. */
  data(bytes: Uint8Array): void;
  /** The other side sends nothing more. */
  ended(): void;
  /** Everything that was sent has left the process. */
  drained?(): void;
  /** Once, at last: both sides have ended, or one broke off, or the network did. Without an error where we destroyed it. */
  closed(error: Error | undefined): void;
}
