import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { VolumeStatus } from "../../../blob/index.ts";
import type { NodeStatus } from "../../../cluster/index.ts";
import { AshlarError } from "../../../std/errors.ts";
import { formatBytes, formatDuration } from "../../../std/quantities.ts";
import { type Fault, faultsOf, type NodeState } from "./faults.ts";
import { healthOf, sentenceOf } from "./sentence.ts";

const DAY = 86_400_000;
const GIB = 1024 ** 3;

const volume = (fields: Partial<VolumeStatus> = {}): VolumeStatus => ({
  ...{
    volume: 7,
    state: "sealed",
    kind: "needles",
    generation: 1,
    epoch: 1,
    writer: "1",
    members: ["1"],
    createdMillis: 0,
  },
  ...{
    bytes: 1,
    garbageBytes: 0,
    verifiedMillis: 99 * DAY,
    damagedCount: 0,
    damagedNeedles: [],
    sweptMillis: 0,
    unsound: false,
  },
  ...fields,
});

const state = (
  fields: { blobs?: Partial<NodeState["blobs"]>; store?: Partial<NodeState["store"]>; failure?: Error } = {},
): NodeState => ({
  nowMillis: 100 * DAY,
  failure: fields.failure,
  blobs: {
    bytesFree: 100 * GIB,
    bytesTotal: 200 * GIB,
    bytesReserved: 2 * GIB,
    readersGraceMillis: 600_000,
    volumes: [volume()],
    ...fields.blobs,
  },
  store: { rowsDamaged: 0, checkpointsDamaged: 0, checkpointFailing: false, ...fields.store },
});

describe("faults", () => {
  test("there are none where everything is in order", () => {
    assert.deepEqual(faultsOf(state()), []);
    assert.equal(healthOf([]), "healthy");
    assert.equal(
      sentenceOf([], 3, state().blobs),
      "Everything is in order: 3 buckets, and 100 GiB of 200 GiB are free.",
    );
  });

  test("of ids that can not be had the first ones are named", () => {
    const failure = new AshlarError("WORKERS_EXHAUSTED", "All worker numbers are in use.", "Wait.");
    const ids = Array.from({ length: 7 }, (_, at) => ({ of: { generator: `g${at}` }, failure, sinceMillis: 0 }));
    const faults = faultsOf({ ...state(), ids });
    assert.equal(faults.length, 6);
    assert.equal(faults[0]!.what, "Generator g0 gives no ids: All worker numbers are in use.");
    assert.equal(faults[5]!.what, "2 more generators and tags give no ids.");
    assert.equal(healthOf(faults), "degraded");
  });

  test("a full disk tells what comes back and when, and damage names its objects", () => {
    const full = state({ blobs: { bytesFree: GIB, volumes: [volume({ garbageBytes: 3 * GIB })] } });
    assert.match(
      faultsOf(full)[0]!.what,
      /3 GiB are garbage already, and what is deleted comes back from 10 min later/,
    );
    const volumes = [volume({ damagedCount: 2, damagedNeedles: [1, 2] })];
    const damaged = { ...state({ blobs: { volumes } }), damaged: new Map([[7, ["docs/a.pdf"]]]) };
    assert.match(faultsOf(damaged)[0]!.what, /restore the objects from a copy: docs\/a\.pdf and others\.$/);
  });

  describe("of a cluster", () => {
    const node = (fields: Partial<NodeStatus>): NodeStatus => ({
      ...{ id: 1, state: "active", zone: "", peer: "10.0.0.1:9200", endpoints: {}, role: "voter", isAlive: true },
      ...{ entriesBehind: 0, joinedMillis: 0, certificateEndMillis: 0, groups: 0 },
      ...fields,
    });
    const cluster = (nodes: readonly NodeStatus[], canLose = 1): NodeState["cluster"] => {
      const summary = canLose < 0 ? "Too few nodes answer." : "Can lose 1 more node.";
      return { canLose, summary, nodes, data: undefined };
    };
    const objectsOf = (faults: readonly Fault[]): string[] =>
      faults.map(({ severity, object }) => `${severity} ${object}`);

    test("there are none while all nodes answer, and the sentence says what may still fail", () => {
      const nodes = [1, 2, 3].map((id) => node({ id, certificateEndMillis: 130 * DAY }));
      assert.deepEqual(faultsOf({ ...state(), cluster: cluster(nodes) }), []);
      assert.match(sentenceOf([], 1, state().blobs, "Can lose 1 more node."), /are free\. Can lose 1 more node\.$/);
    });

    test("a node that does not answer is one, and one that was removed or has not started is none", () => {
      const nodes = [
        node({}),
        node({ id: 2, isAlive: false }),
        node({ id: 3, isAlive: false, state: "removed" }),
        node({ id: 4, isAlive: false, state: "joining" }),
      ];
      assert.deepEqual(objectsOf(faultsOf({ ...state(), cluster: cluster(nodes) })), ["warning node 2"]);
    });

    test("too few nodes, and a leader that nobody reaches, are errors", () => {
      assert.deepEqual(objectsOf(faultsOf({ ...state(), cluster: cluster([node({})], -1) })), ["error cluster"]);
      assert.deepEqual(objectsOf(faultsOf({ ...state(), cluster: "unknown" })), ["error cluster"]);
    });

    test("volumes with too few copies are one until they have them", () => {
      const risk = { id: 4, bytes: GIB, readable: 2, staying: ["1", "2"], missing: 1, surplus: [] };
      const data = { volumes: 2, atRisk: [risk], unreadable: 0, missingBytes: GIB, canLose: 1 };
      const [fault] = faultsOf({ ...state(), cluster: { ...(cluster([node({})]) as object), data } as never });
      assert.match(fault!.what, /^1 volume of the cluster has too few copies; 1 GiB are to be copied\.$/);
    });

    test("a certificate that ends soon is told in time", () => {
      const nodes = [node({ certificateEndMillis: 103 * DAY }), node({ id: 2, certificateEndMillis: 99 * DAY })];
      const faults = faultsOf({ ...state(), cluster: cluster(nodes) });
      assert.deepEqual(objectsOf(faults), ["error node 2", "warning node 1"]);
      assert.match(faults[1]!.what, /ends in 3 d/);
    });
  });

  const CASES: [name: string, state: NodeState, object: string, severity: string, what: RegExp, command: string][] = [
    [
      "a node that stops",
      state({ failure: new Error("The log failed.") }),
      "node",
      "error",
      /stops: The log failed/,
      "ashlar log inspect DATA-DIR",
    ],
    [
      "a disk at its reserve",
      state({ blobs: { bytesFree: 2 * GIB } }),
      "disk",
      "error",
      /Writes are refused: 2 GiB are free/,
      "ashlar object rm BUCKET/PREFIX --recursive",
    ],
    [
      "a disk near its reserve",
      state({ blobs: { bytesFree: 3 * GIB } }),
      "disk",
      "warning",
      /1 GiB are left/,
      "ashlar object rm BUCKET/PREFIX --recursive",
    ],
    [
      "damaged rows",
      state({ store: { rowsDamaged: 1 } }),
      "store",
      "error",
      /a restart rebuilds it/,
      "systemctl restart ashlar",
    ],
    [
      "checkpoints that fail",
      state({ store: { checkpointFailing: true } }),
      "store",
      "warning",
      /the log grows/,
      "ashlar store checkpoint",
    ],
    [
      "a checkpoint that was damaged",
      state({ store: { checkpointsDamaged: 1 } }),
      "store",
      "warning",
      /1 checkpoint could not be read/,
      "ashlar store checkpoint",
    ],
    [
      "a volume without its file",
      state({ blobs: { volumes: [volume({ unsound: true })] } }),
      "volume 7",
      "error",
      /missing or shorter/,
      "ashlar volume verify 7",
    ],
    [
      "a damaged volume",
      state({ blobs: { volumes: [volume({ damagedCount: 2 })] } }),
      "volume 7",
      "error",
      /2 needles/,
      "ashlar volume verify 7",
    ],
    [
      "a volume that nobody reads",
      state({ blobs: { volumes: [volume({ verifiedMillis: 80 * DAY })] } }),
      "volume 7",
      "warning",
      /for 20 d/,
      "ashlar volume verify 7",
    ],
  ];
  for (const [name, given, object, severity, what, command] of CASES) {
    test(`${name} is one, with the command for it`, () => {
      const faults = faultsOf(given);
      assert.equal(faults.length, 1);
      const [fault] = faults;
      assert.deepEqual([fault!.object, fault!.severity, fault!.command], [object, severity, command]);
      assert.match(fault!.what, what);
      assert.match(fault!.what, /^[A-Z1-9].*\.$/, "a sentence");
      assert.equal(healthOf(faults), severity === "error" ? "unhealthy" : "degraded");
    });
  }

  test("an open or young volume needs no verification yet", () => {
    const open = volume({ state: "open", verifiedMillis: 0 });
    const young = volume({ verifiedMillis: 0, createdMillis: 95 * DAY });
    assert.deepEqual(faultsOf(state({ blobs: { volumes: [open, young] } })), []);
  });

  test("the gravest comes first and makes the sentence", () => {
    const given = state({ store: { checkpointFailing: true }, blobs: { volumes: [volume({ damagedCount: 1 })] } });
    const faults = faultsOf(given);
    assert.deepEqual(
      faults.map(({ severity }) => severity),
      ["error", "warning"],
    );
    const sentence =
      "Volume 7: 1 needle of the volume can not be read; restore the objects from a copy (and 1 more fault).";
    assert.equal(sentenceOf(faults, 0, given.blobs), sentence);
  });
});

describe("quantities", () => {
  const BYTES: [number, string][] = [
    [0, "0 B"],
    [999, "999 B"],
    [1000, "0.98 KiB"],
    [1024, "1 KiB"],
    [1536, "1.5 KiB"],
    [10 * 1024, "10 KiB"],
    [1024 ** 3 * 412, "412 GiB"],
    [1024 ** 5 * 2000, "2000 PiB"],
  ];
  for (const [bytes, shown] of BYTES)
    test(`${bytes} bytes are ${shown}`, () => assert.equal(formatBytes(bytes), shown));

  const TIMES: [number, string][] = [
    [0, "0 ms"],
    [999, "999 ms"],
    [1000, "1 s"],
    [61_000, "1 min 1 s"],
    [3_600_000, "1 h"],
    [90_061_000, "1 d 1 h"],
    [86_400_000 + 5000, "1 d"],
  ];
  for (const [millis, shown] of TIMES)
    test(`${millis} ms are ${shown}`, () => assert.equal(formatDuration(millis), shown));
});
