import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { deterministicBytes } from "../src/testing/deterministic-bytes.ts";

/** Runs an outside client; rejects with all it printed when it fails. Resolves with its standard output. */
export async function run(
  command: string,
  args: readonly string[],
  options: { readonly env?: NodeJS.ProcessEnv; readonly cwd?: string; readonly input?: string } = {},
): Promise<string> {
  // A certificate bundle that the machine's owner set for other servers is none of a test's business: rclone can not load it.
  const { AWS_CA_BUNDLE: _, ...inherited } = process.env;
  const child = spawn(command, args, {
    env: { ...inherited, ...options.env },
    ...(options.cwd && { cwd: options.cwd }),
  });
  let out = "";
  let err = "";
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
  // A client that reads no input may be gone before it gets its end.
  child.stdin.on("error", () => {});
  child.stdin.end(options.input ?? "");
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  if (code !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${code}\n${out}\n${err}`);
  return out;
}

export const LARGE_BYTES: number = 200 * 1024 * 1024;

/** Names that clients escape in different ways, and sizes around every limit of the inline, needle and block sizes. */
export const SMALL_FILES: readonly { readonly name: string; readonly bytes: number }[] = [
  { name: "empty", bytes: 0 },
  { name: "one", bytes: 1 },
  { name: "inline-4096", bytes: 4096 },
  { name: "needle-4097", bytes: 4097 },
  { name: "block-65536", bytes: 65_536 },
  { name: "block-65537", bytes: 65_537 },
  { name: "mebibyte-and-one", bytes: 1_048_577 },
  { name: "folder/a b", bytes: 10 },
  { name: "folder/a+b", bytes: 11 },
  { name: "folder/a%20b", bytes: 12 },
  { name: "folder/tilde~(1)!'*", bytes: 13 },
  { name: "folder/ümläut-日本-😀", bytes: 14 },
  { name: "folder/deeper/and=deeper&more", bytes: 15 },
  ...Array.from({ length: 100 }, (_, at) => ({ name: `many/${String(at).padStart(3, "0")}`, bytes: 200 + at * 37 })),
];

/** Writes the small files and one large one under the folder. */
export async function makeFiles(folder: string, largeBytes: number = LARGE_BYTES): Promise<void> {
  for (const [at, { name, bytes }] of SMALL_FILES.entries()) {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, deterministicBytes(at, bytes));
  }
  await writeFile(join(folder, "large"), deterministicBytes(999, largeBytes));
}

export async function hashFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest("hex");
}

/** Relative names of all files beneath the folder, with their hashes. */
export async function hashTree(folder: string): Promise<Map<string, string>> {
  const hashes = new Map<string, string>();
  for (const entry of await readdir(folder, { recursive: true })) {
    const path = join(folder, entry);
    if ((await stat(path)).isFile()) hashes.set(relative(folder, path), await hashFile(path));
  }
  return new Map([...hashes].sort(([left], [right]) => (left < right ? -1 : 1)));
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
