import { BLOB_ERRORS, type VolumeStatus } from "../../../blob/index.ts";
import { failures } from "../../../std/errors.ts";
import { type BackupParts, takeBackup } from "../backup/take.ts";
import { apiFailure } from "../errors.ts";
import type { Handlers, Services } from "../handler.ts";
import type { NodePort } from "../node.ts";
import type { STORAGE_OPERATIONS } from "../operations/index.ts";
import type { Infer } from "../schema.ts";
import { instant } from "../status/reporter.ts";
import { invalid } from "../validate.ts";

const blobFailure = failures(BLOB_ERRORS);

type Volume = Infer<"Volume">;

export function storageHandlers({ node, env }: Services): Handlers<typeof STORAGE_OPERATIONS> {
  let backupRuns = false;
  return {
    async listVolumes() {
      return { items: node.blobs.status().volumes.map(volumeShape) };
    },

    async getVolume({ path: { volume } }) {
      const id = volumeId(volume);
      const found = node.blobs.status().volumes.find((each) => each.volume === id);
      if (found === undefined) throw blobFailure("VOLUME_UNKNOWN", { data: { volume: id } });
      return volumeShape(found);
    },

    verifyVolume: async ({ path: { volume } }) => volumeShape(await node.blobs.verifyVolume(volumeId(volume))),

    async getCounters() {
      const { log, raft, store, blobs } = node;
      return {
        log: { ...log?.counters },
        raft: { ...raft?.counters, ...raft?.gauges() },
        store: { ...store.counters },
        blobs: { ...blobs.counters },
      };
    },

    async checkpoint() {
      const { store } = node;
      if (store.checkpoint === undefined) throw keptByEngine(node, "There are no checkpoints");
      await store.checkpoint();
      return undefined;
    },

    async backup({ call }) {
      const writeRows = rowsWriter(node);
      if (writeRows === undefined) throw keptByEngine(node, "A backup here would lack all rows");
      if (backupRuns) throw apiFailure("BACKUP_RUNNING");
      backupRuns = true;
      try {
        const { disk, version, id, identityFiles, blobs } = node;
        const backup = await takeBackup(
          {
            ...{ disk, clock: env.clock, version, node: id, identityFiles },
            writeRows,
            volumes: () => blobs.status().volumes,
          },
          call.exchange.signal,
        );
        const name = `ashlar-${instant(backup.manifest.createdMillis).replace(/[:.]/g, "-")}.tar`;
        const headers = ["Content-Type", "application/x-tar", "Content-Length", String(backup.bytes)];
        headers.push("Content-Disposition", `attachment; filename="${name}"`);
        void backup.ended.then(() => {
          backupRuns = false;
        });
        return { status: 200, headers, body: backup.source, bodyBytes: backup.bytes };
      } catch (error) {
        backupRuns = false;
        throw error;
      }
    },
  };
}

/** Of all groups of a cluster; undefined where an engine outside keeps the rows. */
function rowsWriter({ cluster, store, disk }: NodePort): BackupParts["writeRows"] | undefined {
  if (cluster !== undefined) return (name, signal) => cluster.ranges.backup(name, signal);
  if (store.backup === undefined) return undefined;
  return (name, signal) => store.backup!(disk, name, signal);
}

const ENGINES = { etcd: "etcd", postgres: "PostgreSQL" } as const;

function keptByEngine({ engine }: NodePort, why: string): Error {
  const name = engine === undefined ? "another engine" : ENGINES[engine.kind];
  return apiFailure("ENGINE_KEEPS_STORE", { what: `${why}: ${name} keeps the Store.`, data: { engine: engine?.kind } });
}

function volumeId(text: string): number {
  if (!/^\d{1,10}$/.test(text)) throw invalid("path.volume", "has to be a volume's number");
  return Number(text);
}

function volumeShape(status: VolumeStatus): Volume {
  const { volume, kind, state, generation, writer, members, createdMillis, bytes, garbageBytes } = status;
  const { unsound, verifiedMillis, damagedCount, damagedNeedles } = status;
  return {
    id: volume,
    ...{ kind, state, generation, writer, members, bytes, garbageBytes, damagedCount, damagedNeedles },
    createdAt: instant(createdMillis),
    sound: !unsound,
    verifiedAt: verifiedMillis === 0 ? undefined : instant(verifiedMillis),
  };
}
