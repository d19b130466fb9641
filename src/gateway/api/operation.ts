import type { Action } from "../../service/access/index.ts";
import type { ByteSource } from "../../std/source.ts";
import type { Infer, ObjectSchema, Schema, ShapeName } from "./schema.ts";

export type Method = "GET" | "PUT" | "POST" | "PATCH" | "DELETE";

/** What kind of thing an action is asked on. Its name comes from the path's parameter of that name; an object's also from `key`. */
export type ResourceKind =
  | "cluster"
  | "buckets"
  | "bucket"
  | "object"
  | "users"
  | "user"
  | "policies"
  | "policy"
  | "generators"
  | "generator"
  | "tags"
  | "tag";

/**
 * Who may call. `public`: anyone. `signed in`: whoever has a good credential. `root`: the root key. Else the action that policies have
 * to allow; `versionAction` takes its place where the request names a version. `each`: the handler asks for every item that the request
 * names.
 */
export type AccessRule =
  | "public"
  | "signed in"
  | "root"
  | { readonly action: Action; readonly versionAction?: Action; readonly on: ResourceKind }
  | { readonly each: readonly Action[]; readonly item?: "object" | "key" | "key that it shows, and for PREFIX*" };

/**
 * One operation of the API. Routes, input checks, authorization, /openapi.json and docs/protocols/api.md all derive from it, and a
 * handler gets and returns what the schemas say.
 */
export interface OperationEntry {
  readonly name: string;
  readonly method: Method;
  /** With parameters as in `/v1/buckets/{bucket}`. */
  readonly path: string;
  readonly summary: string;
  /** Rules and limits worth knowing, a sentence each. */
  readonly notes?: readonly string[];
  readonly access: AccessRule;
  readonly query?: ObjectSchema | ShapeName;
  /** JSON, or bytes as they are. */
  readonly body?: ObjectSchema | ShapeName | "stream";
  /** Of a JSON body, where it may be longer than others. */
  readonly bodyBytesMax?: number;
  /** JSON; nothing (204); bytes as they are; server-sent events. */
  readonly reply: Schema | "none" | "stream" | "events";
  /** Of success, where it is not 200 (204 without a reply). */
  readonly status?: 201;
  /** Of an operator's act: what an event says of it when it is done, with the path's parameters in braces. */
  readonly act?: string;
}

/** A group of operations; its title heads a chapter of the documents. */
export interface OperationGroup {
  readonly title: string;
  readonly operations: readonly OperationEntry[];
}

export type PathNames<Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? Name | PathNames<Rest>
  : never;

export type PathOf<Entry extends OperationEntry> = { readonly [Name in PathNames<Entry["path"]>]: string };

export type QueryOf<Entry> = Entry extends { readonly query: infer Query }
  ? Infer<Query>
  : Readonly<Record<never, never>>;

export type BodyOf<Entry> = Entry extends { readonly body: infer Body extends ObjectSchema | ShapeName }
  ? Infer<Body>
  : undefined;

export type ResultOf<Entry extends OperationEntry> = Entry["reply"] extends "none"
  ? undefined
  : Entry["reply"] extends "stream" | "events"
    ? StreamReply
    : Infer<Entry["reply"]>;

/** A reply that is no JSON. */
export interface StreamReply {
  readonly status: number;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  readonly body?: Uint8Array | ByteSource;
  /** Of a body that is a source, where it is known. */
  readonly bodyBytes?: number;
}
