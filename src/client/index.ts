// What `ashlar` is: the client of a server or a cluster, in Node and in a browser, without dependencies.

// Whoever imports the types need not have this library among its own.
/// <reference lib="esnext.disposable" preserve="true" />

export type { IdField, IdReading } from "../core/id/index.ts";
export { text } from "../std/bytes.ts";
export { AshlarError } from "../std/errors.ts";
export type {
  Ashlar,
  Check,
  Commit,
  CommitOptions,
  CommitResult,
  Committed,
  Conflict,
  ConnectOptions,
  Kv,
  Lease,
  Put,
  ReadLevel,
  ReadOptions,
  ScanOptions,
  ScanPage,
  Watch,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from "./api.ts";
export type { CallOptions } from "./call-options.ts";
export { connect } from "./connect.ts";
export type { AshlarErrorCode, ClientErrorCode, ServerErrorCode } from "./errors.ts";
export type {
  CreateTag,
  DefineGenerator,
  GeneratorInfo,
  Generators,
  Ids,
  TagInfo,
  TagOrder,
  Tags,
  UpdateTag,
} from "./ids-api.ts";
export type { BytesLike, Change, KeyRange, Position, Row, RowName } from "./rows.ts";
export type { Fetch, FetchInit, FetchReply } from "./transport.ts";
