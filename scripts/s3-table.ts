import { mkdirSync, writeFileSync } from "node:fs";
import { s3Manual } from "../src/gateway/s3/operations/manual.ts";

// Writes docs/protocols/s3.md from the gateway's table of operations.

const folder = new URL("../docs/protocols/", import.meta.url);
mkdirSync(folder, { recursive: true });
writeFileSync(new URL("s3.md", folder), s3Manual());
