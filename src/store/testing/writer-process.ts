// A process that commits without end until it is killed. Arguments: data directory, first number. Each line that it
// prints is the number of a commit that was acknowledged.

import { createNodeEnv } from "../../env/node/index.ts";
import { utf8 } from "../../std/bytes.ts";
import { HostedStore } from "./hosted-store.ts";
import { REAL_STORE, ROW_TABLE } from "./real-store.ts";

const [, , dataDirectory, first] = process.argv;
const WRITERS = 16;

const hosted = await HostedStore.start(await createNodeEnv({ dataDirectory: dataDirectory! }), REAL_STORE);
let next = Number(first);

async function write(): Promise<void> {
  for (;;) {
    const number = next++;
    const value = utf8(String(number).padEnd(200, "."));
    const puts = ["a", "b"].map((half) => ({ table: ROW_TABLE, key: utf8(`${half} ${number}`), value }));
    await hosted.store.commit({ puts });
    process.stdout.write(`${number}\n`);
  }
}

await Promise.all(Array.from({ length: WRITERS }, write));
