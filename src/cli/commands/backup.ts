import { join, resolve } from "node:path";
import { NodeDisk, NodeRandom } from "../../env/node/index.ts";
import {
  type BackupPieces,
  MANIFEST_NAME,
  piecesOfArchive,
  piecesOfFolder,
  restoreBackup,
} from "../../gateway/api/index.ts";
import { counted, formatBytes } from "../../std/quantities.ts";
import { type Command, localCommand, serverCommand } from "../command.ts";
import { cliFailure } from "../errors.ts";
import { kindOf, makePrivateFolder, sourceOfFile, writeFileWhole, writeStandardOutput } from "../local-files.ts";
import { Progress } from "../progress.ts";

const REPLACE = { type: "flag", default: false, text: "Replace the archive TARGET if it is there." } as const;
const INTO_FOLDER = { type: "flag", default: false, text: "TARGET is a folder: unpack the backup into it." } as const;

export const BACKUP_COMMANDS: readonly Command[] = [
  serverCommand({
    words: "backup create",
    summary: "Takes a consistent backup of a running server",
    notes: [
      "TARGET is the file of a tar archive, - for standard output, or with --folder an empty folder.",
      "It needs the root key, and holds everything: keep it as you keep the data folder. Only its owner can read what is written.",
    ],
    arguments: ["TARGET"],
    options: { folder: INTO_FOLDER, force: REPLACE },
    examples: ["ashlar backup create /backups/ashlar.tar", "ashlar backup create - | zstd > ashlar.tar.zst"],
    async run({ server, output, options, signal, arguments: [target = ""] }) {
      if (!options.force) await requireNoFile(target);
      const client = await server.client();
      const reply = await client.stream("POST /v1/backup", {}, { signal });
      const announced = Number(reply.header("content-length"));
      using progress = new Progress(output, "Backup", Number.isSafeInteger(announced) ? announced : undefined);
      let bytes = 0;
      const source = progress.of({
        async read() {
          const chunk = await reply.body.read();
          bytes += chunk?.length ?? 0;
          return chunk;
        },
        cancel: (reason) => reply.body.cancel(reason),
      });
      const requireWhole = (): void => {
        if (bytes !== announced) throw cliFailure("TRANSFER_INCOMPLETE", { what: "The backup broke off." });
      };
      if (options.folder) await unpack(piecesOfArchive(source), target);
      else if (target === "-") await writeStandardOutput(source);
      else await writeFileWhole(target, source, requireWhole, { isPrivate: true });
      requireWhole();
      output.progress("");
      // Standard output is the archive's.
      if (target === "-") output.note(`Backup: ${formatBytes(bytes)}.`);
      else output.result({ target, bytes }, () => `Backup: ${formatBytes(bytes)} in ${target}.`);
      return undefined;
    },
  }),
  localCommand({
    words: "restore",
    summary: "Makes a data folder of a backup",
    notes: [
      "BACKUP is an archive, - for standard input, or a folder that one was unpacked into. DIR has to be empty or missing.",
      "Everything is compared with the backup's checksums and then read through once more, every block of every needle.",
    ],
    arguments: ["BACKUP", "DIR"],
    examples: ["ashlar restore /backups/ashlar.tar /var/lib/ashlar && ashlar serve --data-dir /var/lib/ashlar"],
    async run({ output, arguments: [backup = "", target = ""] }) {
      const { pieces, bytes } = await openBackup(backup);
      await makePrivateFolder(target).catch((cause: unknown) => {
        throw cliFailure("PATH_UNREADABLE", { what: `${target} can not be made.`, cause });
      });
      using progress = new Progress(output, "Restore", bytes);
      const disk = new NodeDisk(resolve(target));
      const onProgress = (written: number): void => progress.add(written);
      const { manifest, rows, volumes } = await restoreBackup(pieces, { disk, random: new NodeRandom(), onProgress });
      output.progress("");
      const damaged = volumes.filter((volume) => volume.damaged.length > 0 || volume.tableHolds === false);
      const created = new Date(manifest.createdMillis).toISOString();
      const result = {
        target,
        node: manifest.node,
        createdAt: created,
        rows,
        volumes: volumes.length,
        damaged: damaged.length,
      };
      output.result(result, () => {
        const what = `${counted(rows, "row")} and ${counted(volumes.length, "volume")}`;
        return `Restored ${what} of ${created} to ${target}; all of it was verified.`;
      });
      if (damaged.length === 0) return 0;
      const names = damaged.map(({ volume }) => volume).join(", ");
      throw cliFailure("DATA_DAMAGED", { what: `The node had damage when the backup was taken: volume ${names}.` });
    },
  }),
];

/** The last backup may be the only one. */
async function requireNoFile(target: string): Promise<void> {
  if (target === "-") return;
  const found = await kindOf(target);
  if (found === undefined || found.isFolder) return;
  throw cliFailure("PATH_EXISTS", { what: `${target} is there already.`, data: { path: target } });
}

async function openBackup(
  path: string,
): Promise<{ readonly pieces: BackupPieces; readonly bytes: number | undefined }> {
  if (path === "-") return { pieces: piecesOfArchive(sourceOfFile("-")), bytes: undefined };
  const found = await kindOf(path);
  if (found === undefined) throw cliFailure("PATH_UNREADABLE", { what: `${path} does not exist.` });
  if (!found.isFolder) return { pieces: piecesOfArchive(sourceOfFile(path)), bytes: found.bytes };
  return { pieces: piecesOfFolder(new NodeDisk(resolve(path))), bytes: undefined };
}

/** The names are checked when it is restored; here only those that stay inside of the folder are written. */
async function unpack(pieces: BackupPieces, folder: string): Promise<void> {
  if ((await kindOf(join(folder, MANIFEST_NAME))) !== undefined) {
    throw cliFailure("PATH_UNREADABLE", { what: `${folder} holds a backup already.` });
  }
  for await (const { name, content } of pieces) {
    if (!/^(?:[a-z]+\/)?[a-z0-9][a-z0-9.-]*$/.test(name)) {
      throw cliFailure("REPLY_UNREADABLE", { what: `The archive holds a file of the name ${JSON.stringify(name)}.` });
    }
    await writeFileWhole(join(folder, name), content, () => {}, { isPrivate: true });
  }
}
