// Runs the project's suites one after the other and prints what each took of its budget. A suite that fails does not stop the
// others; the exit code is 0 only if all of them passed. Plain JavaScript: it starts before anything is installed.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Name, npm script, minutes. 40 minutes in all. */
const steps = [
  { name: "unit", script: "test", minutes: 2.5 },
  { name: "check", script: "check", minutes: 0.75 },
  { name: "simulation", script: "test:sim", minutes: 9.5 },
  { name: "processes", script: "test:e2e", minutes: 10 },
  { name: "faults", script: "test:faults", minutes: 9 },
  { name: "fuzz", script: "test:fuzz", minutes: 0.75 },
  { name: "package", script: "test:package", minutes: 1.5 },
  { name: "interop", script: "test:interop", minutes: 6 },
];

// Each commit explores other seeds; the same commit explores the same ones again.
const commit = spawnSync("git", ["rev-parse", "HEAD"], { cwd: root, encoding: "utf8" }).stdout.trim();
const seed = process.env.ASHLAR_SIM_SEED ?? String(Number.parseInt(commit.slice(0, 7) || "1", 16));

/** What a suite that has run out of time is given to tell which of its tests had failed. */
const LAST_WORDS_MILLIS = 5000;

/** The exit code, or undefined where the time was over first. Nothing that the suite started outlives it, to disturb the next. */
async function ended(script, minutes) {
  const suite = spawn("npm", ["run", "--silent", script], {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, ASHLAR_SIM_SEED: seed },
    detached: true,
  });
  const end = (signal) => {
    try {
      process.kill(-suite.pid, signal);
    } catch {
      // All of its processes have ended.
    }
  };
  const exited = once(suite, "exit");
  const over = new AbortController();
  const outOfTime = sleep(minutes * 60_000, "over", { signal: over.signal }).catch(() => {});
  const isOver = (await Promise.race([exited, outOfTime])) === "over";
  over.abort();
  if (isOver) {
    end("SIGINT");
    await Promise.race([exited, sleep(LAST_WORDS_MILLIS)]);
  }
  end("SIGKILL");
  const [code] = await exited;
  return isOver ? undefined : code;
}

const report = [];
for (const { name, script, minutes } of steps) {
  console.log(`\n=== ${name}: npm run ${script}`);
  const started = Date.now();
  const code = await ended(script, minutes);
  const seconds = Math.round((Date.now() - started) / 1000);
  const verdict = code === 0 ? "passed" : code === undefined ? "out of time" : "FAILED";
  report.push({ name, verdict, seconds, minutes });
}

console.log(`\nseeds from ${seed} on (ASHLAR_SIM_SEED=${seed} replays them)`);
for (const { name, verdict, seconds, minutes } of report) {
  console.log(`${name.padEnd(12)} ${verdict.padEnd(12)} ${String(seconds).padStart(5)} s of ${minutes * 60} s`);
}
const passed = report.filter((step) => step.verdict === "passed").length;
console.log(`suites: ${passed} passed, ${report.length - passed} failed`);
process.exit(passed === report.length ? 0 : 1);
