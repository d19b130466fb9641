import assert from "node:assert/strict";
import { sha256 } from "../../env/crypto.ts";
import { toHex } from "../../std/bytes.ts";
import type { S3Answer, S3Call, S3TestClient } from "../../testing/s3-client.ts";

/** The answer, which has that status. Rejects where the server went away. */
export async function expectStatus(client: S3TestClient, status: number, call: S3Call): Promise<S3Answer> {
  const answer = await client.call(call);
  assert.equal(answer.status, status, `${call.method} ${call.target}: ${new TextDecoder().decode(answer.body)}`);
  return answer;
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
