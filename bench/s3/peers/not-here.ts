import { NotRun } from "../../not-run.ts";
import type { PeerKind } from "../peer.ts";

/** Peers that no package source of this project's setup has. */
export const NOT_HERE: readonly PeerKind[] = [
  absent(
    "MinIO",
    "no binaries are published any more, no package source of setup has it, and its Go module did not build in 10 minutes",
  ),
  absent("Garage", "no Debian, npm or PyPI package has it"),
];

function absent(name: string, reason: string): PeerKind {
  return { name, start: () => Promise.reject(new NotRun(reason)) };
}
