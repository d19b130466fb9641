import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { parseXml } from "../../codec/xml/index.ts";
import { utf8 } from "../../std/bytes.ts";
import type { Prng } from "../../std/prng.ts";
import { NoAnswer, type S3Answer, type S3Call } from "../../testing/s3-client.ts";
import type { ServerProcess } from "../../testing/server-process.ts";
import { bodyOf, writeOf } from "./bodies.ts";
import { headerOf, inParallel } from "./calls.ts";
import { listKeys } from "./listings.ts";
import { isUnknown } from "./registers.ts";
import type { RoamingClient } from "./roaming-client.ts";

const KEYS_AN_OWNER = 40;
const PART_BYTES = 5 * 1024 * 1024;
const ATTEMPTS_MAX = 100;

/** The number of the write whose body a key holds. Null: no object. */
type State = number | null;

/**
 * Objects that have one writer each, which waits for each answer, at whichever server. So every read and every listing is
 * known beforehand. A key for which a change got no answer is never changed again, for that change may be carried out at any
 * time later: it holds what it held, and from some moment on perhaps what the change makes of it. Nor is the source of such
 * a copy: whoever carries it out reads the source only then.
 */
export class OwnedKeys {
  acknowledged = 0;
  unknown = 0;
  readonly #bucket: string;
  readonly #bytesMax: number;
  /** What each key holds, or two states where that is not known. */
  readonly #keys = new Map<string, readonly State[]>();
  /** Of copies that got no answer. */
  readonly #sources = new Set<string>();
  #writes = 0;
  #names = 0;

  constructor(bucket: string, bytesMax: number) {
    this.#bucket = bucket;
    this.#bytesMax = bytesMax;
  }

  async work(client: RoamingClient, prng: Prng, owner: string, isOver: () => boolean): Promise<void> {
    const names = Array.from({ length: KEYS_AN_OWNER }, () => this.#newName(owner));
    for (; !isOver(); await sleep(prng.below(20))) {
      const at = prng.below(names.length);
      try {
        await this.#operate(client, prng, owner, names, names[at]!);
      } catch (error) {
        if (!(error instanceof NoAnswer)) throw error;
        this.unknown++;
      }
      for (const [place, name] of names.entries()) {
        if (this.#statesOf(name).length > 1 || this.#sources.has(name)) names[place] = this.#newName(owner);
      }
    }
  }

  get objects(): number {
    return [...this.#keys.values()].filter((states) => states.every((state) => state !== null)).length;
  }

  /** Each key holds what it should, whichever server is asked; the listing of each server shows those that hold an object and no others. */
  async verify(client: RoamingClient, servers: readonly ServerProcess[]): Promise<void> {
    await inParallel(this.#keys.keys(), 8, (key) => this.#read(client, key, true));
    for (const server of servers) await this.#list(client, "", server);
  }

  async #operate(
    client: RoamingClient,
    prng: Prng,
    owner: string,
    names: readonly string[],
    key: string,
  ): Promise<void> {
    const choice = prng.unit();
    if (choice < 0.35) return this.#put(client, key);
    if (choice < 0.6) return this.#read(client, key);
    if (choice < 0.7) return this.#remove(client, key);
    if (choice < 0.85) return this.#copy(client, prng.pick(names), key);
    if (choice < 0.95) return this.#list(client, `${owner}/`);
    // Parts are bytes of volumes, however few.
    if (this.#bytesMax > 4096) return this.#putInParts(client, key);
  }

  #put(client: RoamingClient, key: string): Promise<void> {
    const write = ++this.#writes;
    const body = bodyOf(write, this.#bytesMax);
    return this.#change(key, write, () => this.#done(client, 200, { method: "PUT", target: this.#path(key), body }));
  }

  #remove(client: RoamingClient, key: string): Promise<void> {
    return this.#change(key, null, () => this.#done(client, 204, { method: "DELETE", target: this.#path(key) }));
  }

  async #copy(client: RoamingClient, from: string, to: string): Promise<void> {
    const [state = null, ...others] = this.#statesOf(from);
    if (state === null || others.length > 0 || from === to) return;
    const headers = { "x-amz-copy-source": this.#path(from) };
    const call = { method: "PUT", target: this.#path(to), headers };
    this.#sources.add(from);
    await this.#change(to, state, async () => expectRoot(await this.#done(client, 200, call), "CopyObjectResult"));
    this.#sources.delete(from);
  }

  async #putInParts(client: RoamingClient, key: string): Promise<void> {
    const write = ++this.#writes;
    const body = bodyOf(write, this.#bytesMax);
    const target = this.#path(key);
    const created = await this.#done(client, 200, { method: "POST", target: `${target}?uploads` });
    const id = parseXml(created.body, { bytesMax: 10_000 }).required("UploadId").text();
    let parts = "";
    for (let at = 0, number = 1; at < body.length; at += PART_BYTES, number++) {
      const part = { method: "PUT", target: `${target}?partNumber=${number}&uploadId=${id}` };
      // The same part, so that it does not matter which of them is the last one.
      const sent = await persistently(() =>
        this.#done(client, 200, { ...part, body: body.subarray(at, at + PART_BYTES) }),
      );
      parts += `<Part><PartNumber>${number}</PartNumber><ETag>${headerOf(sent, "etag")}</ETag></Part>`;
    }
    const completion = utf8(`<CompleteMultipartUpload>${parts}</CompleteMultipartUpload>`);
    await this.#change(key, write, async () => {
      const call = { method: "POST", target: `${target}?uploadId=${id}`, body: completion };
      expectRoot(await this.#done(client, 200, call), "CompleteMultipartUploadResult");
    });
  }

  async #read(client: RoamingClient, key: string, untilAnswered = false): Promise<void> {
    const get = async (): Promise<S3Answer> => {
      const answer = await client.call({ method: "GET", target: this.#path(key) });
      if (isUnknown(answer)) throw new NoAnswer(`GET ${key}: ${answer.status}`);
      return answer;
    };
    const { status, body } = await (untilAnswered ? persistently(get) : get());
    assert.ok(status === 200 || status === 404, `GET ${key}: ${status}`);
    const found = status === 404 ? null : writeOf(body, this.#bytesMax);
    const states = this.#statesOf(key);
    assert.ok(states.includes(found), `${key} holds ${found}, expected ${states.join(" or ")}`);
    // What came later never goes away again.
    if (found === states.at(-1)) this.#keys.set(key, [found]);
  }

  async #list(client: RoamingClient, prefix: string, through?: ServerProcess): Promise<void> {
    const caller = { call: (call: S3Call) => this.#done(client, 200, call, through) };
    const listed = await listKeys(caller, this.#bucket, prefix);
    for (const [key, states] of this.#keys) {
      if (!key.startsWith(prefix)) continue;
      const isListed = listed.delete(key);
      const isPossible = states.some((state) => (state !== null) === isListed);
      assert.ok(isPossible, `${key}, which holds ${states.join(" or ")}, is ${isListed ? "" : "not "}listed`);
    }
    assert.deepEqual([...listed], [], "keys that were never written are listed");
  }

  async #change(key: string, state: State, request: () => Promise<unknown>): Promise<void> {
    const [before = null] = this.#statesOf(key);
    this.#keys.set(key, [before, state]);
    await request();
    this.#keys.set(key, [state]);
    this.acknowledged++;
  }

  async #done(client: RoamingClient, status: number, call: S3Call, through?: ServerProcess): Promise<S3Answer> {
    const answer = await client.call(call, through);
    const told = `${call.method} ${call.target}: ${answer.status} ${new TextDecoder().decode(answer.body.subarray(0, 500))}`;
    if (isUnknown(answer)) throw new NoAnswer(told);
    assert.equal(answer.status, status, told);
    return answer;
  }

  #statesOf(key: string): readonly State[] {
    return this.#keys.get(key) ?? [null];
  }

  #newName(owner: string): string {
    return `${owner}/key-${++this.#names}`;
  }

  #path(key: string): string {
    return `/${this.#bucket}/${key}`;
  }
}

/** Of a copy and a completion: an answer that has begun with 200 can still be an error. */
function expectRoot({ body }: S3Answer, root: string): void {
  const { name } = parseXml(body, { bytesMax: 10_000 });
  if (name !== root) throw new NoAnswer(`the answer is ${name}, not ${root}`);
}

/** Of what may be done twice. */
async function persistently<T>(run: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof NoAnswer) || attempt === ATTEMPTS_MAX) throw error;
      await sleep(100);
    }
  }
}
