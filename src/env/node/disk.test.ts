import { equal, ok, rejects } from "node:assert/strict";
import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { hasCode } from "../../std/errors.ts";
import { diskConformance } from "../conformance/disk-suite.ts";
import { temporaryFolder } from "../conformance/temporary-folder.ts";
import { NodeDisk } from "./disk.ts";
import { diskFailure } from "./disk-errors.ts";

describe("NodeDisk", () => {
  diskConformance(test, async () => {
    const folder = await temporaryFolder();
    const [disk, otherDisk] = [new NodeDisk(folder.path), new NodeDisk(folder.path)];
    return { disk, otherDisk, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
  });

  test("errors of the system become codes that say what to do, with the cause kept", () => {
    const codes = {
      ENOENT: "FILE_MISSING",
      EEXIST: "FILE_EXISTS",
      ENOSPC: "DISK_FULL",
      EDQUOT: "DISK_FULL",
      EIO: "DISK_FAILED",
    };
    for (const [errno, code] of Object.entries(codes)) {
      const cause = Object.assign(new Error("from the kernel"), { code: errno });
      const failure = diskFailure(cause, "write", "log/1");
      equal(failure.code, code);
      equal(failure.cause, cause);
      ok(failure.message.includes("log/1"));
    }
    equal(diskFailure("no error at all", "write", "log/1").code, "DISK_FAILED");
  });

  test("a folder in the place of a file and a link to nowhere are failures, not crashes", async () => {
    await using folder = await temporaryFolder();
    const disk = new NodeDisk(folder.path);
    await disk.makeDirectory("folder");
    await rejects(disk.open("folder", "write"), (error) => hasCode(error, "DISK_FAILED"));
    await rejects(disk.remove("folder"), (error) => hasCode(error, "DISK_FAILED"));
    await symlink(join(folder.path, "nowhere"), join(folder.path, "link"));
    await rejects(disk.open("link", "read"), (error) => hasCode(error, "FILE_MISSING"));
    await rejects(disk.open("link", "create"), (error) => hasCode(error, "FILE_EXISTS"));
  });
});
