import type { Disk } from "../env/index.ts";
import { text, utf8 } from "../std/bytes.ts";
import { hasCode } from "../std/errors.ts";

/** Undefined where there is no such file. */
export async function readSmallFile(disk: Disk, name: string): Promise<string | undefined> {
  try {
    const file = await disk.open(name, "read");
    try {
      return text(await file.read(0, await file.length()));
    } finally {
      await file.close();
    }
  } catch (error) {
    if (hasCode(error, "FILE_MISSING")) return undefined;
    throw error;
  }
}

/** After a crash the file has its old content or the new one, never a part. */
export async function writeSmallFile(disk: Disk, name: string, content: string): Promise<void> {
  const temporary = `${name}.new`;
  await disk.remove(temporary).catch((error: unknown) => {
    if (!hasCode(error, "FILE_MISSING")) throw error;
  });
  const file = await disk.open(temporary, "create");
  try {
    await file.write(0, [utf8(content)]);
    await file.sync();
  } finally {
    await file.close();
  }
  await disk.rename(temporary, name);
  await disk.syncDirectory(name.includes("/") ? name.slice(0, name.lastIndexOf("/")) : "");
}
