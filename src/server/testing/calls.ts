import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { sha256 } from "../../env/crypto.ts";
import { toHex } from "../../std/bytes.ts";
import type { S3Answer, S3Call } from "../../testing/s3-client.ts";

const CREATE_ATTEMPTS_MAX = 100;
const CREATE_AGAIN_MILLIS = 200;

/** An S3TestClient, or whatever else answers calls. */
export interface S3Caller {
  call(call: S3Call): Promise<S3Answer>;
}

/** The answer, which has that status. Rejects where the server went away. */
export async function expectStatus(client: S3Caller, status: number, call: S3Call): Promise<S3Answer> {
  const answer = await client.call(call);
  assert.equal(answer.status, status, `${call.method} ${call.target}: ${new TextDecoder().decode(answer.body)}`);
  return answer;
}

/** Tries again while a young cluster has no leader; the bucket may be there already where an answer was lost. */
export async function createBucket(client: S3Caller, bucket: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const answer = await client.call({ method: "PUT", target: `/${bucket}` });
    if (answer.status === 200 || (attempt > 1 && answer.status === 409)) return;
    const told = `PUT /${bucket}: ${answer.status} ${new TextDecoder().decode(answer.body)}`;
    assert.ok(answer.status === 503 && attempt < CREATE_ATTEMPTS_MAX, told);
    await sleep(CREATE_AGAIN_MILLIS);
  }
}

export function headerOf(answer: S3Answer, name: string): string {
  const value = answer.headers[name];
  assert.ok(typeof value === "string", `the answer has no ${name}`);
  return value;
}

export function hashOf(...pieces: readonly Uint8Array[]): string {
  return toHex(sha256(...pieces));
}

export async function inParallel<T>(items: Iterable<T>, width: number, run: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items];
  const lane = async (): Promise<void> => {
    for (let item = waiting.pop(); item !== undefined; item = waiting.pop()) await run(item);
  };
  await Promise.all(Array.from({ length: width }, lane));
}
