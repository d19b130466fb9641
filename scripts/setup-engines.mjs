// Installs the engines that the Store, worker numbers or Leaf's table can be kept in, for the tests against real ones, from Debian. Runs
// before `npm run test:e2e`; a second run finds them there. Who is not root goes without: those tests are skipped by name then.
// Plain JavaScript.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

const missing = [];
if (spawnSync("etcd", ["--version"]).status !== 0) missing.push("etcd-server");
if (!existsSync("/usr/lib/postgresql")) missing.push("postgresql");
if (spawnSync("mariadbd", ["--version"]).status !== 0) missing.push("mariadb-server");
if (spawnSync("redis-server", ["--version"]).status !== 0) missing.push("redis-server");
if (!existsSync("/usr/share/java/zookeeper.jar")) missing.push("zookeeper");

function apt(...args) {
  const { status } = spawnSync("apt-get", [...args, "-qq"], {
    stdio: ["ignore", 2, 2],
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  });
  return status === 0;
}

if (missing.length > 0 && process.getuid?.() === 0) {
  if (!apt("update") || !apt("install", "-y", "--no-install-recommends", ...missing)) {
    process.stderr.write(`The Debian packages ${missing.join(", ")} could not be installed.\n`);
    process.exit(1);
  }
}
