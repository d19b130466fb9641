import type { ChosenFile } from "../state/transfers.ts";

/** The files of what was dropped, with their folders in their names; not more than `filesMax`. */
export async function droppedFiles(transfer: DataTransfer, filesMax: number): Promise<readonly ChosenFile[]> {
  // The list of items is gone after the first await, so all entries are taken first.
  const entries = [...transfer.items].flatMap((item) =>
    item.kind === "file" ? [item.webkitGetAsEntry() ?? item.getAsFile()] : [],
  );
  const found: ChosenFile[] = [];
  for (const entry of entries) {
    if (entry instanceof File) found.push({ name: entry.name, file: entry });
    else if (entry !== null) await walk(entry, "", found, filesMax);
  }
  return found;
}

async function walk(entry: FileSystemEntry, folder: string, found: ChosenFile[], filesMax: number): Promise<void> {
  if (found.length > filesMax) return;
  if (isFile(entry)) {
    const file = await new Promise<File>((resolve, reject) => entry.file(resolve, reject));
    found.push({ name: folder + entry.name, file });
  } else if (isDirectory(entry)) {
    const reader = entry.createReader();
    for (;;) {
      // A reader gives a part at a time, and nothing at its end.
      const part = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
      if (part.length === 0) return;
      for (const each of part) await walk(each, `${folder}${entry.name}/`, found, filesMax);
    }
  }
}

function isFile(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile;
}

function isDirectory(entry: FileSystemEntry): entry is FileSystemDirectoryEntry {
  return entry.isDirectory;
}
