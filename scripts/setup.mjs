// Runs before `npm start`, `npm test` and the like: installs the pinned dependencies (Node.js itself among them)
// whenever the lock file is not the one that was installed last. Plain JavaScript for the oldest Node that has npm.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const stampFile = join(root, "node_modules", ".ashlar-lock-hash");
const lockHash = createHash("sha256")
  .update(readFileSync(join(root, "package-lock.json")))
  .digest("hex");
const installed = existsSync(stampFile) && readFileSync(stampFile, "utf8") === lockHash;

if (!installed) {
  process.stderr.write("Installing the pinned dependencies (first start, or the lock file changed)...\n");
  const install = spawnSync("npm", ["ci", "--include=dev", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", 2, 2],
    shell: process.platform === "win32",
  });
  if (install.status !== 0) {
    process.stderr.write("npm ci failed; see its message above.\n");
    process.exit(install.status ?? 1);
  }
  writeFileSync(stampFile, lockHash);
}
