import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";

// The house rules that a machine can check. Lint knows the rest (functions of at most 70 lines, no ambient time or chance).

const root = fileURLToPath(new URL("..", import.meta.url));

/** Rooms by floor, the lowest first. A folder imports from floors below its own; rooms on one floor do not import each other. */
const FLOORS: readonly (readonly string[])[] = [
  ["std"],
  ["codec", "core", "check"],
  ["env"],
  ["log", "peer", "drivers", "sim/kernel"],
  ["host"],
  ["store"],
  ["blob"],
  ["cluster"],
  ["service"],
  ["gateway"],
  ["server"],
  ["sim/workloads"],
  ["cli"],
];

/** Rooms beside the floors, and what each of them may import. `testing` is for tests only. */
const BESIDE: Readonly<Record<string, readonly string[]>> = {
  client: ["std", "codec", "core", "env", "drivers"],
  console: ["std", "codec", "core", "check", "env/web", "env/sim", "sim/kernel"],
  "sim/cluster": ["std", "codec", "core", "check", "env", "sim/kernel", "store", "server"],
  // They drive what they simulate at every height, from a core to a whole server.
  "sim/workloads": [
    ...["std", "codec", "core", "check", "env", "log", "peer", "sim/kernel", "host", "store", "service"],
    ...["sim/cluster", "server"],
  ],
  lab: ["std", "codec", "core", "check", "env", "sim/kernel"],
};

/** Rooms whose parts are rooms of their own on the same floor: service/access does not import service/objects. */
const SHARED_FLOORS = ["service", "gateway", "codec", "core", "drivers"];
/** What several gateways share lies beneath them. */
const FOUNDATIONS: readonly string[] = ["gateway/http"];

const LINES_MAX = 500;
/** The formatter wraps code at 120; it leaves comments and strings, which end here. */
const COLUMNS_MAX = 140;
/** Files that may be longer, with the reason. */
const LONG_FILES: Readonly<Record<string, string>> = {
  "src/service/objects/objects.test.ts": "one fixture for all families of calls of one service",
};
/** Folders whose lines may be longer, with the reason. */
const LONG_LINES: Readonly<Record<string, string>> = {
  "src/console/": "the formatter does not wrap the markup in htm templates",
};

const tracked = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
  cwd: root,
  encoding: "utf8",
})
  .split("\n")
  .filter((name) => name !== "" && existsSync(join(root, name)));
const sources = tracked.filter((name) => name.startsWith("src/") && name.endsWith(".ts") && !name.includes("/vendor/"));
const texts = new Map(sources.map((name) => [name, readFileSync(join(root, name), "utf8")]));

const isTest = (name: string): boolean => /\.(test|e2e|sim|fuzz)\.ts$/.test(name) || /\/testing\//.test(name);

describe("the house", () => {
  test("folders import only from the floors below, and enter other folders through their index", () => {
    const faults: string[] = [];
    for (const [name, text] of texts) {
      for (const target of importsOf(name, text)) {
        const fault = importFault(name, target);
        if (fault !== undefined) faults.push(`${name} imports ${target}: ${fault}`);
      }
    }
    assert.deepEqual(faults, []);
  });

  test("no file and no line is too long", () => {
    const faults: string[] = [];
    for (const [name, text] of texts) {
      const lines = text.split("\n");
      if (lines.length > LINES_MAX && LONG_FILES[name] === undefined) faults.push(`${name}: ${lines.length} lines`);
      for (const [at, line] of lines.entries()) {
        const isExcused = isTest(name) || Object.keys(LONG_LINES).some((folder) => name.startsWith(folder));
        if (line.length > COLUMNS_MAX && !isExcused) faults.push(`${name}:${at + 1}: ${line.length} columns`);
      }
    }
    assert.deepEqual(faults, []);
  });

  test("every source file is imported by another one or is an entry", () => {
    const imported = new Set([...texts].flatMap(([name, text]) => importsOf(name, text)));
    const entries = new Set(entryFiles());
    const dead = sources.filter((name) => !imported.has(name) && !entries.has(name) && !isTest(name));
    assert.deepEqual(dead, []);
  });

  test("nothing unfinished is left in the sources", () => {
    const marks = ["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"];
    const faults = [...texts].filter(([, text]) => marks.some((mark) => new RegExp(`\\b${mark}\\b`).test(text)));
    assert.deepEqual(
      faults.map(([name]) => name),
      [],
    );
  });

  test("an error's advice is for people: it names things, not fields of the error's data", () => {
    const advices = /advice:\s*["`](.*)/g;
    const found = [...texts].flatMap(([name, text]) => [...text.matchAll(advices)].map(([, advice]) => [name, advice]));
    assert.ok(found.length > 100, "advices are found");
    assert.deepEqual(
      found.filter(([, advice]) => /`(?:data|body|query)\b|'s data\b/.test(advice!)),
      [],
    );
  });

  test("a bare Error is never thrown outside of tests", () => {
    const faults = [...texts].filter(([name, text]) => !isTest(name) && /throw new Error\(/.test(text));
    assert.deepEqual(
      faults.map(([name]) => name),
      [],
    );
  });

  test("every page of the manual has exactly one title", () => {
    const faults: string[] = [];
    for (const name of tracked.filter((file) => file.endsWith(".md"))) {
      const text = readFileSync(join(root, name), "utf8").replace(/^```[\s\S]*?^```/gm, "");
      const titles = text.match(/^# /gm)?.length ?? 0;
      if (titles !== 1) faults.push(`${name}: ${titles} titles`);
    }
    assert.deepEqual(faults, []);
  });

  test("every dependency has its line of reason", () => {
    const reasons = readFileSync(join(root, "docs/dependencies.md"), "utf8");
    const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    const { dependencies, optionalDependencies, devDependencies, peerDependencies } = manifest;
    const names = Object.keys({ ...dependencies, ...optionalDependencies, ...devDependencies, ...peerDependencies });
    assert.deepEqual(
      names.filter((name) => name !== "ashlar" && !reasons.includes(`\`${name}\``)),
      [],
    );
  });
});

/** Files of this repository that a file imports, from the root of the repository. */
function importsOf(name: string, text: string): string[] {
  const specifiers = [
    ...text.matchAll(/(?:from|import)\s*\(?\s*"(\.{1,2}\/[^"]+)"/g),
    ...text.matchAll(/new URL\("(\.[^"]+\.ts)"/g),
  ];
  return specifiers.map((match) => normalize(join(dirname(name), match[1]!)));
}

function importFault(name: string, target: string): string | undefined {
  if (isTest(name) || !target.startsWith("src/")) return undefined;
  const from = roomOf(name);
  const to = roomOf(target);
  if (from === to) return undefined;
  if (to === "testing") return "testing is for tests only";
  if (from === "testing") return undefined;
  if (to !== "std" && !isDoor(target, to)) return "another folder is entered through its index.ts";
  const allowed = BESIDE[from];
  if (allowed !== undefined)
    return allowed.some((room) => to === room || target.startsWith(`src/${room}/`))
      ? undefined
      : "not a room it may use";
  if (FOUNDATIONS.includes(to) && floorOf(from) === floorOf(to)) return undefined;
  return floorOf(to) < floorOf(from) ? undefined : "not a floor below";
}

/**
 * A room's index.ts; for env also the index of its node, sim and web parts, which only composition and tests need, and what of sim a
 * browser can load.
 */
function isDoor(target: string, room: string): boolean {
  const inside = target.slice(`src/${room}/`.length);
  if (room === "env")
    return /^((node|sim|web|compute)\/index|sim\/in-browser|env|index|memory|crypto|certificates)\.ts$/.test(inside);
  return inside === "index.ts";
}

/** `src/service/access/x.ts` is in room `service/access`, `src/log/x.ts` in room `log`. */
function roomOf(name: string): string {
  const [, first, second] = name.split("/");
  if (second?.endsWith(".ts")) return first!;
  return SHARED_FLOORS.includes(first!) || first === "sim" ? `${first}/${second}` : first!;
}

function floorOf(room: string): number {
  const floor = FLOORS.findIndex((rooms) => rooms.includes(room) || rooms.includes(room.split("/")[0]!));
  return floor < 0 ? Number.NaN : floor;
}

/** What package.json, the launcher and the runners start. */
function entryFiles(): string[] {
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const exported = Object.values(manifest.exports as Record<string, { "ashlar-source"?: string }>)
    .map((entry) => entry["ashlar-source"])
    .filter((file) => file !== undefined)
    .map((file) => normalize(file));
  const scripts = tracked
    .filter((name) => /^(scripts|bin|interop|bench|examples)\//.test(name) && /\.(ts|js|mjs)$/.test(name))
    .flatMap((name) => importsOf(name, readFileSync(join(root, name), "utf8")));
  // The workers' names are made at run time (.ts in a clone, .js when built); the console's page loads its script.
  const workers = ["src/env/node/compute-worker.ts", "src/cli/sim/seed-worker.ts"];
  return [...exported, ...scripts, ...workers, "src/cli/main.ts", "src/console/main.ts"];
}
