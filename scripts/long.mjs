// What is too long for CI, in slices that end within ten minutes and go on where the last one ended:
//
//   npm run test:long -- kills|nemesis|fuzz|sim|all [--minutes 9] [--from SEED] [--only PART_OF_A_FILE_NAME]
//   npm run test:long -- --status
//
// A slice runs batches of about a minute (kills: of four), always of the file that is farthest from its goal, sized by the speed of the batch before.
// What was covered is kept in coverage/long.json, which is not tracked. A batch that fails stays listed there until the same seeds
// pass (--from). Plain JavaScript, as scripts/ci.mjs.
import { spawnSync } from "node:child_process";
import { globSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const root = fileURLToPath(new URL("..", import.meta.url));
const progressFile = `${root}coverage/long.json`;

const BATCH_SECONDS = 60;
/** Data that live through many kills are worth more than many short lives. */
const KILLS_SECONDS = 240;
const SECONDS_WORTH_A_BATCH = 10;

/**
 * How a file is run. `unit` is what `goal` counts; `count` names the variable that says how many of them; a seed is the first one of a
 * batch, and each unit takes the next, or with `seedPerBatch` the batch takes one. `first` is the size of the first batch.
 */
const byRuns = { unit: "runs", count: "ASHLAR_FUZZ_RUNS", first: 2_000, goal: 1_000_000 };
const bySeeds = { unit: "seeds", count: "ASHLAR_SIM_SEEDS", first: 20, goal: 5_000 };
const worlds = { unit: "worlds", count: "ASHLAR_SIM_SEEDS", first: 4, goal: 1_000, env: { ASHLAR_FUZZ_RUNS: "1000" } };

const families = {
  kills: {
    pattern: "src/server/kill.e2e.ts",
    runner: ["--test-force-exit"],
    each: () => ({
      ...{ unit: "rounds", count: "ASHLAR_KILLS", first: 10, most: 40, goal: 200 },
      ...{ seedPerBatch: true, batchSeconds: KILLS_SECONDS },
    }),
  },
  nemesis: {
    pattern: "src/server/{cluster,nemesis}.e2e.ts",
    runner: ["--test-force-exit"],
    each: (file) => ({
      ...{ unit: "seconds", count: "ASHLAR_NEMESIS_SECONDS", first: 60, most: 200 },
      ...{ goal: /nemesis/.test(file) ? 1_200 : 1_800 },
      ...{ seedPerBatch: true, batchSeconds: KILLS_SECONDS },
    }),
  },
  fuzz: {
    pattern: "src/**/*.fuzz.ts",
    runner: ["--test-isolation=none"],
    each: (file) => {
      if (/gateway\/(api|s3)\//.test(file)) return { ...worlds, perUnit: "1000 requests" };
      if (/lmdb-verify/.test(file)) return { ...byRuns, first: 400, goal: 20_000 };
      return byRuns;
    },
  },
  sim: {
    pattern: "src/**/*.sim.ts",
    runner: ["--test-isolation=none"],
    each: (file) => {
      if (/blob\.sim/.test(file)) return { ...bySeeds, arguments: ["--test-name-pattern=keep what rows name"] };
      // One seed runs the whole suite of cases.
      if (/conformance/.test(file)) return { ...bySeeds, first: 1, most: 1, goal: 100 };
      // One seed makes more than ten million ids; the mistakes are found in the same seeds each time.
      if (/core\/id|service\/ids/.test(file))
        return { ...bySeeds, goal: 500, arguments: ["--test-name-pattern=never come twice"] };
      if (/workloads\/raft\.sim/.test(file)) return { ...bySeeds, goal: 100_000 };
      if (/cluster\/cluster\.sim/.test(file)) {
        return { ...bySeeds, goal: 1_000, arguments: ["--test-name-pattern=under the simulator"] };
      }
      return bySeeds;
    },
  },
};

const usage = () => {
  const words = [...Object.keys(families), "all"].join("|");
  console.error(`usage: npm run test:long -- ${words} [--minutes 9] [--from SEED] [--only TEXT], or --status`);
  process.exit(2);
};

const { values, positionals } = readArguments();
if (values.status) {
  console.log(statusTable());
} else {
  const chosen = positionals[0] === "all" ? Object.keys(families) : positionals;
  const minutes = Number(values.minutes);
  const from = values.from === undefined ? undefined : Number(values.from);
  const wrong = positionals.length !== 1 || chosen.some((name) => !(name in families)) || !(minutes > 0);
  if (wrong || (from !== undefined && !(Number.isSafeInteger(from) && from >= 0))) usage();
  const units = chosen.flatMap(unitsOf).filter(({ file }) => file.includes(values.only ?? ""));
  if (units.length === 0) usage();
  process.exit(runSlice(units, minutes * 60, from) ? 0 : 1);
}

function readArguments() {
  const text = { type: "string" };
  const options = { minutes: { ...text, default: "9" }, from: text, only: text, status: { type: "boolean" } };
  try {
    return parseArgs({ allowPositionals: true, options });
  } catch {
    return usage();
  }
}

function unitsOf(family) {
  const { pattern, runner, each } = families[family];
  const files = globSync(pattern, { cwd: root })
    .map((file) => file.replaceAll("\\", "/"))
    .sort();
  return files.map((file) => ({ family, file, runner, ...each(file) }));
}

/** Batches until the time is up; true if all passed. */
function runSlice(units, seconds, from) {
  const endMillis = Date.now() + seconds * 1000;
  const commit = commitName();
  const began = new Map();
  const again = new Map(units.map(({ file }) => [file, from]));
  let failures = 0;
  for (;;) {
    const secondsLeft = (endMillis - Date.now()) / 1000;
    const unit = farthest(units, began);
    if (unit === undefined || secondsLeft < SECONDS_WORTH_A_BATCH) break;
    const before = entryOf(readProgress(), unit.file);
    const seed = again.get(unit.file) ?? before.next;
    const size = batchSize(unit, before, secondsLeft);
    const { passed, tookSeconds } = runBatch(unit, { seed, size, commit });
    const next = seed + (unit.seedPerBatch ? 1 : size);
    if (from !== undefined) again.set(unit.file, next);
    record(unit.file, { seed, next, size, passed, tookSeconds, commit });
    const covered = began.get(unit.file) ?? { seed, done: 0 };
    began.set(unit.file, { ...covered, done: covered.done + size });
    if (!passed) failures++;
  }
  console.log(`\nthis slice, at ${commit}:`);
  for (const { file, unit } of units) {
    const covered = began.get(file);
    if (covered !== undefined) console.log(`  ${file}: ${covered.done} ${unit} from seed ${covered.seed} on`);
  }
  console.log(failures === 0 ? "all passed" : `${failures} batches FAILED`);
  return failures === 0;
}

/** Of those with the smallest share of their goals, the one that this slice has touched least. */
function farthest(units, began) {
  const progress = readProgress();
  const share = ({ file, goal }) => entryOf(progress, file).done / goal;
  const touched = ({ file }) => began.get(file)?.done ?? 0;
  return units.toSorted((left, right) => share(left) - share(right) || touched(left) - touched(right))[0];
}

/** As many as the last batch's speed promises for a minute, or for most of the time left. */
function batchSize(unit, { lastSize, lastSeconds }, secondsLeft) {
  const { first, most = Number.POSITIVE_INFINITY, batchSeconds = BATCH_SECONDS } = unit;
  const wanted = Math.min(batchSeconds, secondsLeft * 0.7);
  const promised = lastSize === undefined ? first : Math.floor((lastSize / Math.max(lastSeconds, 0.5)) * wanted);
  return Math.max(1, Math.min(promised, (lastSize ?? first) * 8, most));
}

function runBatch({ file, unit, count, env, runner, arguments: more = [] }, { seed, size, commit }) {
  const variables = { ASHLAR_SIM_SEED: String(seed), ...env, [count]: String(size) };
  const started = Date.now();
  const run = spawnSync(process.execPath, ["--test", "--test-reporter=spec", ...runner, ...more, file], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 256 * 1024 * 1024,
    env: { ...process.env, ...variables },
    timeout: 10 * BATCH_SECONDS * 1000,
    killSignal: "SIGKILL",
  });
  const tookSeconds = (Date.now() - started) / 1000;
  const passed = run.status === 0;
  const verdict = passed ? "passed" : run.signal ? `ended by ${run.signal}` : "FAILED";
  console.log(`${file}: ${size} ${unit} from seed ${seed}, ${tookSeconds.toFixed(1)} s, ${commit}: ${verdict}`);
  for (const [line] of run.stdout.matchAll(/ℹ .*acknowledged.*$/gm)) console.log(`  ${line}`);
  if (!passed) {
    const assignments = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
    console.log(`${run.stdout.slice(-6000)}\n${run.stderr.slice(-6000)}`);
    console.log(`replay with: ${assignments.join(" ")} node --test ${file}`);
  }
  return { passed, tookSeconds };
}

/** Reads, changes and replaces the file at once, so that slices of two families may run beside each other. */
function record(file, { seed, next, size, passed, tookSeconds, commit }) {
  const progress = readProgress();
  const entry = entryOf(progress, file);
  const failures = entry.failures.filter((failure) => !(passed && seed <= failure.seed && failure.next <= next));
  if (!passed) failures.push({ seed, next, size, commit });
  progress[file] = {
    next: Math.max(entry.next, next),
    done: entry.done + (passed ? size : 0),
    seconds: Math.round(entry.seconds + tookSeconds),
    lastSize: size,
    lastSeconds: tookSeconds,
    firstCommit: entry.firstCommit ?? commit,
    lastCommit: commit,
    failures,
  };
  mkdirSync(`${root}coverage`, { recursive: true });
  writeFileSync(`${progressFile}.next`, `${JSON.stringify(progress, undefined, 2)}\n`);
  renameSync(`${progressFile}.next`, progressFile);
}

function readProgress() {
  try {
    return JSON.parse(readFileSync(progressFile, "utf8"));
  } catch (error) {
    if (error.code === "ENOENT") return {};
    throw error;
  }
}

function entryOf(progress, file) {
  return { next: 1, done: 0, seconds: 0, failures: [], ...progress[file] };
}

function commitName() {
  const git = (...args) => spawnSync("git", args, { cwd: root, encoding: "utf8" }).stdout.trim();
  return git("rev-parse", "--short", "HEAD") + (git("status", "--porcelain", "-uno") === "" ? "" : " with changes");
}

/** As docs/status.md shows it. */
function statusTable() {
  const progress = readProgress();
  const lines = [
    "| what | covered | goal | minutes | commits | failing seeds |",
    "| --- | --- | --- | --- | --- | --- |",
  ];
  for (const { file, unit, perUnit, goal } of Object.keys(families).flatMap(unitsOf)) {
    const { done, seconds, firstCommit, lastCommit, failures } = entryOf(progress, file);
    const of = perUnit === undefined ? "" : ` of ${perUnit}`;
    const commits = firstCommit === undefined ? "" : [...new Set([firstCommit, lastCommit])].join(" to ");
    const failing = failures.map((failure) => `${failure.seed} to ${failure.next - 1}`).join(", ") || "none";
    const cells = [`\`${file}\``, `${done} ${unit}${of}`, goal, Math.round(seconds / 60), commits, failing];
    lines.push(`| ${cells.join(" | ")} |`);
  }
  return lines.join("\n");
}
