// A key-value store on three members, each with files of its own, over TCP on loopback. Reads are linearizable on every
// member; what was put is there after a restart. Run it twice:
//
//   node --conditions=ashlar-source examples/kv-over-tcp.ts [FOLDER]
//
// Members of one process show all of it; in three processes each calls `openMember` for itself, with fixed addresses.
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ClientSession, type MemoryMachine, memoryMachine, RaftGroup } from "ashlar/raft";
import { fileStorage, type TcpTransport, tcpTransport } from "ashlar/raft/node";

const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const decode = (bytes: Uint8Array) => JSON.parse(new TextDecoder().decode(bytes));

type Command =
  | { readonly put: string; readonly value: string }
  /** Puts the value where the key has the expected one. */
  | { readonly swap: string; readonly expected: string | null; readonly value: string };

/** What every member replicates. The same commands make the same rows and answers everywhere. */
class Rows implements MemoryMachine<boolean> {
  rows: Map<string, string> = new Map();

  apply(bytes: Uint8Array): boolean {
    const command: Command = decode(bytes);
    if ("swap" in command && (this.rows.get(command.swap) ?? null) !== command.expected) return false;
    this.rows.set("put" in command ? command.put : command.swap, command.value);
    return true;
  }

  snapshot(): Uint8Array {
    return encode([...this.rows]);
  }

  restore(bytes: Uint8Array): void {
    this.rows = new Map(decode(bytes));
  }
}

/** One member, and the store as its users see it. */
class KeyValueStore {
  readonly group: RaftGroup<boolean>;
  readonly #rows: Rows;
  #session: Promise<ClientSession<boolean>> | undefined;

  constructor(group: RaftGroup<boolean>, rows: Rows) {
    this.group = group;
    this.#rows = rows;
  }

  /** The newest value, whichever member put it. */
  async get(key: string): Promise<string | undefined> {
    await this.group.read();
    return this.#rows.rows.get(key);
  }

  /** Exactly once, however often it has to be sent: the session tries again when a leader is lost. */
  async put(key: string, value: string): Promise<void> {
    await (await this.#begun()).propose(encode({ put: key, value } satisfies Command));
  }

  async swap(key: string, expected: string | null, value: string): Promise<boolean> {
    return (await this.#begun()).propose(encode({ swap: key, expected, value } satisfies Command));
  }

  #begun(): Promise<ClientSession<boolean>> {
    this.#session ??= this.group.session();
    return this.#session;
  }
}

const IDS = [1, 2, 3];
const host = "127.0.0.1";

async function openMember(id: number, transport: TcpTransport, folder: string): Promise<KeyValueStore> {
  const rows = new Rows();
  const group = await RaftGroup.start({
    ...{ id, peers: IDS, transport, stateMachine: memoryMachine(rows), sessions: true },
    storage: fileStorage(join(folder, `member-${id}`), { segmentBytes: 4 * 1024 * 1024 }),
  });
  return new KeyValueStore(group, rows);
}

const folder = process.argv[2] ?? (await mkdtemp(join(tmpdir(), "kv-over-tcp-")));
// Any free ports; processes of their own would agree on them beforehand, and give all of them as `peers`.
const transports = await Promise.all(IDS.map((id) => tcpTransport({ id, listen: { host, port: 0 }, cluster: "kv" })));
const addresses = Object.fromEntries(transports.map(({ port }, at) => [IDS[at], { host, port }]));
for (const transport of transports) transport.setPeers(addresses);

const stores = await Promise.all(IDS.map((id, at) => openMember(id, transports[at]!, folder)));
const [one, two, three] = stores as [KeyValueStore, KeyValueStore, KeyValueStore];
const before = await one.get("visits");
const visits = String(Number(before ?? 0) + 1);
console.log(
  `member 1 finds ${before ?? "no"} visits, and counts this one: ${await two.swap("visits", before ?? null, visits)}`,
);
await three.put("last", `visit ${visits}`);
for (const { group } of stores) {
  if (group.isLeader) console.log(`member ${group.id} leads`);
}
for (const store of stores) {
  console.log(`member ${store.group.id} reads ${await store.get("visits")} and "${await store.get("last")}"`);
}
await Promise.all(stores.map(({ group }) => group.close()));
