import { resolveServerOptions, type ServerOptions } from "../../server/index.ts";

export const S3_PORT = 9_000;
export const API_PORT = 9_100;
export const PEER_PORT = 9_200;
export const REGION = "us-east-1";
/** The same for all servers and clients. */
export const ROOT = { accessKey: "simulated-root", secretKey: "known to every client" } as const;

export interface OptionsOf {
  readonly host: string;
  /** `host:port` of any node of the cluster, and a token, for a server whose directory is no node's yet. */
  readonly join: string | undefined;
  readonly joinToken: string | undefined;
  readonly segmentBytes: number;
}

/**
 * What an operator would write, but for segments that are shorter than the shortest that he may have, and for the ballast:
 * 32 MiB of zeros a node take longer than all the rest of a run, so it is left out as where data are kept in memory.
 */
export function serverOptions({ host, join, joinToken, segmentBytes }: OptionsOf): ServerOptions {
  const values = {
    ...{ dataDir: ".", memory: true, allowPlaintext: true, region: REGION },
    ...{ s3Listen: `127.0.0.1:${S3_PORT}`, apiListen: `127.0.0.1:${API_PORT}`, peerListen: `${host}:${PEER_PORT}` },
    ...{ rootAccessKey: ROOT.accessKey, rootSecretKey: ROOT.secretKey },
    ...(join !== undefined && joinToken !== undefined && { join, joinToken }),
  };
  return { ...resolveServerOptions([{ label: "simulation", values }]), segmentBytes };
}
