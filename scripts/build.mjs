// Builds `dist`: the package's JavaScript and types, and the console as a browser gets it. Plain JavaScript.
import { spawnSync } from "node:child_process";
import { cpSync, readdirSync, renameSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

function run(command, args) {
  const { status } = spawnSync(command, args, { cwd: root, stdio: ["ignore", 2, 2] });
  if (status !== 0) process.exit(status ?? 1);
}

rmSync(`${root}dist`, { recursive: true, force: true });
run("tsc", ["-p", "tsconfig.build.json"]);
// The console's own project also compiles what its pages import from other folders; the build above has made that already.
run("tsc", ["-p", "src/console", "--noEmit", "false", "--declaration", "false", "--outDir", "dist/browser"]);
renameSync(`${root}dist/browser/console`, `${root}dist/console`);
rmSync(`${root}dist/browser`, { recursive: true });
for (const name of readdirSync(`${root}src/console`, { recursive: true })) {
  if (/\.(html|css|svg|js|txt)$/.test(name)) cpSync(`${root}src/console/${name}`, `${root}dist/console/${name}`);
}
