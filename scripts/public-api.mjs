// What modules let others see, as text: the declarations of all that they export, then of all that those name. It is
// read from what tsc has written, without comments, file names or private members, so that moving a file changes
// nothing here, and every change that a user could notice does. Plain JavaScript.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Of a package's subpaths, each given by its name and its `.d.ts`: a text by each name. */
export function publicApi(subpaths) {
  const modules = new Map();
  const moduleAt = (file) => {
    if (!modules.has(file)) modules.set(file, parse(file));
    return modules.get(file);
  };

  /** Where a name that a module exports is declared. */
  const exported = (file, name) => {
    const { declarations, exports, stars } = moduleAt(file);
    const local = exports.get(name);
    if (local?.file !== undefined) return exported(local.file, local.name);
    if (local !== undefined) return visible(file, local.name);
    if (declarations.has(name)) return { file, name };
    return stars.map((star) => exported(star, name)).find((found) => found !== undefined);
  };
  /** Where a name that a module uses is declared. Undefined for those of the language and of other packages. */
  const visible = (file, name) => {
    const { declarations, imports } = moduleAt(file);
    if (declarations.has(name)) return { file, name };
    const imported = imports.get(name);
    return imported?.file && exported(imported.file, imported.name);
  };
  const names = (file) => {
    const { declarations, exports, stars } = moduleAt(file);
    const own = [...declarations].filter(([, { isExported }]) => isExported).map(([name]) => name);
    return [...exports.keys(), ...own, ...stars.flatMap(names)];
  };

  /** The first subpath that exports a declaration, by the declaration. */
  const owners = new Map();
  const keyOf = ({ file, name }) => `${file} ${name}`;
  const exportsOf = ([subpath, entry]) => {
    const found = new Map();
    for (const name of new Set(names(entry))) {
      const place = exported(entry, name);
      if (place === undefined) throw new Error(`${subpath} exports ${name}, which is declared nowhere`);
      found.set(keyOf(place), { ...place, publicName: name });
      if (!owners.has(keyOf(place))) owners.set(keyOf(place), subpath);
    }
    return [subpath, found];
  };

  /** What the declarations name, and what that names, up to what a subpath of its own lists. */
  const behind = (declarations) => {
    const found = new Map(declarations);
    const elsewhere = new Set();
    // A map is walked on into what is added meanwhile.
    for (const { file, name } of found.values()) {
      for (const [word] of moduleAt(file)
        .declarations.get(name)
        .text.matchAll(/[A-Za-z_$][\w$]*/g)) {
        const place = visible(file, word);
        if (place === undefined || found.has(keyOf(place))) continue;
        const owner = owners.get(keyOf(place));
        if (owner === undefined) found.set(keyOf(place), place);
        else elsewhere.add(`${place.name} of ${owner}`);
      }
    }
    for (const key of declarations.keys()) found.delete(key);
    return { hidden: found, elsewhere };
  };

  const textOf = ({ file, name, publicName }) => {
    const { text } = moduleAt(file).declarations.get(name);
    return publicName === undefined || publicName === name ? text : `// as ${publicName}\n${text}`;
  };
  const listed = (places) => {
    const titled = [...places.values()].map((place) => [place.publicName ?? place.name, textOf(place)]);
    return titled.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, text]) => text);
  };
  return new Map(
    [...subpaths].map(exportsOf).map(([subpath, declarations]) => {
      const { hidden, elsewhere } = behind(declarations);
      const parts = [`// ${subpath}`, ...listed(declarations)];
      if (hidden.size > 0) parts.push("// Not exported by any subpath, and named by what is.", ...listed(hidden));
      if (elsewhere.size > 0)
        parts.push(
          `// Listed with another subpath:\n${[...elsewhere]
            .sort()
            .map((one) => `// ${one}`)
            .join("\n")}`,
        );
      return [subpath, `${parts.join("\n\n")}\n`];
    }),
  );
}

const STATEMENT = /^(?:export|import|declare|abstract|class|interface|type|const|let|function)\b/;
const DECLARATION = /^(export )?(?:declare )?(?:abstract )?(?:class|interface|type|const|let|function) ([\w$]+)/;

function parse(file) {
  const declarations = new Map();
  const imports = new Map();
  const exports = new Map();
  const stars = [];
  for (const statement of statements(readFileSync(file, "utf8"))) {
    const from = /\bfrom "([^"]+)";$/.exec(statement)?.[1];
    const source = from?.startsWith(".") ? join(dirname(file), from.replace(/\.[jt]s$/, ".d.ts")) : undefined;
    const listed = /^(import|export) (?:type )?\{([^}]*)\}/s.exec(statement);
    const declaration = DECLARATION.exec(statement);
    if (listed !== null) {
      for (const [name, alias] of listedNames(listed[2])) {
        if (listed[1] === "import") imports.set(alias, { file: source, name });
        else exports.set(alias, { file: source, name });
      }
    } else if (statement.startsWith("export *")) {
      stars.push(source);
    } else if (declaration !== null) {
      const [, exportWord, name] = declaration;
      const before = declarations.get(name);
      const text = statement
        .replace(/^export /, "")
        .replace(/^declare /, "")
        .replaceAll(/^ +/gm, (indent) => indent.slice(indent.length / 2));
      declarations.set(name, {
        isExported: exportWord !== undefined || before?.isExported === true,
        // A function with several signatures, or a value and a type of one name.
        text: before === undefined ? text : `${before.text}\n${text}`,
      });
    } else if (!/^import\b/.test(statement)) {
      throw new Error(`${file} has a statement that is not understood: ${statement}`);
    }
  }
  return { declarations, imports, exports, stars };
}

function statements(text) {
  const found = [];
  for (const line of text.replaceAll(/^\s*\/\*\*?[\s\S]*?\*\/\n?/gm, "").split("\n")) {
    if (/^\s*(?:#private;|private .*|\/\/.*)?$/.test(line)) continue;
    if (STATEMENT.test(line)) found.push(line);
    else found[found.length - 1] += `\n${line}`;
  }
  return found;
}

/** As `[name, alias]`. */
function listedNames(list) {
  const parts = list.split(",").map((part) => part.trim().replace(/^type /, ""));
  return parts
    .filter((part) => part !== "")
    .map((part) => {
      const [name, alias] = part.split(" as ");
      return [name, alias ?? name];
    });
}
