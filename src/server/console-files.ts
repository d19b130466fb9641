import { readFile } from "node:fs/promises";
import { stripTypeScriptTypes } from "node:module";
import { fileURLToPath } from "node:url";
import type { AssetSource } from "../gateway/api/index.ts";

export type ConsoleFiles = AssetSource;

/**
 * What a browser may load: the console, and the parts of the system that its pages run themselves. Paths are those of the source tree, so
 * that imports between them lead to the same place everywhere.
 */
const BROWSER_FILES: readonly RegExp[] = [
  /^console\/([a-z-]+\/)*[A-Za-z-]+\.(html|css|svg|js|ts|txt)$/,
  /^std\/[a-z-]+\.(js|ts)$/,
  /^core\/raft\/(script\/)?[a-z-]+\.(js|ts)$/,
  /^env\/sim\/(in-browser|scheduler|links|trace-hash|turn)\.(js|ts)$/,
];

export function isForBrowser(name: string): boolean {
  return BROWSER_FILES.some((files) => files.test(name));
}

/** In a clone the console is TypeScript beside this file's folder; an installed package holds the built files in the same place. */
export function consoleFiles(): ConsoleFiles {
  const folder = new URL("../", import.meta.url);
  const fromSource = import.meta.filename.endsWith(".ts");
  return {
    async read(name) {
      const path = name === "index.html" ? "console/index.html" : name;
      if (!isForBrowser(path)) return undefined;
      try {
        return await readFile(fileURLToPath(new URL(path, folder)));
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
