import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { decodeId, LAYOUTS } from "../src/core/id/index.ts";
import { memoryFolder, type ServerProcess, startServerProcess } from "../src/testing/server-process.ts";
import { run } from "./client.ts";

// Clients of Twitter's Snowflake service in two languages, made by the thrift compiler from its interface, over the runtime
// libraries of Debian. Both are run at once: what they get is different all the same.

const HERE = fileURLToPath(new URL(".", import.meta.url));
const INTERFACE = join(HERE, "testdata", "snowflake.thrift");
const IDS = 1_000;

interface Report {
  readonly ids: readonly string[];
  readonly worker: number;
  readonly datacenter: number;
  readonly clockIsNear: boolean;
  readonly badAgent: Refusal;
  readonly unknownMethod: Refusal;
  readonly unframed: Refusal;
  readonly idBehindRefusal: string;
}

type Refusal = readonly [type: number, message: string];

describe("thrift clients of Twitter's service", () => {
  let server: ServerProcess;
  let folder: Awaited<ReturnType<typeof memoryFolder>>;
  let reports: Readonly<Record<"python" | "java", Report>>;

  before(async () => {
    const args = ["--thrift-listen", "127.0.0.1:0", "--thrift-anonymous", "--space-reserve-bytes", "64MiB"];
    folder = await memoryFolder("thrift");
    server = await startServerProcess({ args, dataDir: join(folder.path, "data") });
    const { port } = new URL(server.thrift!);
    const [python, java] = await Promise.all([runPython(port, folder.path), runJava(port, folder.path)]);
    reports = { python, java };
  });
  after(async () => {
    await server?.[Symbol.asyncDispose]();
    await folder?.[Symbol.asyncDispose]();
  });

  for (const language of ["python", "java"] as const) {
    test(`${language}: ids that rise, of the worker that is told, with either message header`, () => {
      const { ids, worker, datacenter, clockIsNear, idBehindRefusal } = reports[language];
      const numbers = [...ids, idBehindRefusal].map(BigInt);
      equal(numbers.length, IDS + 1);
      ok(numbers.every((id, at) => at === 0 || id > numbers[at - 1]!));
      const workers = new Set(numbers.map((id) => decodeId(id, LAYOUTS.twitter).worker));
      deepEqual([...workers], [datacenter * 32 + worker]);
      equal(clockIsNear, true);
    });

    test(`${language}: what is refused has a clear reason, a client without frames too`, () => {
      const { badAgent, unknownMethod, unframed } = reports[language];
      deepEqual([badAgent[0], unknownMethod[0], unframed[0]], [6, 1, 7]);
      match(badAgent[1], /^InvalidUserAgentError: /);
      match(unknownMethod[1], /get_nothing/);
      match(unframed[1], /TFramedTransport/);
    });
  }

  test("no id comes to two of them", () => {
    const ids = Object.values(reports).flatMap((report) => [...report.ids, report.idBehindRefusal]);
    equal(new Set(ids).size, 2 * (IDS + 1));
  });
});

async function runPython(port: string, folder: string): Promise<Report> {
  await run("thrift", ["--gen", "py", "-o", folder, INTERFACE]);
  const program = join(HERE, "thrift_ids.py");
  // Debian's own, which has Debian's thrift.
  return JSON.parse(await run("/usr/bin/python3", ["-B", program, port, join(folder, "gen-py"), String(IDS)]));
}

async function runJava(port: string, folder: string): Promise<Report> {
  await run("thrift", ["--gen", "java:generated_annotations=suppress", "-o", folder, INTERFACE]);
  const libraries = ["thrift", "slf4j-api"].map((name) => `/usr/share/java/${name}.jar`);
  const classpath = [folder, ...libraries].join(":");
  const generated = ["Snowflake", "Stranger"].map((name) => join(folder, "gen-java", "snowflake", `${name}.java`));
  await run("javac", ["-nowarn", "-d", folder, "-cp", classpath, join(HERE, "ThriftIds.java"), ...generated]);
  return JSON.parse(await run("java", ["-cp", classpath, "ThriftIds", port, String(IDS)]));
}
