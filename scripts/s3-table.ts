import { mkdirSync, writeFileSync } from "node:fs";
import { readRecord, summaryOf } from "../interop/peers-suite/suite-record.ts";
import { s3Manual } from "../src/gateway/s3/operations/manual.ts";

// Writes docs/protocols/s3.md from the gateway's table of operations and the record of the suite of Ceph.

const folder = new URL("../docs/protocols/", import.meta.url);
mkdirSync(folder, { recursive: true });
writeFileSync(new URL("s3.md", folder), s3Manual(summaryOf(readRecord())));
