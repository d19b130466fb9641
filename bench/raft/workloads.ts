export interface Workload {
  readonly name: string;
  /** Three members in one process that also makes the proposals, or three server processes with a client on loopback. */
  readonly place: "one process" | "three processes";
  readonly groups: number;
  readonly bytes: number;
  /** Without it nothing waits for the disk. */
  readonly synced: boolean;
  /** Proposals in flight: of each group in one process, of each connection otherwise. */
  readonly window: number;
  /** Of three processes. */
  readonly connections: number;
}

const SIZES: readonly { readonly bytes: number; readonly text: string }[] = [
  { bytes: 16, text: "16 B" },
  { bytes: 128, text: "128 B" },
  { bytes: 1024, text: "1 KiB" },
];
const GROUPS: readonly { readonly groups: number; readonly text: string; readonly window: number }[] = [
  { groups: 1, text: "1 group", window: 1024 },
  { groups: 48, text: "48 groups", window: 64 },
];
const CONNECTIONS = 48;
const CONNECTION_WINDOW = 32;

export const WORKLOADS: readonly Workload[] = [
  ...matrix("one process", true),
  ...matrix("one process", false),
  ...matrix("three processes", true),
  ...matrix("three processes", false),
];

function matrix(place: Workload["place"], synced: boolean): Workload[] {
  return GROUPS.flatMap(({ groups, text: groupsText, window }) =>
    SIZES.map(({ bytes, text }) => ({
      name: [place, text, groupsText, ...(synced ? [] : ["no sync"])].join(", "),
      ...{ place, groups, bytes, synced },
      window: place === "one process" ? window : CONNECTION_WINDOW,
      connections: CONNECTIONS,
    })),
  );
}
