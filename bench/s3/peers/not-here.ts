import { NotRun, type PeerKind } from "../peer.ts";

/** Peers that no package source of this project's setup has. */
export const NOT_HERE: readonly PeerKind[] = [
  absent("MinIO", "its project publishes no binaries any more, and no package source that setup uses has it"),
  absent("Garage", "no Debian, npm or PyPI package has it"),
];

function absent(name: string, reason: string): PeerKind {
  return { name, start: () => Promise.reject(new NotRun(reason)) };
}
