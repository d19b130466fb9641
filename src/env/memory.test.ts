import { equal, rejects } from "node:assert/strict";
import { describe, test } from "node:test";
import { utf8 } from "../std/bytes.ts";
import { hasCode } from "../std/errors.ts";
import { temporaryFolder } from "./conformance/temporary-folder.ts";
import { createMemoryEnv } from "./memory.ts";
import { createNodeEnv } from "./node/index.ts";

describe("whole environments", () => {
  test("in memory: files and indexes without a disk, up to a limit", async () => {
    await using env = createMemoryEnv({ bytesMax: 1_048_576 });
    const file = await env.disk.open("file", "create");
    await file.write(0, [utf8("x")]);
    await file.sync();
    await rejects(file.write(0, [new Uint8Array(2_000_000)]), (error) => hasCode(error, "DISK_FULL"));
    const index = await env.indexes.open("index");
    index.write({ puts: [{ key: utf8("a"), value: utf8("1") }], deletes: [] });
    equal(index.get(utf8("a"))?.length, 1);
    await index.close();
  });

  test("on a real disk: the data directory is made, and one that can not be is refused", async () => {
    await using folder = await temporaryFolder();
    const dataDirectory = `${folder.path}/a/b`;
    {
      await using env = await createNodeEnv({ dataDirectory });
      await env.disk.makeDirectory("index");
      const index = await env.indexes.open("index/store");
      await index.close();
      const file = await env.disk.open("file", "create");
      await file.close();
    }
    await rejects(createNodeEnv({ dataDirectory: `${dataDirectory}/file` }), (error) => hasCode(error, "FILE_EXISTS"));
  });
});
