import { resolve } from "node:path";
import {
  type Inspected,
  inspectVolume,
  listVolumeFiles,
  type VolumeFile,
  type VolumeReport,
  verifyVolumeFile,
} from "../../blob/index.ts";
import { NodeDisk } from "../../env/node/index.ts";
import { splitOwner } from "../../service/objects/index.ts";
import { counted, formatBytes } from "../../std/quantities.ts";
import type { ApiClient } from "../api-client.ts";
import { type Command, localCommand, serverCommand } from "../command.ts";
import { cliFailure } from "../errors.ts";
import { kindOf } from "../local-files.ts";
import { type Output, table } from "../output.ts";

const DATA_DIR = { type: "text", default: "./data", text: "The server's data folder." } as const;

export const VOLUME_COMMANDS: readonly Command[] = [
  serverCommand({
    words: "volume ls",
    summary: "Lists a server's volumes with what the scrub knows about them",
    async run({ server, output }) {
      const client = await server.client();
      const { items } = await client.call("GET /v1/volumes", {});
      output.result({ items }, () => {
        const rows = items.map((volume) => {
          const health = !volume.sound
            ? "unsound"
            : volume.damagedCount > 0
              ? `${volume.damagedCount} damaged`
              : "sound";
          const { id, kind, state, generation, bytes, garbageBytes, verifiedAt } = volume;
          return [
            id,
            kind,
            state,
            generation,
            formatBytes(bytes),
            formatBytes(garbageBytes),
            verifiedAt ?? "never",
            health,
          ];
        });
        return table(["VOLUME", "KIND", "STATE", "GENERATION", "SIZE", "GARBAGE", "VERIFIED", "HEALTH"], rows);
      });
      return undefined;
    },
  }),
  localCommand({
    words: "volume inspect",
    summary: "Shows what is in a volume's file, slot by slot, without changing anything",
    notes: [
      "Reads the file itself, every byte of it: the server need not run.",
      "A needle's line ends with the object that its bytes were written for: the bucket's id and the key.",
    ],
    arguments: ["VOLUME"],
    options: { dataDir: DATA_DIR },
    environment: { dataDir: DATA_DIR },
    async run({ output, options, arguments: [volume = ""] }) {
      const disk = await volumeDisk(options.dataDir);
      const slots: SlotShape[] = [];
      for (const file of filesOf(volume, await listVolumeFiles(disk))) {
        for await (const item of inspectVolume(disk, file, "data")) {
          const shape = slotShape(item);
          if (output.json) slots.push(shape);
          else output.write(`${lineOf(shape)}\n`);
        }
      }
      if (output.json) output.result({ slots }, () => []);
      return undefined;
    },
  }),
  serverCommand({
    words: "volume verify",
    summary: "Reads volumes through and checks every block of every needle",
    notes: [
      "All of them, or those that are named. A running server does it at the rate of its scrub and remembers what it found.",
      "--offline reads the files in --data-dir, at full speed. Damage ends it with exit code 1.",
    ],
    arguments: ["VOLUME...?"],
    options: { offline: { type: "flag", default: false, text: "Read the files, not through a server." } },
    async run({ server, output, options, signal, arguments: given }) {
      const reports = options.offline
        ? await verifyFiles(await volumeDisk(options.dataDir), given, output, signal)
        : await verifyOnline(await server.client(), given, output, signal);
      output.result({ items: reports }, () => {
        const rows = reports.map(({ volume, needles, damaged, text }) => [volume, needles ?? "-", damaged, text]);
        return table(["VOLUME", "NEEDLES", "DAMAGED", ""], rows);
      });
      const damaged = reports.filter((report) => report.damaged > 0 || !report.sound).length;
      if (damaged === 0) return 0;
      throw cliFailure("DATA_DAMAGED", { what: `${counted(damaged, "volume")} with damage.` });
    },
  }),
];

interface Verified {
  readonly volume: number;
  readonly generation: number;
  readonly sound: boolean;
  readonly damaged: number;
  readonly needles?: number;
  readonly text: string;
}

async function verifyOnline(
  client: ApiClient,
  given: readonly string[],
  output: Output,
  signal: AbortSignal,
): Promise<Verified[]> {
  const { items } = await client.call("GET /v1/volumes", {});
  const ids =
    given.length > 0 ? given.map(volumeId) : items.filter(({ state }) => state !== "removed").map(({ id }) => id);
  const verified: Verified[] = [];
  for (const [at, id] of ids.entries()) {
    output.progress(`Verifying volume ${id} (${at + 1} of ${ids.length})`);
    const path = { volume: String(id) };
    const volume = await client.call("POST /v1/volumes/{volume}/verify", { path }, { signal });
    const { generation, sound, damagedCount: damaged, bytes } = volume;
    const text = sound ? `${formatBytes(bytes)} read` : "the file is missing or too short";
    verified.push({ volume: id, generation, sound, damaged, text });
  }
  output.progress("");
  return verified;
}

async function verifyFiles(
  disk: NodeDisk,
  given: readonly string[],
  output: Output,
  signal: AbortSignal,
): Promise<Verified[]> {
  const all = await listVolumeFiles(disk);
  const files = given.length === 0 ? all : given.flatMap((volume) => filesOf(volume, all));
  const verified: Verified[] = [];
  for (const [at, file] of files.entries()) {
    signal.throwIfAborted();
    output.progress(`Verifying ${file.name} (${at + 1} of ${files.length})`);
    verified.push(verifiedOf(await verifyVolumeFile(disk, file)));
  }
  output.progress("");
  return verified;
}

function verifiedOf({
  volume,
  generation,
  damaged,
  needles,
  tableHolds,
  fileBytes,
  unfinished,
}: VolumeReport): Verified {
  const sound = tableHolds !== false;
  const findings = damaged.map(({ position, what, owner }) => {
    return owner === undefined ? `${what} at ${position}` : `${what} at ${position}: ${ownerText(owner)}`;
  });
  if (!sound) findings.push("the table of needles");
  const tail = unfinished === 0 ? "" : `, ${counted(unfinished, "unfinished slot")}`;
  const text = findings.length === 0 ? `${formatBytes(fileBytes)} read${tail}` : findings.slice(0, 3).join(", ");
  return { volume, generation, sound, damaged: damaged.length, needles, text };
}

async function volumeDisk(dataDir: string): Promise<NodeDisk> {
  const path = resolve(dataDir);
  if ((await kindOf(path))?.isFolder === true) return new NodeDisk(path);
  throw cliFailure("PATH_UNREADABLE", { what: `${dataDir} is no folder: name the data folder with --data-dir.` });
}

function filesOf(volume: string, files: readonly VolumeFile[]): readonly VolumeFile[] {
  const id = volumeId(volume);
  const found = files.filter((file) => file.volume === id);
  if (found.length === 0) throw cliFailure("PATH_UNREADABLE", { what: `There is no file of volume ${id}.` });
  return found;
}

function volumeId(text: string): number {
  if (/^\d{1,10}$/.test(text)) return Number(text);
  throw cliFailure("USAGE_ARGUMENTS", { what: `${text} is no volume's number.` });
}

interface SlotShape {
  readonly kind: string;
  readonly position: number;
  readonly bytes: number;
  readonly text: string;
}

function slotShape(item: Inspected): SlotShape {
  switch (item.kind) {
    case "superblock": {
      const { identity, kind, createdMillis } = item.superblock;
      const created = new Date(createdMillis).toISOString();
      const text = `volume ${identity.volume}, generation ${identity.generation}, ${kind}, created ${created}`;
      return { kind: "superblock", position: 0, bytes: item.fileBytes, text };
    }
    case "table":
      return { ...spanOf(item), kind: "table", text: item.holds ? "holds" : "does not hold" };
    case "hole":
      return { ...spanOf(item), kind: "hole", text: item.dataEnd === item.position ? "zeros" : "no header holds here" };
    case "filler":
      return { ...spanOf(item), kind: "filler", text: "" };
    case "needle": {
      const { needle, dataBytes, timeMillis } = item.header;
      const time = new Date(timeMillis).toISOString();
      return {
        ...spanOf(item),
        kind: "needle",
        text: `${needle}  ${item.state}  ${dataBytes} bytes  ${time}  ${ownerText(item.owner)}`,
      };
    }
  }
}

/** As JSON, so that no byte of a key reaches the terminal as a control character. */
function ownerText(owner: Uint8Array): string {
  const parts = splitOwner(owner);
  return parts === undefined ? "of no object" : `bucket ${parts.bucketId} key ${JSON.stringify(parts.key)}`;
}

function spanOf({ position, end }: { readonly position: number; readonly end: number }): {
  position: number;
  bytes: number;
} {
  return { position, bytes: end - position };
}

function lineOf({ kind, position, bytes, text }: SlotShape): string {
  return `${String(position).padStart(12)}  ${String(bytes).padStart(10)}  ${kind.padEnd(10)}  ${text}`;
}
