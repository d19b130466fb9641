import { mkdirSync, writeFileSync } from "node:fs";
import { apiManual } from "../src/gateway/api/operations/manual.ts";

// Writes docs/protocols/api.md from the API's table of operations.

const folder = new URL("../docs/protocols/", import.meta.url);
mkdirSync(folder, { recursive: true });
writeFileSync(new URL("api.md", folder), apiManual());
