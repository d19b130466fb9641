import { equal, ok, rejects } from "node:assert/strict";
import { stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { hasCode } from "../../std/errors.ts";
import { diskConformance } from "../conformance/disk-suite.ts";
import { temporaryFolder } from "../conformance/temporary-folder.ts";
import { makeFolder, NodeDisk } from "./disk.ts";
import { diskFailure } from "./disk-errors.ts";
import { lockFolder } from "./disk-lock.ts";

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

  test("a refusal by permissions is told apart from a disk that is not well, by its advice", async () => {
    const adviceOf = (code: string) => diskFailure(Object.assign(new Error("x"), { code }), "make", "data").advice;
    for (const code of ["EACCES", "EPERM", "ENOTDIR"]) ok(/owner and the permissions/.test(adviceOf(code)), code);
    ok(/kernel's log/.test(adviceOf("EIO")));
    await using folder = await temporaryFolder();
    const file = join(folder.path, "file");
    await writeFile(file, "");
    await rejects(lockFolder(file), {
      code: "DISK_FAILED",
      message: /\((?:EACCES|ENOTDIR)\)/,
      advice: adviceOf("ENOTDIR"),
    });
  });

  test("a folder is made with those above it, and a system that refuses one is not asked for ever", async () => {
    await using folder = await temporaryFolder();
    const deep = join(folder.path, "a", "b", "c");
    await makeFolder(deep, "deep", 0o700);
    equal((await stat(join(folder.path, "a"))).mode & 0o777, 0o700);
    await makeFolder(deep, "deep");
    await writeFile(join(folder.path, "file"), "");
    await rejects(makeFolder(join(folder.path, "file"), "file"), { code: "FILE_EXISTS" });
    await rejects(makeFolder(join(folder.path, "file", "x"), "file"), { code: "DISK_FAILED" });
    if (process.platform === "linux") await rejects(makeFolder("/proc/ashlar/data", "data"), { code: "FILE_MISSING" });
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
