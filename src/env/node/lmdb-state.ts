import { rmSync } from "node:fs";
import { mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { syncFolder } from "./disk.ts";
import { systemCode } from "./disk-errors.ts";

export const DATA_FILE = "data.mdb";
export const LOCK_FILE = "lock.mdb";
const STATE_FILE = "state.json";
const STATE_FORMAT = 1;

/** What stands beside an index's data and says how far to trust it. */
export interface IndexState {
  readonly format: number;
  /** `open` from before the first write of a process to after its last one. */
  readonly state: "open" | "closed";
  /**
   * The run of the kernel in whose page cache the data is whole. Empty where the system does not tell: then never
   * trusted.
   */
  readonly bootId: string;
  /** Tells a copy of the folder from the folder: only the original's pages are all from one moment. */
  readonly inode: string;
  readonly bytes: number;
  readonly modifiedNanos: string;
}

export interface DataFile {
  readonly inode: string;
  readonly bytes: number;
  readonly modifiedNanos: string;
}

/** Undefined where there is no file. */
export async function statData(folder: string): Promise<DataFile | undefined> {
  try {
    const found = await stat(join(folder, DATA_FILE), { bigint: true });
    return { inode: `${found.dev}:${found.ino}`, bytes: Number(found.size), modifiedNanos: String(found.mtimeNs) };
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** `missing` where there is none, `unreadable` where it is not one that we understand. */
export async function readState(folder: string): Promise<IndexState | "missing" | "unreadable"> {
  let text: string;
  try {
    text = await readFile(join(folder, STATE_FILE), "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return "missing";
    throw error;
  }
  return parse(text) ?? "unreadable";
}

/** Durable when it resolves; a crash leaves the old state or the new one. */
export async function writeState(folder: string, state: Omit<IndexState, "format">): Promise<void> {
  const temporary = join(folder, `${STATE_FILE}.new`);
  {
    await using file = await open(temporary, "w");
    await file.writeFile(`${JSON.stringify({ format: STATE_FORMAT, ...state })}\n`);
    await file.datasync();
  }
  await rename(temporary, join(folder, STATE_FILE));
  await syncFolder(folder, folder);
}

export async function makeIndexFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await syncFolder(join(folder, ".."), folder);
}

/** The state goes first: data without a state is never trusted. */
export async function removeIndexFiles(folder: string): Promise<void> {
  removeState(folder);
  await rm(folder, { recursive: true, force: true });
}

/** At once: the caller may end the process next. */
export function removeState(folder: string): void {
  rmSync(join(folder, STATE_FILE), { force: true });
}

export async function currentBootId(): Promise<string> {
  try {
    return (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();
  } catch {
    return "";
  }
}

function parse(text: string): IndexState | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const state = value as Partial<Record<keyof IndexState, unknown>>;
  const sound =
    state.format === STATE_FORMAT &&
    (state.state === "open" || state.state === "closed") &&
    typeof state.bootId === "string" &&
    typeof state.inode === "string" &&
    typeof state.bytes === "number" &&
    typeof state.modifiedNanos === "string";
  return sound ? (state as IndexState) : undefined;
}
