import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { untilCanLose } from "../../src/server/testing/cluster-status.ts";
import { GrowingCluster } from "../../src/server/testing/growing-cluster.ts";
import { type ServerProcess, startServerProcess, temporaryFolder } from "../../src/testing/server-process.ts";
import { run } from "../client.ts";
import { spreadOver } from "./spread.ts";

// A server as the suite of Ceph wants to find it: a main user who may do everything, an alternative one and one of
// another tenant who have buckets of their own and no right on those of the others.

const CLI = fileURLToPath(new URL("../../bin/ashlar.js", import.meta.url));

/** The server's default, in which a bucket of one's own can be made again, as cases expect it. */
const REGION = "us-east-1";
/** What a user without buckets needs to make some. On those, bucket policies of the cases grant the rest. */
const STRANGER = {
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: ["s3:ListAllMyBuckets", "s3:CreateBucket"], Resource: ["arn:aws:s3:::*"] }],
};
const USERS = { main: "readwrite", alt: "stranger", tenant: "stranger" } as const;

export interface Target extends AsyncDisposable {
  /** For S3TEST_CONF. */
  readonly configuration: string;
  readonly folder: string;
}

/** One server, or three that are a cluster, with each request to the next of them. */
export async function openTarget(isCluster: boolean): Promise<Target> {
  await using owned = new AsyncDisposableStack();
  const folder = owned.use(await temporaryFolder("peers-suite")).path;
  const { server, url } = isCluster ? await openCluster(owned) : await openServer(owned);
  const document = join(folder, "stranger.json");
  await writeFile(document, JSON.stringify(STRANGER));
  await ashlar(server, "policy", "set", "stranger", document);
  const keys = new Map<string, AccessKey>();
  for (const [user, policy] of Object.entries(USERS)) {
    const created = await ashlar(server, "user", "add", user, "--policy", policy, "--with-key", "--json");
    keys.set(user, JSON.parse(created).key as AccessKey);
  }
  const configuration = join(folder, "s3tests.conf");
  await writeFile(configuration, configurationOf(url, keys));
  const parts = owned.move();
  return { configuration, folder, [Symbol.asyncDispose]: () => parts.disposeAsync() };
}

interface Servers {
  /** That one is administered. */
  readonly server: ServerProcess;
  /** Of S3. */
  readonly url: string;
}

async function openServer(owned: AsyncDisposableStack): Promise<Servers> {
  const server = owned.use(await startServerProcess());
  return { server, url: server.s3 };
}

async function openCluster(owned: AsyncDisposableStack): Promise<Servers> {
  const cluster = owned.use(await GrowingCluster.of(true, ["b", "c"]));
  await untilCanLose(cluster.first, 1);
  const { url } = owned.use(await spreadOver([...cluster.running.values()].map(({ s3 }) => s3)));
  return { server: cluster.first, url };
}

interface AccessKey {
  readonly id: string;
  readonly secret: string;
}

function ashlar(server: ServerProcess, ...args: string[]): Promise<string> {
  return run(process.execPath, [CLI, ...args, "--api", server.api], {
    env: { ASHLAR_ACCESS_KEY: server.accessKey, ASHLAR_SECRET_KEY: server.secretKey },
  });
}

function configurationOf(url: string, keys: ReadonlyMap<string, AccessKey>): string {
  const { hostname, port } = new URL(url);
  const ofUser = (user: string): Record<string, string> => ({
    user_id: user,
    display_name: user,
    email: `${user}@example.com`,
    access_key: keys.get(user)!.id,
    secret_key: keys.get(user)!.secret,
  });
  const sections: Record<string, Record<string, string>> = {
    DEFAULT: { host: hostname, port, is_secure: "False", ssl_verify: "False" },
    fixtures: {
      "bucket prefix": "t-{random}-",
      "iam name prefix": "s3-tests-",
      "iam path prefix": "/s3-tests/",
    },
    "s3 main": { ...ofUser("main"), api_name: REGION },
    "s3 alt": ofUser("alt"),
    "s3 tenant": { ...ofUser("tenant"), tenant: "other" },
    // The suite reads these sections before any case; the cases that need them are not run.
    iam: ofUser("main"),
    "iam root": ofUser("main"),
    "iam alt root": ofUser("alt"),
  };
  return Object.entries(sections)
    .map(([name, values]) => {
      const lines = Object.entries(values).map(([key, value]) => `${key} = ${value}\n`);
      return `[${name}]\n${lines.join("")}`;
    })
    .join("\n");
}
