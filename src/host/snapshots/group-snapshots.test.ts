import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { configurationOf, type Message, MessageType, newMessage } from "../../core/raft/index.ts";
import type { Disk } from "../../env/index.ts";
import { SimDisk } from "../../env/sim/index.ts";
import type { Log } from "../../log/index.ts";
import { EMPTY, utf8 } from "../../std/bytes.ts";
import { appendTo, openLog } from "../testing/open-log.ts";
import { Recorder } from "../testing/recorder.ts";
import type { SnapshotPiece } from "../transport/frame.ts";
import { GroupSnapshots } from "./group-snapshots.ts";
import { ServeBudget } from "./serve-budget.ts";
import { SnapshotFolder, type StoredSnapshot } from "./snapshot-folder.ts";

const GROUP = 7;
const CONFIGURATION = configurationOf({ voters: [1, 2] });

/** Lets everything that needs no clock happen. */
const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 30; turn++) await new Promise((resolve) => setImmediate(resolve));
};

/** Counts the files that are open on it. */
function counted(disk: Disk): () => number {
  let count = 0;
  const open = disk.open.bind(disk);
  disk.open = async (...given) => {
    const file = await open(...given);
    count++;
    const close = file.close.bind(file);
    let isClosed = false;
    file.close = async () => {
      if (!isClosed) count--;
      isClosed = true;
      await close();
    };
    return file;
  };
  return () => count;
}

class Node {
  readonly machine = new Recorder();
  readonly events: string[] = [];
  readonly arrived: Message[] = [];
  readonly asked: number[] = [];
  readonly disk: Disk;
  readonly openFiles: () => number;
  readonly folder: SnapshotFolder;
  peer: Node | undefined;
  /** What happens to a piece on its way. */
  onWay: (piece: SnapshotPiece) => SnapshotPiece = (piece) => piece;
  snapshots!: GroupSnapshots;
  log!: Log;

  constructor() {
    this.disk = new SimDisk().mount();
    this.openFiles = counted(this.disk);
    this.folder = new SnapshotFolder(this.disk, "raft/7");
  }

  async start(id: number): Promise<this> {
    this.log = await openLog(this.disk);
    this.snapshots = new GroupSnapshots({
      ...{ group: GROUP, log: this.log, folder: this.folder, machine: this.machine, stored: [] },
      limits: { logBytesMin: 1_000_000, retryTicks: 2, serveTicks: 5 },
      configuration: () => CONFIGURATION,
      serveBudget: new ServeBudget(Number.POSITIVE_INFINITY),
      request: (_, request) => {
        this.asked.push(request.index);
        void this.peer!.snapshots.serve(id, request);
      },
      piece: (_, piece) => this.peer!.snapshots.taken(id, this.onWay(piece)),
      arrived: (message) => this.arrived.push(message),
      refused: (to) => this.events.push(`refused to ${to}`),
      wake: () => {},
      failed: (error) => this.events.push((error as Error & { code?: string }).code ?? error.message),
    });
    return this;
  }

  async apply(...commands: string[]): Promise<void> {
    const firstIndex = this.machine.appliedIndex + 1;
    const entries = commands.map(utf8);
    await appendTo(this.log, { kind: "entries", group: GROUP, firstIndex, term: 1, entries });
    this.machine.apply(entries.map((command, at) => ({ index: firstIndex + at, term: 1, commands: [command] })));
  }

  /** One of the present state. */
  async make(): Promise<void> {
    this.snapshots.make();
    await settled();
  }

  /** Tells the peer of the newest one. */
  offer(from: number, to: number): Message {
    const message = newMessage(MessageType.snapshot, to);
    message.from = from;
    message.snapshot = this.snapshots.current()!;
    this.snapshots.offered(to, message.snapshot);
    this.peer!.snapshots.fetch(message);
    return message;
  }

  async stop(): Promise<void> {
    await this.snapshots.stop();
    await this.log.close();
  }
}

async function pair(): Promise<readonly [Node, Node]> {
  const leader = await new Node().start(1);
  const follower = await new Node().start(2);
  leader.peer = follower;
  follower.peer = leader;
  return [leader, follower];
}

async function rot({ disk, folder }: Node, which: Pick<StoredSnapshot, "index" | "term">): Promise<void> {
  const file = await disk.open(folder.nameOf(which), "write");
  const length = await file.length();
  const last = await file.read(length - 20, 1);
  await file.write(length - 20, [Uint8Array.of(last[0]! ^ 1)]);
  await file.close();
}

describe("a snapshot whose file rotted on the leader", () => {
  test("is given to nobody: the leader says that it has none, makes another one, and serves that", async () => {
    const [leader, follower] = await pair();
    await leader.apply("a", "b");
    await leader.make();
    await rot(leader, { index: 2, term: 1 });
    leader.offer(1, 2);
    await settled();
    assert.deepEqual(leader.events, ["SNAPSHOT_DAMAGED", "refused to 2"]);
    assert.deepEqual([follower.arrived.length, follower.events, await follower.disk.list("raft/7")], [0, [], []]);

    leader.offer(1, 2);
    await settled();
    assert.equal(follower.arrived.length, 1);
    await follower.snapshots.install(follower.arrived[0]!.snapshot!, async () => {});
    assert.deepEqual(follower.machine.commands, ["a", "b"]);
    await Promise.all([leader.stop(), follower.stop()]);
  });

  test("leaves the older one, from which the log still goes on, until the new one is made", async () => {
    const [leader, follower] = await pair();
    await leader.apply("a");
    await leader.make();
    await leader.apply("b");
    await leader.make();
    await leader.apply("c");
    await rot(leader, { index: 2, term: 1 });
    leader.offer(1, 2);
    await settled();
    assert.deepEqual(leader.events, ["SNAPSHOT_DAMAGED", "refused to 2"]);
    assert.equal(leader.snapshots.current()?.index, 3);
    assert.deepEqual(
      await leader.disk.list("raft/7"),
      [1, 3].map((index) => leader.folder.nameOf({ index, term: 1 }).slice(7)),
    );
    await Promise.all([leader.stop(), follower.stop()]);
  });

  test("is read anew for each member that is told of it", async () => {
    const [leader, follower] = await pair();
    await leader.apply("a");
    await leader.make();
    leader.offer(1, 2);
    await settled();
    assert.equal(follower.arrived.length, 1);
    await rot(leader, { index: 1, term: 1 });
    const again = newMessage(MessageType.snapshot, 2);
    again.from = 1;
    again.snapshot = leader.snapshots.current()!;
    leader.snapshots.offered(2, again.snapshot);
    follower.snapshots.fetch(again);
    await settled();
    assert.deepEqual(leader.events, ["SNAPSHOT_DAMAGED", "refused to 2"]);
    await Promise.all([leader.stop(), follower.stop()]);
  });
});

describe("a snapshot that was damaged on its way", () => {
  test("is refused by who fetched it, and taken whole the next time", async () => {
    const [leader, follower] = await pair();
    await leader.apply("a");
    await leader.make();
    leader.onWay = (piece) => ({ ...piece, bytes: piece.bytes.map((byte, at) => (at === 60 ? byte ^ 1 : byte)) });
    leader.offer(1, 2);
    await settled();
    assert.deepEqual([follower.events, follower.arrived.length], [["SNAPSHOT_DAMAGED"], 0]);
    assert.deepEqual(await follower.disk.list("raft/7"), []);
    for (let tick = 0; tick < 5; tick++) leader.snapshots.tick();
    assert.deepEqual(leader.events, ["refused to 2"], "the core tells the member again");
    leader.onWay = (piece) => piece;
    leader.offer(1, 2);
    await settled();
    assert.equal(follower.arrived.length, 1);
    await Promise.all([leader.stop(), follower.stop()]);
  });
});

describe("an installation that fails", () => {
  test("leaves no file open, whether the log or the machine refused", async () => {
    const [leader, follower] = await pair();
    await leader.apply("a");
    await leader.make();
    leader.offer(1, 2);
    await settled();
    const before = follower.openFiles();
    const [{ snapshot }] = follower.arrived as [Message];
    const full = new Error("The log is full.");
    await assert.rejects(
      follower.snapshots.install(snapshot!, () => Promise.reject(full)),
      full,
    );
    await settled();
    assert.equal(follower.openFiles(), before);
    const broken = new Error("The machine's disk is broken.");
    follower.machine.restore = () => Promise.reject(broken);
    await assert.rejects(
      follower.snapshots.install(snapshot!, async () => {}),
      broken,
    );
    await settled();
    assert.equal(follower.openFiles(), before);
    await Promise.all([leader.stop(), follower.stop()]);
  });
});

test("a piece that is asked for and not there is answered without bytes", async () => {
  const [leader, follower] = await pair();
  const pieces: SnapshotPiece[] = [];
  leader.onWay = (piece) => {
    pieces.push(piece);
    return piece;
  };
  await leader.snapshots.serve(2, { group: GROUP, index: 9, term: 1, offset: 0 });
  assert.deepEqual(pieces, [{ group: GROUP, index: 9, term: 1, offset: 0, bytesTotal: 0, bytes: EMPTY }]);
  await Promise.all([leader.stop(), follower.stop()]);
});
