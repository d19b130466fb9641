import { openBlobs } from "../blob/open-blobs.ts";
import type { BlobOptions } from "../blob/options.ts";
import type { Clock, Disk, Timers } from "../env/index.ts";
import { InlineCompute } from "../env/sim/compute.ts";
import { SimDisk } from "../env/sim/disk.ts";
import type { SimDiskOptions } from "../env/sim/disk-options.ts";
import { SimIndexes } from "../env/sim/indexes.ts";
import { SimRandom } from "../env/sim/random.ts";
import { RaftHost } from "../host/index.ts";
import { Log } from "../log/index.ts";
import { type Objects, objectReferences, openObjects } from "../service/objects/index.ts";
import { Prng } from "../std/prng.ts";
import type { Store } from "../store/index.ts";
import { openReplicatedStore } from "../store/replicated/open.ts";

export interface MemoryObjects extends AsyncDisposable {
  readonly objects: Objects;
  readonly store: Store;
  /** Wall and monotonic time of the service; a test moves it. */
  readonly clock: { millis: number };
  readonly disk: Disk;
  readonly blobs: Awaited<ReturnType<typeof openBlobs>>;
}

/** The objects service over the real log, Store and Blobs on a disk in memory. Timers never fire by themselves. */
export async function openMemoryObjects(
  options: Partial<BlobOptions> = {},
  diskOptions: Partial<SimDiskOptions> = {},
): Promise<MemoryObjects> {
  const prng = new Prng(1);
  const clock = { millis: 1_700_000_000_000 };
  const env = {
    clock: { now: () => clock.millis, monotonic: () => clock.millis } satisfies Clock,
    timers: { after: () => ({ cancel() {} }), endOfTurn: (run) => void setImmediate(run) } satisfies Timers,
    random: new SimRandom(prng),
    disk: new SimDisk(diskOptions).mount(),
    indexes: new SimIndexes().mount(),
    compute: new InlineCompute(),
  };
  const fail = (error: unknown): never => {
    throw error;
  };
  await using parts = new AsyncDisposableStack();
  const log = parts.use(await Log.open(env, { options: { segmentBytes: 8 << 20 }, onFatal: fail }));
  const host = parts.use(await RaftHost.start({ nodeId: 1, env, log, onFatal: fail }));
  const store = parts.use(
    await openReplicatedStore({ env, openGroup: (machine) => host.openSoleGroup({ id: 1, machine }) }),
  );
  const references = objectReferences(store);
  const blobs = parts.use(
    await openBlobs({ env, store, references, options: { volumeBytes: 64 << 20, ...options }, onFatal: fail }),
  );
  const objects = parts.use(openObjects({ ...env, store, blobs, onError: fail }));
  const owned = parts.move();
  return { objects, store, clock, disk: env.disk, blobs, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
