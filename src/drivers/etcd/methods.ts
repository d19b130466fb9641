// The npm clients are imported here and nowhere else, when the first connection is made.

import type * as Grpc from "@grpc/grpc-js";
import { etcdFailure } from "./errors.ts";
import { etcdDescriptor } from "./messages.ts";

export interface Method {
  readonly path: string;
  readonly serialize: (request: object) => Buffer;
  readonly deserialize: (bytes: Buffer) => object;
}

export interface LoadedClient {
  readonly grpc: typeof Grpc;
  /** By service and name, as `KV.Txn`. */
  method(name: string): Method;
}

/** Rejects with CLIENT_MISSING. */
export async function loadClient(): Promise<LoadedClient> {
  const [grpc, loader] = await Promise.all([import("@grpc/grpc-js"), import("@grpc/proto-loader")]).catch(
    (cause: unknown) => {
      throw etcdFailure("CLIENT_MISSING", { cause });
    },
  );
  const definition = loader.fromJSON(etcdDescriptor(), { longs: Number, defaults: true, arrays: true, keepCase: true });
  return {
    grpc,
    method(name) {
      const [service, method] = name.split(".") as [string, string];
      const found = (definition[`etcdserverpb.${service}`] as Grpc.ServiceDefinition)[method]!;
      return { path: found.path, serialize: found.requestSerialize, deserialize: found.responseDeserialize };
    },
  };
}
