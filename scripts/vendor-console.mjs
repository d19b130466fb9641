// Makes src/console/vendor/ from the packages as they are published, so that anybody can prove that nothing was added:
//
//   cd $(mktemp -d) && npm install preact@11.2.0 htm@3.1.1 @preact/signals@2.11.4 --ignore-scripts
//   node scripts/vendor-console.mjs THAT-FOLDER/node_modules [--check]
//
// Browsers load the files as they are: names of packages become relative paths, references to source maps are dropped, and nothing
// else is changed. The `.d.ts` beside them are written by hand: they name only what the console uses.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const vendor = fileURLToPath(new URL("../src/console/vendor/", import.meta.url));
const [modules, mode] = process.argv.slice(2);
if (modules === undefined) {
  process.stderr.write("usage: node scripts/vendor-console.mjs NODE-MODULES [--check]\n");
  process.exit(2);
}

/** Package, file in it, file here, licence. */
const files = [
  ["preact", "dist/preact.mjs", "preact.js", "MIT"],
  ["preact", "hooks/dist/hooks.mjs", "preact-hooks.js", "MIT"],
  ["@preact/signals-core", "dist/signals-core.mjs", "signals-core.js", "MIT"],
  ["@preact/signals", "dist/signals.mjs", "signals.js", "MIT"],
  ["htm", "dist/htm.mjs", "htm.js", "Apache-2.0"],
];
const paths = { preact: "preact", "preact/hooks": "preact-hooks", "@preact/signals-core": "signals-core" };

const made = new Map();
const licences = new Map();
for (const [name, file, target, licence] of files) {
  const { version } = JSON.parse(readFileSync(join(modules, name, "package.json"), "utf8"));
  const source = readFileSync(join(modules, name, file), "utf8")
    .replace(/(\bfrom\s*|\bimport\s*)"([^"]+)"/g, (_, keyword, specifier) => {
      if (paths[specifier] === undefined) throw new Error(`${name}/${file} imports ${specifier}`);
      return `${keyword}"./${paths[specifier]}.js"`;
    })
    .replace(/\n?\/\/# sourceMappingURL=.*\s*$/, "")
    .trimEnd();
  made.set(target, `/*! ${name} ${version}, ${licence}; see LICENSES.txt */\n${source}\n`);
  licences.set(`${name} ${version}`, readFileSync(join(modules, name, "LICENSE"), "utf8").trim());
}
const rule = `\n\n${"-".repeat(72)}\n\n`;
made.set("LICENSES.txt", `${[...licences].map(([name, text]) => `${name}\n\n${text}`).join(rule)}\n`);

let changed = 0;
for (const [name, content] of made) {
  if (mode !== "--check") writeFileSync(join(vendor, name), content);
  else if (readFileSync(join(vendor, name), "utf8") !== content) {
    process.stderr.write(`${name} is not what the packages give\n`);
    changed++;
  }
}
process.exitCode = changed === 0 ? 0 : 1;
