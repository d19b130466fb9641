import type { Disk, DiskFile } from "../../../src/env/index.ts";

/** A disk that says at once that everything is durable: for the line of the table that shows what the syncs cost. */
export function unsafeNoSync(disk: Disk): Disk {
  return {
    open: async (name, mode) => withoutSync(await disk.open(name, mode)),
    list: (folder) => disk.list(folder),
    makeDirectory: (folder) => disk.makeDirectory(folder),
    rename: (from, to) => disk.rename(from, to),
    remove: (name) => disk.remove(name),
    syncDirectory: async () => {},
    space: () => disk.space(),
    lock: () => disk.lock(),
  };
}

function withoutSync(file: DiskFile): DiskFile {
  return {
    name: file.name,
    read: (position, length, memory) => file.read(position, length, memory),
    write: (position, chunks) => file.write(position, chunks),
    sync: async () => {},
    length: () => file.length(),
    setLength: (length) => file.setLength(length),
    close: () => file.close(),
  };
}
