// `npm run cluster`: several servers on loopback that are one cluster, each a process of its own. They end with this one.
// A folder that is given again goes on with what it holds.

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { beginDataDirectory } from "../src/server/index.ts";
import { freePort } from "../src/testing/free-port.ts";

const ASHLAR = fileURLToPath(new URL("../bin/ashlar.js", import.meta.url));
const NODES_MAX = 9;
const STATUS_ATTEMPTS_MAX = 30;
/** The console, and what people type, of the nodes that are started without --print-json. */
const FIRST_PORTS = { s3: 9000, api: 9100 };

interface Ready {
  readonly s3: string;
  readonly api: string;
  readonly peer: string;
}

interface Started extends Ready {
  readonly pid: number;
}

/** What the folder remembers: the nodes find each other by these ports. */
interface Plan {
  readonly peerPorts: readonly number[];
  readonly joinToken: string;
}

const { values } = parseArgs({
  options: {
    nodes: { type: "string", default: "3" },
    "data-dir": { type: "string", default: "./cluster-data" },
    "print-json": { type: "boolean", default: false },
  },
});
const count = Number(values.nodes);
if (!Number.isInteger(count) || count < 1 || count > NODES_MAX) {
  process.stderr.write(`--nodes takes a number from 1 to ${NODES_MAX}.\n`);
  process.exit(2);
}
const folder = resolve(values["data-dir"]);
const children: ChildProcess[] = [];
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    for (const child of children) child.kill(signal);
  });
}
const plan = await planOf(folder);
// Those that were nodes before need each other to become ready; new ones, and those whose folder is gone, join one by one, so
// that new ones get these numbers.
const places = Array.from({ length: count }, (_, at) => at);
const known = places.filter(isNode);
if (known.length === 0) fail(`No node's folder is left in ${folder}: remove it, or name another one with --data-dir.`);
const ready = new Map<number, Started>();
await Promise.all(known.map(async (at) => ready.set(at, await start(at))));
for (const at of places) if (!ready.has(at)) ready.set(at, await start(at));
const nodes = places.map((at) => ready.get(at)!);
await untilWhole();
process.stdout.write(values["print-json"] ? `${JSON.stringify({ ready: true, nodes: nodes.map(shown) })}\n` : text());
await Promise.all(children.map((child) => child.exitCode ?? child.signalCode ?? once(child, "exit")));

async function start(at: number): Promise<Started> {
  const other = known.find((one) => one !== at);
  const joining = other === undefined || isNode(at) ? [] : ["--join", `127.0.0.1:${plan.peerPorts[other]}`];
  const env = joining.length === 0 ? process.env : { ...process.env, ASHLAR_JOIN_TOKEN: await joinToken() };
  const args = [ASHLAR, "serve", "--print-json", ...placeOf(at), ...joining];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"], env });
  children.push(child);
  tell(at, child);
  const lines = createInterface({ input: child.stdout! });
  const gone = once(child, "exit").then(() => undefined);
  const line = await Promise.race([once(lines, "line").then(([one]) => String(one)), gone]);
  if (line === undefined)
    return fail(`Node ${at + 1} did not start: see its log${values["print-json"] ? " above" : ""}.`);
  return { ...(JSON.parse(line) as Ready), pid: child.pid! };
}

/** The first one, while it is good; later a new one, of a node that runs. */
async function joinToken(): Promise<string> {
  if (plan.isNew) return plan.joinToken;
  const [at, { api }] = ready.entries().next().value!;
  const args = [ASHLAR, "cluster", "token", "--api", api, "--data-dir", folderOf(at)];
  return (await promisify(execFile)(process.execPath, args)).stdout.trim();
}

/** Where a node is, as `ashlar serve` takes it. */
function placeOf(at: number): readonly string[] {
  const port = (first: number): number => (values["print-json"] ? 0 : first + at);
  return [
    ...["--data-dir", folderOf(at)],
    ...["--s3-listen", `127.0.0.1:${port(FIRST_PORTS.s3)}`, "--api-listen", `127.0.0.1:${port(FIRST_PORTS.api)}`],
    ...["--peer-listen", `127.0.0.1:${plan.peerPorts[at]}`],
  ];
}

/** For programs all logs in one stream, each line with the node that wrote it; for people a file each. */
function tell(at: number, { stderr }: ChildProcess): void {
  if (values["print-json"]) {
    createInterface({ input: stderr! }).on("line", (line) => process.stderr.write(`node ${at + 1}: ${line}\n`));
    return;
  }
  stderr!.pipe(createWriteStream(`${folderOf(at)}.log`, { flags: "a" }));
  // Why a node does not start, or waits, is told at once.
  createInterface({ input: stderr! }).on("line", (line) => {
    if (line.startsWith("ashlar: ") || line.includes(" cluster.waits "))
      process.stderr.write(`node ${at + 1}: ${line}\n`);
  });
}

/** Whoever joined last may not vote yet: whoever kills a node now should find that the others go on. */
async function untilWhole(): Promise<void> {
  const { api } = nodes[0]!;
  const args = [ASHLAR, "cluster", "status", "--api", api, "--data-dir", folderOf(0)];
  for (let attempt = 0; count > 2 && attempt < STATUS_ATTEMPTS_MAX; attempt++) {
    const [code] = (await once(spawn(process.execPath, args, { stdio: "ignore" }), "exit")) as [number | null];
    if (code === 0) return;
  }
  if (count > 2) process.stderr.write("The cluster is not whole yet: ashlar cluster status tells what is missing.\n");
}

/** A later start with more nodes lets the new ones join. */
async function planOf(path: string): Promise<Plan & { readonly isNew: boolean }> {
  const file = join(path, "plan.json");
  await mkdir(path, { recursive: true });
  const known = await readFile(file, "utf8").then(JSON.parse, () => undefined);
  const peerPorts: number[] = [...((known as Plan | undefined)?.peerPorts ?? [])];
  while (peerPorts.length < count) peerPorts.push(await freePort());
  const first = { dataDirectory: join(path, "node-1"), name: "local", zone: "", tls: true };
  const joinToken = (known as Plan | undefined)?.joinToken ?? (await beginDataDirectory(first));
  await writeFile(file, JSON.stringify({ peerPorts, joinToken }), { mode: 0o600 });
  return { peerPorts, joinToken, isNew: known === undefined };
}

function isNode(at: number): boolean {
  return existsSync(join(folderOf(at), "cluster.json"));
}

function folderOf(at: number): string {
  return join(folder, `node-${at + 1}`);
}

function shown({ s3, api, pid }: Started) {
  return { s3, api, pid };
}

function text(): string {
  const lines = nodes.map(({ s3, api, pid }, at) => `  Node ${at + 1}  S3 ${s3}  Console ${api}/app/  process ${pid}`);
  const again = places.map((at) => `  npx ashlar serve ${placeOf(at).join(" ")}`);
  return [
    ...["A cluster is ready.", ...lines, `  Root key  ${join(folderOf(0), "root-key.json")}`],
    ...[`  Logs      ${folderOf(0)}.log and so on`, "One that you kill starts again with its line of these:", ...again],
    ...["Ctrl-C ends all that this command has started; the data stays.", ""],
  ].join("\n");
}

function fail(what: string): never {
  process.stderr.write(`${what}\n`);
  for (const child of children) child.kill("SIGTERM");
  process.exit(1);
}
