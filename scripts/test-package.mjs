// Packs the package, installs it into an empty project, imports each subpath alone, type-checks a use of it, looks whether a
// browser could load what says so, and starts the installed server. What works in the clone must work there too.
// What the subpaths export is compared with scripts/testdata/public-api, so that a change of it is seen in review;
// ASHLAR_UPDATE_GOLDEN=1 writes it anew. Plain JavaScript.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { publicApi } from "./public-api.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const project = mkdtempSync(join(tmpdir(), "ashlar-package-"));
/** Subpaths that run in a browser: all that they load is their own, and nothing of it is Node's. */
const BROWSER_SAFE = [".", "./checkers", "./ids", "./raft", "./raft/conformance", "./sim"];
let passed = 0;

function run(command, args, cwd = project) {
  const result = spawnSync(command, args, { cwd, encoding: "utf8", timeout: 120_000 });
  if (result.status === 0) return result.stdout;
  process.stderr.write(
    `${command} ${args.join(" ")} ended with ${result.status}\n${result.stdout}\n${result.stderr}\n`,
  );
  process.exit(1);
}

function check(name, work) {
  work();
  passed++;
  console.log(`ok ${name}`);
}

/** The files that a browser would load, and what in them it could not. */
function browserFaults(entry) {
  const seen = new Set();
  const faults = [];
  const load = (file) => {
    if (seen.has(file)) return;
    seen.add(file);
    const code = readFileSync(file, "utf8")
      .replace(/\/\*[\s\S]*?\*\//g, "")
      .replace(/^\s*\/\/.*$/gm, "");
    const imports = /^(?:import|export)\b[^;"]*?\bfrom\s*"([^"]+)"|^import\s*"([^"]+)"|\bimport\s*\(\s*"([^"]+)"/gm;
    for (const [, from, bare, dynamic] of code.matchAll(imports)) {
      const name = from ?? bare ?? dynamic;
      if (name.startsWith(".")) load(join(dirname(file), name));
      else faults.push(`${file} imports ${name}`);
    }
    for (const [word] of code.matchAll(/\b(?:Buffer|require|__dirname)\b(?=[.(])/g))
      faults.push(`${file} uses ${word}`);
  };
  load(entry);
  return { files: seen.size, faults };
}

/** Each subpath's listing is in a file of its own; there is no other file. */
function comparePublicApi(subpaths) {
  const folder = join(root, "scripts/testdata/public-api");
  const declarationsOf = ({ default: script }) => join(root, script.replace(/\.js$/, ".d.ts"));
  const listings = publicApi(subpaths.map((name) => [`ashlar${name.slice(1)}`, declarationsOf(exports[name])]));
  const files = new Map([...listings].map(([name, text]) => [`${name.replaceAll("/", "-")}.txt`, text]));
  if (process.env.ASHLAR_UPDATE_GOLDEN === "1") {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    for (const [name, text] of files) writeFileSync(join(folder, name), text);
    return;
  }
  const actual = join(project, "public-api");
  mkdirSync(actual);
  for (const [name, text] of files) writeFileSync(join(actual, name), text);
  const { status, stdout, stderr } = spawnSync("diff", ["-ruN", folder, actual], { encoding: "utf8" });
  if (status === 0 && readdirSync(folder).length === files.size) return;
  process.stderr.write(
    `${stdout}${stderr}\nThe public declarations have changed. ASHLAR_UPDATE_GOLDEN=1 npm run test:package accepts it.\n`,
  );
  process.exit(1);
}

const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const subpaths = Object.keys(exports).filter((name) => name !== "./package.json");

try {
  check("builds", () => run(process.execPath, [join(root, "scripts/build.mjs")], root));
  const [packed] = JSON.parse(run("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", project], root));
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "empty", type: "module", private: true }));
  check("installs", () =>
    run("npm", ["install", "--no-audit", "--no-fund", "--loglevel=error", join(project, packed.filename)]),
  );

  check("the public declarations are the ones that were agreed on", () => comparePublicApi(subpaths));
  for (const subpath of subpaths) {
    const name = `ashlar${subpath.slice(1)}`;
    check(`${name} can be imported`, () =>
      run(process.execPath, ["-e", `await import(${JSON.stringify(name)})`, "--input-type=module"]),
    );
  }
  for (const subpath of BROWSER_SAFE) {
    check(`ashlar${subpath.slice(1)} runs in a browser`, () => {
      const { files, faults } = browserFaults(join(project, "node_modules/ashlar", exports[subpath].default));
      if (files > 1 && faults.length === 0) return;
      process.stderr.write(`${files} files\n${faults.join("\n")}\n`);
      process.exit(1);
    });
  }
  writeFileSync(
    join(project, "use.ts"),
    `import { startServer } from "ashlar/server";
await using server = await startServer({ memory: true });
const answer: Response = await fetch(server.api + "/healthz");
if (!answer.ok) throw new Error("not healthy");
const page: Response = await fetch(server.api + "/app/");
if (!page.ok) throw new Error("no console: " + page.status);
for (const name of ["console/main.js", "console/pages/sim/page.js", "core/raft/node.js", "env/sim/scheduler.js", "std/bytes.js"]) {
  const script: Response = await fetch(server.api + "/app/" + name);
  if (!script.ok) throw new Error("no " + name + ": " + script.status);
}
`,
  );
  writeFileSync(
    join(project, "types.ts"),
    subpaths
      .map((name, at) => `import * as part${at} from "ashlar${name.slice(1)}";\nexport { part${at} };\n`)
      .join(""),
  );
  // The counter of the README, and a port of a browser where a transport takes one.
  const counter = readFileSync(join(root, "examples/counter.ts"), "utf8");
  const ports = `import { broadcastTransport, portTransport } from "ashlar/raft";
portTransport(new Map([[2, new MessageChannel().port1]]));
broadcastTransport(1, new BroadcastChannel("members"));
`;
  writeFileSync(join(project, "counter.ts"), counter);
  writeFileSync(join(project, "kv.ts"), readFileSync(join(root, "examples/kv.ts"), "utf8"));
  writeFileSync(join(project, "ports.ts"), ports);
  const compilerOptions = {
    module: "nodenext",
    // No more than this: the package's types bring what else they need.
    target: "es2022",
    lib: ["es2022", "dom"],
    strict: true,
    noEmit: true,
    types: [],
  };
  writeFileSync(
    join(project, "tsconfig.json"),
    JSON.stringify({ compilerOptions, files: ["use.ts", "types.ts", "counter.ts", "kv.ts", "ports.ts"] }),
  );
  check("type-checks", () => run(join(root, "node_modules/.bin/tsc"), ["-p", project]));
  check("the counter counts", () => {
    const printed = run(process.execPath, ["counter.ts"]);
    if (printed === "14\n28\n42\n") return;
    process.stderr.write(printed);
    process.exit(1);
  });
  check("keys and values are read and written", () => run(process.execPath, ["kv.ts"]));
  check("a server in memory starts and serves", () => run(process.execPath, ["use.ts"]));
  check("the command runs", () => run(join(project, "node_modules/.bin/ashlar"), ["version"]));
} finally {
  rmSync(project, { recursive: true, force: true });
}
console.log(`package: ${passed} passed, 0 failed`);
