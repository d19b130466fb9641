import type { Env } from "../env/index.ts";
import { sourceOf } from "../std/source.ts";
import { blobFailure } from "./errors.ts";
import { zeroCounters } from "./events.ts";
import type { LocalBlobs } from "./open-blobs.ts";
import { type BlobOptions, blobOptions } from "./options.ts";
import { SpaceKeeper } from "./space-keeper.ts";

export interface UnreplicatedSettings {
  readonly env: Pick<Env, "clock" | "disk">;
  readonly options?: Partial<BlobOptions>;
}

/**
 * Blobs of a node that shares its Store with others, as long as bytes are not copied between nodes: it takes none, so
 * that no row ever refers to bytes that only one of them has. It touches neither volumes nor their rows.
 */
export async function openNoBlobs({ env, options: given }: UnreplicatedSettings): Promise<LocalBlobs> {
  const options = blobOptions(given);
  const counters = zeroCounters();
  const space = new SpaceKeeper(env.disk, env.clock, options, counters, () => {});
  await space.poll();
  const missing = async (): Promise<never> => {
    throw blobFailure("BLOB_MISSING");
  };
  const unknown = async (volume: number): Promise<never> => {
    throw blobFailure("VOLUME_UNKNOWN", { data: { volume } });
  };
  return {
    counters,
    async append(_owner, source, length) {
      source.cancel();
      throw blobFailure("BODY_NOT_REPLICATED", { data: { length } });
    },
    checkSpace: (change) => space.check(0, change === "addition" ? "append" : "removal"),
    read: (refs) => (refs.length === 0 ? sourceOf() : { read: missing, cancel: () => {} }),
    referenceChecks: () => [],
    shareRows: () => [],
    dropRows: () => [],
    status: () => ({
      ...{ bytesFree: space.bytesFree, bytesTotal: space.bytesTotal, bytesReserved: space.bytesReserved },
      ...{ readersGraceMillis: 0, memoryBytes: 0, appendsWaiting: 0, needlesInFlight: 0, filesOpen: 0 },
      ...{ garbageCounted: true, volumes: [] },
    }),
    ownerOf: async () => undefined,
    verifyVolume: unknown,
    compactVolume: unknown,
    sealVolumes: async () => {},
    maintain: () => space.poll(),
    async [Symbol.asyncDispose]() {},
  };
}
