// The part of etcd's v3 API that the Store needs: what a caller writes and reads, and the same as a descriptor for the
// loader. On the wire there are only the fields' numbers and types; the names are this file's own, one-of groups are
// plain optional fields, and enumerations are numbers.

export interface KeyValue {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly createRevision: number;
  /** Of the last write: etcd counts one revision for all keys together. */
  readonly modRevision: number;
  /** 0: none. */
  readonly lease: number;
}

export interface RangeRequest {
  readonly key: Uint8Array;
  /** Up to there, without it; one key where left out. */
  readonly rangeEnd?: Uint8Array;
  readonly limit?: number;
  /** The state at this revision instead of the newest one. */
  readonly revision?: number;
  readonly sortOrder?: (typeof SORT)[keyof typeof SORT];
  /** Answered by the member that is asked, from what it has. */
  readonly serializable?: boolean;
  readonly keysOnly?: boolean;
}

export const SORT = { none: 0, descend: 2 } as const;

export interface RangeResponse {
  readonly header: Header;
  readonly kvs: readonly KeyValue[];
  readonly more: boolean;
}

export interface Header {
  /** Beyond 2^53 only near: good for telling clusters apart, as all their members answer the same. */
  readonly clusterId: number;
  readonly revision: number;
}

export interface Compare {
  readonly key: Uint8Array;
  readonly result: (typeof COMPARE)[keyof typeof COMPARE];
  readonly target: (typeof TARGET)[keyof typeof TARGET];
  readonly createRevision?: number;
  readonly modRevision?: number;
  readonly value?: Uint8Array;
}

export const COMPARE = { equal: 0, greater: 1, less: 2 } as const;
export const TARGET = { createRevision: 1, modRevision: 2, value: 3 } as const;

/** One of them. */
export interface RequestOperation {
  readonly range?: RangeRequest;
  readonly put?: { readonly key: Uint8Array; readonly value: Uint8Array; readonly lease?: number };
  readonly deleteRange?: { readonly key: Uint8Array; readonly rangeEnd?: Uint8Array };
  readonly txn?: TxnRequest;
}

export interface TxnRequest {
  readonly compare: readonly Compare[];
  readonly success: readonly RequestOperation[];
  readonly failure: readonly RequestOperation[];
}

export interface TxnResponse {
  readonly header: Header;
  readonly succeeded: boolean;
  /** In the order of the operations. */
  readonly responses: readonly ResponseOperation[];
}

export interface ResponseOperation {
  readonly range?: { readonly kvs: readonly KeyValue[] };
  readonly deleteRange?: { readonly deleted: number };
}

export interface WatchEvent {
  /** 1: the key was deleted, and `kv` holds only its name and the revision. */
  readonly type: number;
  readonly kv: KeyValue;
}

export interface WatchResponse {
  readonly header: Header;
  readonly created: boolean;
  readonly canceled: boolean;
  /** Not 0: the watch began before what is kept of history. */
  readonly compactRevision: number;
  /** More of this response follows in the next one. */
  readonly fragment: boolean;
  readonly events: readonly WatchEvent[];
}

type Fields = Readonly<Record<string, readonly [id: number, type: string, rule?: "repeated"]>>;

const MESSAGES: Readonly<Record<string, Fields>> = {
  Header: { clusterId: [1, "uint64"], revision: [3, "int64"] },
  KeyValue: {
    key: [1, "bytes"],
    createRevision: [2, "int64"],
    modRevision: [3, "int64"],
    value: [5, "bytes"],
    lease: [6, "int64"],
  },
  RangeRequest: {
    key: [1, "bytes"],
    rangeEnd: [2, "bytes"],
    limit: [3, "int64"],
    revision: [4, "int64"],
    sortOrder: [5, "int32"],
    serializable: [7, "bool"],
    keysOnly: [8, "bool"],
  },
  RangeResponse: { header: [1, "Header"], kvs: [2, "KeyValue", "repeated"], more: [3, "bool"] },
  PutRequest: { key: [1, "bytes"], value: [2, "bytes"], lease: [3, "int64"] },
  DeleteRangeRequest: { key: [1, "bytes"], rangeEnd: [2, "bytes"] },
  DeleteRangeResponse: { header: [1, "Header"], deleted: [2, "int64"] },
  Compare: {
    result: [1, "int32"],
    target: [2, "int32"],
    key: [3, "bytes"],
    createRevision: [5, "int64"],
    modRevision: [6, "int64"],
    value: [7, "bytes"],
  },
  RequestOperation: {
    range: [1, "RangeRequest"],
    put: [2, "PutRequest"],
    deleteRange: [3, "DeleteRangeRequest"],
    txn: [4, "TxnRequest"],
  },
  ResponseOperation: { range: [1, "RangeResponse"], deleteRange: [3, "DeleteRangeResponse"] },
  TxnRequest: {
    compare: [1, "Compare", "repeated"],
    success: [2, "RequestOperation", "repeated"],
    failure: [3, "RequestOperation", "repeated"],
  },
  TxnResponse: { header: [1, "Header"], succeeded: [2, "bool"], responses: [3, "ResponseOperation", "repeated"] },
  WatchRequest: { create: [1, "WatchCreateRequest"] },
  WatchCreateRequest: {
    key: [1, "bytes"],
    rangeEnd: [2, "bytes"],
    startRevision: [3, "int64"],
    fragment: [8, "bool"],
  },
  Event: { type: [1, "int32"], kv: [2, "KeyValue"] },
  WatchResponse: {
    header: [1, "Header"],
    created: [3, "bool"],
    canceled: [4, "bool"],
    compactRevision: [5, "int64"],
    fragment: [7, "bool"],
    events: [11, "Event", "repeated"],
  },
  LeaseGrantRequest: { ttl: [1, "int64"], id: [2, "int64"] },
  LeaseGrantResponse: { header: [1, "Header"], id: [2, "int64"], ttl: [3, "int64"] },
  LeaseRevokeRequest: { id: [1, "int64"] },
  LeaseRevokeResponse: { header: [1, "Header"] },
  LeaseKeepAliveRequest: { id: [1, "int64"] },
  LeaseKeepAliveResponse: { header: [1, "Header"], id: [2, "int64"], ttl: [3, "int64"] },
  AuthenticateRequest: { name: [1, "string"], password: [2, "string"] },
  AuthenticateResponse: { header: [1, "Header"], token: [2, "string"] },
};

const SERVICES: Readonly<Record<string, Readonly<Record<string, "unary" | "stream">>>> = {
  KV: { Range: "unary", Txn: "unary" },
  Watch: { Watch: "stream" },
  Lease: { LeaseGrant: "unary", LeaseRevoke: "unary", LeaseKeepAlive: "stream" },
  Auth: { Authenticate: "unary" },
};

/** What `fromJSON` of the loader takes. */
export function etcdDescriptor(): object {
  const nested: Record<string, object> = {};
  for (const [name, fields] of Object.entries(MESSAGES)) {
    const entries = Object.entries(fields).map(([field, [id, type, rule]]) => [
      field,
      { id, type, ...(rule && { rule }) },
    ]);
    nested[name] = { fields: Object.fromEntries(entries) };
  }
  for (const [name, methods] of Object.entries(SERVICES)) {
    const entries = Object.entries(methods).map(([method, kind]) => {
      const isStream = kind === "stream";
      const types = { requestType: `${method}Request`, responseType: `${method}Response` };
      return [method, { ...types, requestStream: isStream, responseStream: isStream }];
    });
    nested[name] = { methods: Object.fromEntries(entries) };
  }
  return { nested: { etcdserverpb: { nested } } };
}
