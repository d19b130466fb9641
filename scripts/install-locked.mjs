// Installs a folder's pinned npm packages, unless what its lock file says has been installed already. Plain JavaScript
// for the oldest Node that has npm.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Ends the process where npm fails. */
export function installLocked(folder, { notice, flags = [] } = {}) {
  const stamp = join(folder, "node_modules", ".ashlar-lock-hash");
  const lockHash = createHash("sha256")
    .update(readFileSync(join(folder, "package-lock.json")))
    .digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lockHash) return;
  if (notice) process.stderr.write(`${notice}\n`);
  const install = spawnSync("npm", ["ci", ...flags, "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: folder,
    stdio: ["ignore", 2, 2],
    shell: process.platform === "win32",
  });
  if (install.status !== 0) {
    process.stderr.write("npm ci failed; see its message above.\n");
    process.exit(install.status ?? 1);
  }
  writeFileSync(stamp, lockHash);
}
