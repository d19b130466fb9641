import { readFile } from "node:fs/promises";
import { stripTypeScriptTypes } from "node:module";
import { fileURLToPath } from "node:url";
import type { AssetSource } from "../gateway/api/index.ts";

export type ConsoleFiles = AssetSource;

/** In a clone the console is TypeScript beside this file's folder; an installed package holds the built files in the same place. */
export function consoleFiles(): ConsoleFiles {
  const folder = new URL("../console/", import.meta.url);
  const fromSource = import.meta.filename.endsWith(".ts");
  return {
    async read(name) {
      try {
        return await readFile(fileURLToPath(new URL(name, folder)));
      } catch {
        return undefined;
      }
    },
    ...(fromSource && { stripTypes: asBuilt }),
  };
}

/** What the build would make of a file: no types, and imports of `.js`, which is what a browser asks for. */
function asBuilt(source: string): string {
  return stripTypeScriptTypes(source).replace(/(\b(?:from|import)\s*\(?\s*"\.{1,2}\/[^"]+)\.ts"/g, '$1.js"');
}
