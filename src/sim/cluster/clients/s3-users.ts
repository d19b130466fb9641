import { text } from "../../../std/bytes.ts";
import { type Client, invariant, type OpenOperation, type SimRun } from "../../kernel/index.ts";
import type { Bodies } from "../bodies.ts";
import type { Answer, Caller } from "../caller.ts";
import type { AcknowledgedObjects } from "../invariants/acknowledged-objects.ts";
import type { DeletedBuckets } from "../invariants/deleted-buckets.ts";
import type { OneWinner } from "../invariants/one-winner.ts";
import type { ClusterKnobs } from "../knobs.ts";
import type { Seat } from "../seat.ts";

export const BUCKET = "objects";
/** Of races for a key that is free. */
const RACE_PREFIX = "once/";
const IF_ABSENT = ["if-none-match", "*"] as const;
/** How many try to win one key. */
const ENTRANTS = 4;
/** Puts into a bucket that somebody tries to delete meanwhile. */
const SCRATCH_PUTS = 3;
const RETRY_MILLIS = 200;

/** What a sound request to a sound server may come to beside success, without a doubt about what it did. */
const REFUSALS: readonly string[] = ["SlowDown", "StorageFull", "OperationAborted", "RequestTimeTooSkewed"];

export interface S3UsersParts {
  readonly run: SimRun<ClusterKnobs>;
  readonly caller: Caller;
  readonly bodies: Bodies;
  readonly objects: AcknowledgedObjects;
  readonly races: OneWinner;
  readonly buckets: DeletedBuckets;
  readonly counts: Record<string, number>;
  /** Any server that is ready. */
  readonly pick: (client: Client) => Seat | undefined;
}

type Ending = "done" | "condition" | "missing" | "refused" | "unknown";

/** Those who speak S3 to the cluster: each makes one request after the other, to whatever server he finds. */
export class S3Users {
  readonly #parts: S3UsersParts;
  readonly #keys: readonly string[];
  #isBucketThere = false;
  #races = 0;
  #entered = ENTRANTS;
  #scratch = 0;
  #scratchPuts = SCRATCH_PUTS;

  constructor(parts: S3UsersParts) {
    this.#parts = parts;
    this.#keys = Array.from({ length: parts.run.knobs.keys }, (_, at) => `key-${at + 1}`);
  }

  begin(): void {
    const { run } = this.#parts;
    for (let left = run.knobs.users; left > 0; left--) run.client((client) => this.#use(client));
  }

  /** Reads all there is, each key from each of these servers. False where one of them did not answer. */
  async readAll(client: Client, seats: readonly Seat[]): Promise<boolean> {
    if (!this.#isBucketThere) return true;
    for (const seat of seats) {
      for (const key of this.#keys) if (!(await this.#read(client, seat, key))) return false;
      if (!(await this.#list(client, seat))) return false;
    }
    return (await this.#readRaces(client, seats)) && (await this.#readScratch(client, seats));
  }

  async #use(client: Client): Promise<void> {
    const { run, pick, counts } = this.#parts;
    for (;;) {
      await client.sleep(run.knobs.thinkMillis * 2 * client.prng.unit());
      if (!run.isFaulty) return;
      const seat = pick(client);
      if (seat === undefined) continue;
      counts["requests"]!++;
      if (this.#isBucketThere) await this.#draw(client, seat);
      else if ((await this.#createBucket(client, seat, BUCKET)) === "done") this.#isBucketThere = true;
    }
  }

  async #draw(client: Client, seat: Seat): Promise<void> {
    const key = client.prng.pick(this.#keys);
    const drawn = client.prng.unit();
    if (drawn < 0.3) await this.#put(client, seat, key);
    else if (drawn < 0.5) await this.#read(client, seat, key);
    else if (drawn < 0.6) await this.#delete(client, seat, key);
    else if (drawn < 0.68) await this.#putIfAbsent(client, seat, key);
    else if (drawn < 0.78) await this.#replace(client, seat, key);
    else if (drawn < 0.84) await this.#list(client, seat);
    else if (drawn < 0.93) await this.#race(client, seat);
    else await this.#useScratch(client, seat);
  }

  async #createBucket(client: Client, seat: Seat, bucket: string): Promise<Ending> {
    const answer = await this.#parts.caller.s3(client, seat, { method: "PUT", target: `/${bucket}` });
    return answer?.code === "BucketAlreadyOwnedByYou" ? "done" : endingOf(answer);
  }

  async #put(client: Client, seat: Seat, key: string): Promise<void> {
    const body = this.#parts.bodies.make(key);
    const operation = this.#parts.objects.write(key, body.id);
    this.#end(operation, await this.#send(client, seat, "PUT", key, [], body.bytes));
  }

  async #putIfAbsent(client: Client, seat: Seat, key: string): Promise<void> {
    const body = this.#parts.bodies.make(key);
    const operation = this.#parts.objects.replace(key, null, body.id);
    this.#end(operation, await this.#send(client, seat, "PUT", key, IF_ABSENT, body.bytes));
  }

  /** Reads and writes again what it has read, unless somebody else was faster. */
  async #replace(client: Client, seat: Seat, key: string): Promise<void> {
    const { caller, bodies, objects, pick } = this.#parts;
    const reading = objects.read(key);
    const found = await caller.s3(client, seat, { method: "GET", target: `/${BUCKET}/${key}` });
    const from = this.#found(key, found);
    if (from === undefined) return reading.fail();
    reading.ok(from);
    if (from === null) return;
    const body = bodies.make(key);
    const operation = objects.replace(key, from, body.id);
    const condition = ["if-match", found!.etag];
    this.#end(operation, await this.#send(client, pick(client) ?? seat, "PUT", key, condition, body.bytes));
  }

  async #delete(client: Client, seat: Seat, key: string): Promise<void> {
    const operation = this.#parts.objects.write(key, null);
    this.#end(operation, await this.#send(client, seat, "DELETE", key));
  }

  async #read(client: Client, seat: Seat, key: string): Promise<boolean> {
    const { caller, objects } = this.#parts;
    const operation = objects.read(key);
    const found = this.#found(key, await caller.s3(client, seat, { method: "GET", target: `/${BUCKET}/${key}` }));
    if (found === undefined) operation.fail();
    else operation.ok(found);
    return found !== undefined;
  }

  /** What a listing says of each key is what a read at that time would. */
  async #list(client: Client, seat: Seat): Promise<boolean> {
    const { caller, objects, bodies } = this.#parts;
    const reads = this.#keys.map((key) => [key, objects.read(key)] as const);
    const answer = await caller.s3(client, seat, { method: "GET", target: `/${BUCKET}?list-type=2&prefix=key-` });
    const isListed = answer !== undefined && answer.status === 200;
    if (!isListed && answer !== undefined) endingOf(answer);
    const lengths = new Map(isListed ? listed(answer.body) : []);
    const strange = [...lengths.keys()].find((key) => !this.#keys.includes(key));
    invariant(strange === undefined, "a listing tells of a key that nobody used", () => String(strange));
    for (const [key, operation] of reads) {
      const length = lengths.get(key);
      if (!isListed) operation.fail();
      else operation.ok(length === undefined ? null : bodies.idOfLength(key, length));
    }
    return isListed;
  }

  async #race(client: Client, seat: Seat): Promise<void> {
    const { bodies, races, counts } = this.#parts;
    if (this.#entered === ENTRANTS) {
      this.#races++;
      this.#entered = 0;
    }
    this.#entered++;
    const key = `${RACE_PREFIX}${this.#races}`;
    const body = bodies.make(key);
    races.enters(key, body.id);
    const ending = await this.#send(client, seat, "PUT", key, IF_ABSENT, body.bytes);
    if (ending === "done") races.wins(key, body.id);
    if (ending === "condition") races.loses(key);
    counts["races"] = this.#races;
  }

  /** A bucket of a few moments: somebody makes it, others put into it while somebody else tries to delete it. */
  async #useScratch(client: Client, seat: Seat): Promise<void> {
    const { buckets, bodies, caller, pick } = this.#parts;
    if (this.#scratchPuts === SCRATCH_PUTS) {
      const made = `scratch-${++this.#scratch}`;
      this.#scratchPuts = 0;
      buckets.begins(made);
      await this.#createBucket(client, seat, made);
      return;
    }
    const bucket = `scratch-${this.#scratch}`;
    const key = `key-${++this.#scratchPuts}`;
    const body = bodies.make(`${bucket}/${key}`);
    const other = pick(client) ?? seat;
    const [put, gone] = await Promise.all([
      caller.s3(client, seat, { method: "PUT", target: `/${bucket}/${key}`, body: body.bytes }),
      caller.s3(client, other, { method: "DELETE", target: `/${bucket}` }),
    ]);
    if (endingOf(put) === "done") buckets.put(bucket, key, body.id);
    if (endingOf(gone) === "done") buckets.deleted(bucket);
  }

  async #readRaces(client: Client, seats: readonly Seat[]): Promise<boolean> {
    const { caller, races } = this.#parts;
    for (const key of races.keys) {
      const seat = client.prng.pick(seats);
      const answer = await caller.s3(client, seat, { method: "GET", target: `/${BUCKET}/${key}` });
      const found = this.#found(key, answer);
      if (found === undefined) return false;
      races.check(key, found);
    }
    return true;
  }

  async #readScratch(client: Client, seats: readonly Seat[]): Promise<boolean> {
    const { caller, buckets } = this.#parts;
    for (const [bucket, { acknowledged }] of buckets.entries) {
      for (const key of acknowledged.keys()) {
        const answer = await caller.s3(client, client.prng.pick(seats), { method: "GET", target: `/${bucket}/${key}` });
        const found = answer?.code === "NoSuchBucket" ? null : this.#found(`${bucket}/${key}`, answer);
        if (found === undefined) return false;
        buckets.check(bucket, key, found);
      }
    }
    return true;
  }

  async #send(
    client: Client,
    seat: Seat,
    method: string,
    key: string,
    headers: readonly string[] = [],
    body?: Uint8Array,
  ): Promise<Ending> {
    const call = { method, target: `/${BUCKET}/${key}`, headers, ...(body !== undefined && { body }) };
    const answer = await this.#parts.caller.s3(client, seat, call);
    const ending = endingOf(answer);
    invariant(ending !== "missing", "an acknowledged bucket is gone", () => `${method} ${key}: ${answer?.code}`);
    client.trace("s3", `${method} ${key} at ${seat.name}: ${answer === undefined ? "no answer" : answer.status}`);
    if (ending === "unknown") this.#parts.counts["unknown"]!++;
    return ending;
  }

  /** What a read came to: `null` where there is nothing, undefined where that is not known. */
  #found(key: string, answer: Answer | undefined): string | null | undefined {
    if (answer?.status === 200) return this.#parts.bodies.idOf(key, answer.body);
    if (answer?.code === "NoSuchKey") return null;
    invariant(endingOf(answer) !== "missing", "an acknowledged bucket is gone", () => key);
    return undefined;
  }

  #end(operation: OpenOperation, ending: Ending): void {
    if (ending === "done") operation.ok();
    else if (ending === "condition") operation.fail();
    else if (ending === "refused") operation.fail("refused");
    else operation.unknown();
  }
}

/** Waits for what has to come in the end. */
export async function until(client: Client, isDone: () => Promise<boolean>): Promise<void> {
  while (!(await isDone())) await client.sleep(RETRY_MILLIS);
}

function endingOf(answer: Answer | undefined): Ending {
  if (answer === undefined || answer.status === 503) return answer?.code === "SlowDown" ? "refused" : "unknown";
  if (answer.status < 300) return "done";
  // What `If-Match` names may be gone altogether.
  if (answer.status === 412 || answer.code === "NoSuchKey") return "condition";
  if (answer.status === 404) return "missing";
  const isRefusal = REFUSALS.includes(answer.code) || answer.code === "BucketNotEmpty";
  invariant(isRefusal, "a server refuses a sound request", () => `${answer.status} ${text(answer.body)}`);
  return "refused";
}

function listed(body: Uint8Array): [key: string, length: number][] {
  const entries = text(body).matchAll(/<Contents><Key>([^<]*)<\/Key>.*?<Size>(\d+)<\/Size>/gs);
  return [...entries].map(([, key, size]) => [key!, Number(size)]);
}
