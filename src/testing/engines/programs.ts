import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";

/** Its manifest names what else it needs. */
export const ZOOKEEPER_JAR = "/usr/share/java/zookeeper.jar";

const isRoot = process.getuid?.() === 0;

/**
 * Why tests against a server can not run here, for the runner. As root there is no reason: `scripts/setup-engines.mjs` has
 * installed it, so that its absence is a failure.
 */
export function whyWithout(engine: keyof typeof PACKAGES): { readonly skip: string } | Record<string, never> {
  if (HAS[engine]() || isRoot) return {};
  return { skip: `the Debian package ${PACKAGES[engine]} is not installed, and only root can install it` };
}

const HAS = {
  etcd: () => spawnSync("etcd", ["--version"]).status === 0,
  postgres: () => postgresPrograms() !== undefined,
  redis: () => spawnSync("redis-server", ["--version"]).status === 0,
  zookeeper: () => existsSync(ZOOKEEPER_JAR),
  mariadb: () => spawnSync("mariadbd", ["--version"]).status === 0,
} as const;
const PACKAGES = {
  etcd: "etcd-server",
  postgres: "postgresql",
  redis: "redis-server",
  zookeeper: "zookeeper",
  mariadb: "mariadb-server",
} as const;

/** The folder of the newest PostgreSQL; Debian keeps its programs out of the PATH. */
export function postgresPrograms(): string | undefined {
  const folder = "/usr/lib/postgresql";
  if (!existsSync(folder)) return undefined;
  const versions = readdirSync(folder).filter((name) => existsSync(`${folder}/${name}/bin/postgres`));
  const newest = versions.sort((left, right) => Number(right) - Number(left))[0];
  return newest === undefined ? undefined : `${folder}/${newest}/bin`;
}

/** PostgreSQL refuses to run as root: then it runs as the user that its package made. */
export function postgresUser(): ReturnType<typeof userOf> {
  return userOf("postgres");
}

/** Nobody else where this is not root. */
export function userOf(name: string): { readonly uid: number; readonly gid: number } | Record<string, never> {
  if (!isRoot) return {};
  const idOf = (flag: string): number => Number(execFileSync("id", [flag, name], { encoding: "utf8" }));
  return { uid: idOf("-u"), gid: idOf("-g") };
}
