import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { createNodeEnv } from "../../src/env/node/index.ts";
import { openEtcdStore, openPostgresStore, type Store } from "../../src/store/index.ts";
import { HostedStore } from "../../src/store/testing/hosted-store.ts";
import { EtcdProcess } from "../../src/testing/engines/etcd-process.ts";
import { PostgresProcess } from "../../src/testing/engines/postgres-process.ts";
import { postgresPrograms, whyWithout } from "../../src/testing/engines/programs.ts";
import { temporaryFolder } from "../../src/testing/server-process.ts";
import { NotRun } from "../not-run.ts";

export interface Engine {
  readonly name: string;
  readonly version: () => string;
  /** An empty Store over a real disk, owned by `parts`. */
  readonly open: (parts: AsyncDisposableStack) => Promise<Store>;
}

const CALL_MILLIS = 30_000;

/** The first is the one that the others are compared with. */
export const ENGINES: readonly Engine[] = [
  {
    name: "Ashlar's own",
    version: () => "one node, in this process",
    async open(parts) {
      const folder = parts.use(await temporaryFolder("bench-own"));
      const env = parts.use(await createNodeEnv({ dataDirectory: folder.path }));
      const hosted = await HostedStore.start(env);
      parts.defer(() => hosted.close());
      return hosted.store;
    },
  },
  {
    name: "etcd",
    version: () => `${execFileSync("etcd", ["--version"], { encoding: "utf8" }).split(/\s+/)[2]}, one member`,
    async open(parts) {
      mustHave("etcd");
      const etcd = parts.use(await EtcdProcess.start({ folder: temporaryFolder }));
      const connection = { endpoints: [etcd.endpoint], callMillis: CALL_MILLIS };
      return parts.use(await openEtcdStore({ connection, prefix: "/bench/" }));
    },
  },
  {
    name: "PostgreSQL",
    version: () =>
      execFileSync(join(postgresPrograms()!, "postgres"), ["--version"], { encoding: "utf8" }).split(" ")[2]!,
    async open(parts) {
      mustHave("postgres");
      const folder = parts.use(await temporaryFolder("bench-env"));
      const env = parts.use(await createNodeEnv({ dataDirectory: folder.path }));
      const postgres = parts.use(await PostgresProcess.start({ folder: temporaryFolder }));
      const connection = { url: postgres.url, schema: "bench", callMillis: CALL_MILLIS };
      return parts.use(await openPostgresStore({ env, connection }));
    },
  },
];

function mustHave(engine: "etcd" | "postgres"): void {
  const { skip } = whyWithout(engine);
  if (skip !== undefined) throw new NotRun(skip);
}
