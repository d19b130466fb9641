// Runs the project's suites one after the other and prints what each took of its budget. A suite that fails does not stop the
// others; the exit code is 0 only if all of them passed. Plain JavaScript: it starts before anything is installed.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Name, npm script, minutes. 40 minutes in all. */
const steps = [
  { name: "unit", script: "test", minutes: 4 },
  { name: "check", script: "check", minutes: 2 },
  { name: "simulation", script: "test:sim", minutes: 12 },
  { name: "processes", script: "test:e2e", minutes: 13 },
  { name: "fuzz", script: "test:fuzz", minutes: 2 },
  { name: "package", script: "test:package", minutes: 2 },
  { name: "interop", script: "test:interop", minutes: 5 },
];

// Each commit explores other seeds; the same commit explores the same ones again.
const commit = spawnSync("git", ["rev-parse", "HEAD"], { cwd: root, encoding: "utf8" }).stdout.trim();
const seed = process.env.ASHLAR_SIM_SEED ?? String(Number.parseInt(commit.slice(0, 7) || "1", 16));

const report = [];
for (const { name, script, minutes } of steps) {
  console.log(`\n=== ${name}: npm run ${script}`);
  const started = Date.now();
  const run = spawnSync("npm", ["run", "--silent", script], {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, ASHLAR_SIM_SEED: seed },
    timeout: minutes * 60_000,
    killSignal: "SIGKILL",
  });
  const seconds = Math.round((Date.now() - started) / 1000);
  const verdict = run.status === 0 ? "passed" : run.signal ? "out of time" : "FAILED";
  report.push({ name, verdict, seconds, minutes });
}

console.log(`\nseeds from ${seed} on (ASHLAR_SIM_SEED=${seed} replays them)`);
for (const { name, verdict, seconds, minutes } of report) {
  console.log(`${name.padEnd(12)} ${verdict.padEnd(12)} ${String(seconds).padStart(5)} s of ${minutes * 60} s`);
}
const passed = report.filter((step) => step.verdict === "passed").length;
console.log(`suites: ${passed} passed, ${report.length - passed} failed`);
process.exit(passed === report.length ? 0 : 1);
