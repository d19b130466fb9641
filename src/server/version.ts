import { readFileSync } from "node:fs";

/** Of the package that this file is in, whether it runs from source or built. */
export const VERSION: string = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")).version;
