import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { describe, test } from "node:test";
import { openBlobs } from "../../blob/index.ts";
import { InlineCompute } from "../../env/sim/compute.ts";
import { SimDisk } from "../../env/sim/disk.ts";
import { SimRandom } from "../../env/sim/random.ts";
import { text, utf8 } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import { Prng } from "../../std/prng.ts";
import { collect, sourceOf } from "../../std/source.ts";
import { type Commit, type CommitResult, type Store, TABLES, type Table } from "../../store/index.ts";
import { openMemoryObjects } from "../../testing/memory-objects.ts";
import { type ObjectName, type Objects, objectReferences, openObjects } from "./index.ts";

/** Runs around one node's next commit that it is about. */
type Intercept = (commit: Commit, forward: () => Promise<CommitResult>) => Promise<CommitResult>;

interface Node {
  readonly objects: Objects;
  intercept: Intercept | undefined;
  /** Where ranges begin as this node believes; undefined: it knows of none. */
  ranges: readonly string[] | undefined;
  /** Runs before each of its reads, with the table of what is read first. */
  beforeRead: ((table: Table) => Promise<void>) | undefined;
}

/** Two services over one Store, as two nodes of a cluster have them. Their timers fire at once. */
async function twoNodes(): Promise<{ readonly one: Node; readonly two: Node } & AsyncDisposable> {
  await using parts = new AsyncDisposableStack();
  const { store, clock } = parts.use(await openMemoryObjects());
  const node = async (seed: number): Promise<Node> => {
    const env = {
      clock: { now: () => clock.millis, monotonic: () => clock.millis },
      timers: {
        after(_: number, run: () => void) {
          const immediate = setImmediate(run);
          return { cancel: () => clearImmediate(immediate) };
        },
        endOfTurn: (run: () => void) => void setImmediate(run),
      },
      random: new SimRandom(new Prng(seed)),
      disk: new SimDisk().mount(),
      compute: new InlineCompute(),
    };
    const made: Omit<Node, "objects"> = { intercept: undefined, beforeRead: undefined, ranges: undefined };
    const own: Store = new Proxy(store, {
      get(target, name) {
        if (name === "commit") {
          return (commit: Commit) => {
            const { intercept } = made;
            made.intercept = undefined;
            const forward = (): Promise<CommitResult> => target.commit(commit);
            return intercept === undefined ? forward() : intercept(commit, forward);
          };
        }
        if (name === "rangeStart") {
          const { ranges } = made;
          return ranges && ((key: Uint8Array) => utf8(ranges.findLast((start) => start <= text(key)) ?? ""));
        }
        if (name === "get") {
          return async (...asked: Parameters<Store["get"]>) => {
            await made.beforeRead?.(asked[0].table);
            return target.get(...asked);
          };
        }
        if (name === "getMany") {
          return async (...asked: Parameters<Store["getMany"]>) => {
            await made.beforeRead?.(asked[0][0]!.table);
            return target.getMany(...asked);
          };
        }
        if (name === "scan") {
          return async (...asked: Parameters<Store["scan"]>) => {
            await made.beforeRead?.(asked[0]);
            return target.scan(...asked);
          };
        }
        const value = Reflect.get(target, name) as unknown;
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    const blobs = parts.use(
      await openBlobs({
        env,
        store,
        references: objectReferences(store),
        options: { spaceReserveBytes: 0 },
        onFatal() {},
      }),
    );
    const objects = parts.use(
      openObjects({ ...env, timers: env.timers, store: own, blobs, onError() {}, isShared: true }),
    );
    return Object.assign(made, { objects });
  };
  const [one, two] = [await node(1), await node(2)];
  const owned = parts.move();
  return { one, two, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

function put({ objects }: Node, key: string, content: string) {
  const body = { source: sourceOf(utf8(content)), length: utf8(content).length, expected: {} };
  return objects.put({ bucket: "bucket", key, body, metadata: { user: new Map() } });
}

async function get({ objects }: Node, key: string): Promise<string> {
  const read = await objects.get({ bucket: "bucket", key, versionId: undefined });
  return new TextDecoder().decode((await collect(read.body!, 100))!);
}

const failsWith = (code: string) => (error: unknown) => hasCode(error, code);

describe("buckets of several nodes", () => {
  test("are what the last node made of them, at once and everywhere", async () => {
    await using nodes = await twoNodes();
    const { one, two } = nodes;
    await one.objects.createBucket("bucket", "me");
    await put(two, "a", "1");
    equal(await get(one, "a"), "1");
    await rejects(one.objects.deleteBucket("bucket"), failsWith("BUCKET_NOT_EMPTY"));
    await one.objects.delete({ bucket: "bucket", key: "a" });
    await two.objects.deleteBucket("bucket");
    await rejects(one.objects.headBucket("bucket"), failsWith("BUCKET_MISSING"));
    await rejects(put(one, "a", "2"), failsWith("BUCKET_MISSING"));
    await two.objects.createBucket("bucket", "me");
    await put(one, "a", "3");
    equal(await get(two, "a"), "3");
    await one.objects.setVersioning("bucket", "enabled");
    ok((await put(two, "a", "4")).versionId !== undefined);
  });

  test("are asked for together with what is read in them, once they are known", async () => {
    await using nodes = await twoNodes();
    const { one, two } = nodes;
    await one.objects.createBucket("bucket", "me");
    await put(two, "a", "1");
    const reading = Promise.withResolvers<void>();
    two.beforeRead = async (table) => (table === TABLES.bucket ? reading.promise : reading.resolve());
    equal(await get(two, "a"), "1");
    two.beforeRead = undefined;
    await one.objects.delete({ bucket: "bucket", key: "a" });
    await one.objects.deleteBucket("bucket");
    await rejects(get(two, "a"), failsWith("BUCKET_MISSING"));
    await one.objects.createBucket("bucket", "me");
    await put(one, "a", "in the new one");
    equal(await get(two, "a"), "in the new one");
  });

  test("have documents that are those of the last writer, and are the same bytes until they change", async () => {
    await using nodes = await twoNodes();
    const { one, two } = nodes;
    await one.objects.createBucket("bucket", "me");
    const document = () => two.objects.getDocument("bucket", "policy");
    equal(await document(), undefined);
    await one.objects.putDocument("bucket", "policy", utf8("1"));
    const first = await document();
    deepEqual(first, utf8("1"));
    ok((await document()) === first);
    await one.objects.putDocument("bucket", "policy", utf8("2"));
    deepEqual(await document(), utf8("2"));
    await one.objects.deleteDocument("bucket", "policy");
    equal(await document(), undefined);
  });

  test("a write that is under way when another node deletes its bucket comes to nothing", async () => {
    await using nodes = await twoNodes();
    const { one, two } = nodes;
    await one.objects.createBucket("bucket", "me");
    two.intercept = async (_, forward) => {
      await one.objects.deleteBucket("bucket");
      return forward();
    };
    await rejects(put(two, "a", "lost"), failsWith("BUCKET_MISSING"));
    await one.objects.createBucket("bucket", "me");
    await rejects(get(two, "a"), failsWith("OBJECT_MISSING"));
    // The same name, another bucket.
    two.intercept = async (_, forward) => {
      await one.objects.deleteBucket("bucket");
      await one.objects.createBucket("bucket", "me");
      return forward();
    };
    await rejects(put(two, "a", "lost"), failsWith("CONFLICT"));
    await one.objects.deleteBucket("bucket");
  });

  test("a bucket that a write comes into while it is being deleted stays, and is open for writes again", async () => {
    await using nodes = await twoNodes();
    const { one, two } = nodes;
    await one.objects.createBucket("bucket", "me");
    one.intercept = async (_, forward) => {
      await put(two, "a", "in time");
      return forward();
    };
    await rejects(one.objects.deleteBucket("bucket"), failsWith("BUCKET_NOT_EMPTY"));
    equal(await get(one, "a"), "in time");
    await put(two, "b", "later");
    equal(await get(one, "b"), "later");
  });

  test("a write waits while its bucket is being deleted, and goes on where the deletion came to nothing", async () => {
    await using nodes = await twoNodes();
    const { one, two } = nodes;
    await one.objects.createBucket("bucket", "me");
    let written: Promise<unknown> | undefined;
    one.intercept = async (_, closing) => {
      const result = await closing();
      written = put(two, "a", "waited");
      // The node that deletes is gone in the middle of it.
      one.intercept = () => Promise.reject(new Error("power failed"));
      return result;
    };
    await rejects(one.objects.deleteBucket("bucket"), /power failed/);
    await written;
    equal(await get(two, "a"), "waited");
    deepEqual(
      (await two.objects.listBuckets({ limit: 10 })).items.map(({ name }) => name),
      ["bucket"],
    );
  });

  test("a write that began before another node changed the versioning does not replace what is a version now", async () => {
    await using nodes = await twoNodes();
    const { one, two } = nodes;
    await one.objects.createBucket("bucket", "me");
    two.intercept = async (_, forward) => {
      await one.objects.setVersioning("bucket", "enabled");
      await put(one, "a", "a version");
      return forward();
    };
    await rejects(put(two, "a", "over it"), failsWith("CONFLICT"));
    equal(await get(two, "a"), "a version");
  });

  test("a version is found, changed and deleted while it takes the place of one that is deleted, or gives way", async () => {
    await using nodes = await twoNodes();
    const { one, two } = nodes;
    await one.objects.createBucket("bucket", "me");
    await one.objects.setVersioning("bucket", "enabled");
    const versionsOf = async (key: string): Promise<(string | undefined)[]> => {
      const all = { prefix: key, delimiter: "", keyMarker: "", versionIdMarker: undefined, limit: 10 };
      return (await one.objects.listVersions({ bucket: "bucket", ...all })).items.map(({ versionId }) => versionId);
    };
    /** Runs before the read of that number; says how many reads there were. */
    const before = async (
      number: number,
      act: () => Promise<unknown>,
      call: () => Promise<unknown>,
    ): Promise<number> => {
      let reads = 0;
      two.beforeRead = async () => {
        if (++reads === number) await act();
      };
      await call().finally(() => {
        two.beforeRead = undefined;
      });
      return reads;
    };
    const calls: readonly ((name: ObjectName) => Promise<unknown>)[] = [
      (name) => two.objects.delete(name),
      (name) => two.objects.get(name),
      (name) => two.objects.setTags(name, new Map([["a", "b"]])),
    ];
    for (const [at, call] of calls.entries()) {
      for (const disturbance of ["removal", "addition"] as const) {
        let reads = 1;
        for (let number = 1; number <= reads; number++) {
          const key = `${at}-${disturbance}-${number}`;
          const { versionId } = await put(one, key, "older");
          const name = { bucket: "bucket", key, versionId };
          if (disturbance === "removal") {
            const { versionId: newer } = await put(one, key, "newer");
            reads = await before(
              number,
              () => one.objects.delete({ ...name, versionId: newer }),
              () => call(name),
            );
          } else {
            reads = await before(
              number,
              () => put(one, key, "newer"),
              () => call(name),
            );
          }
          equal((await versionsOf(key)).includes(versionId), at !== 0, key);
        }
        ok(reads > 1);
      }
    }
  });

  test("a write checks a row of its own range, which is gone before its bucket changes, wherever ranges were cut", async () => {
    const cuts = [[], ["a"], ["0", "a"], ["~"]];
    for (const [before, after] of cuts.flatMap((before) => cuts.map((after) => [before, after] as const))) {
      await using nodes = await twoNodes();
      const { one, two } = nodes;
      one.ranges = two.ranges = before;
      await one.objects.createBucket("bucket", "me");
      await put(two, "a", "1");
      await one.objects.delete({ bucket: "bucket", key: "a" });
      // Ranges are cut anew, and the writer does not know of it yet.
      one.ranges = after;
      two.intercept = async (_, forward) => {
        await one.objects.setVersioning("bucket", "enabled");
        return forward();
      };
      await rejects(put(two, "a", "lost"), failsWith("CONFLICT"));
      two.intercept = async (_, forward) => {
        await one.objects.deleteBucket("bucket");
        return forward();
      };
      await rejects(put(two, "a", "lost"), failsWith("BUCKET_MISSING"));
      await one.objects.createBucket("bucket", "me");
      await put(two, "a", "2");
      equal(await get(one, "a"), "2");
    }
  });

  test("a write of a range that has seen the bucket checks nothing elsewhere", async () => {
    await using nodes = await twoNodes();
    const { one, two } = nodes;
    two.ranges = ["a"];
    await one.objects.createBucket("bucket", "me");
    await put(two, "first", "1");
    let checked: Commit["checks"];
    two.intercept = async (commit, forward) => {
      checked = commit.checks;
      return forward();
    };
    await put(two, "second", "2");
    ok(checked!.length > 0 && checked!.every(({ table }) => table !== TABLES.bucket));
    ok(checked!.some(({ table }) => table === TABLES.bucketFence));
  });

  test("uploads that are under way end with their bucket", async () => {
    await using nodes = await twoNodes();
    const { one, two } = nodes;
    await one.objects.createBucket("bucket", "me");
    const request = { bucket: "bucket", key: "big", owner: "me", metadata: { user: new Map<string, string>() } };
    const uploads = {
      bucket: "bucket",
      prefix: "",
      delimiter: "",
      keyMarker: "",
      uploadIdMarker: undefined,
      limit: 10,
    };
    await two.objects.createUpload(request);
    equal((await one.objects.listUploads(uploads)).items.length, 1);
    two.intercept = async (_, forward) => {
      await one.objects.deleteBucket("bucket");
      return forward();
    };
    await rejects(two.objects.createUpload(request), failsWith("BUCKET_MISSING"));
    await rejects(two.objects.listUploads(uploads), failsWith("BUCKET_MISSING"));
  });
});
