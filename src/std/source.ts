import { concatBytes, EMPTY } from "./bytes.ts";

/**
 * A stream of bytes that its consumer pulls. One reader at a time; a chunk belongs to the reader until it asks for the next one
 * (the source may reuse the memory then). Simpler than a web stream and several times cheaper for a body of one chunk.
 */
export interface ByteSource {
  /** The next chunk (never empty), or null at the end. Rejects if the bytes break off. */
  read(): Promise<Uint8Array | null>;
  /** Says that no more will be read. Safe to call twice and after the end. */
  cancel(reason?: unknown): void;
}

export function sourceOf(...chunks: readonly Uint8Array[]): ByteSource {
  let at = 0;
  return {
    async read() {
      while (at < chunks.length) {
        const chunk = chunks[at++]!;
        if (chunk.length > 0) return chunk;
      }
      return null;
    },
    cancel() {
      at = chunks.length;
    },
  };
}

export function sourceFrom(chunks: AsyncIterable<Uint8Array>): ByteSource {
  const iterator = chunks[Symbol.asyncIterator]();
  return {
    async read() {
      for (;;) {
        const next = await iterator.next();
        if (next.done) return null;
        if (next.value.length > 0) return next.value;
      }
    },
    cancel() {
      iterator.return?.()?.then(
        () => {},
        () => {},
      );
    },
  };
}

/** The source with its first chunk read. Rejects where that does; the source is cancelled then. */
export async function begun(source: ByteSource): Promise<ByteSource> {
  let first: Uint8Array | null | undefined;
  try {
    first = await source.read();
  } catch (error) {
    source.cancel(error);
    throw error;
  }
  return {
    async read() {
      if (first === undefined) return source.read();
      const chunk = first;
      first = undefined;
      return chunk;
    },
    cancel(reason) {
      first = undefined;
      source.cancel(reason);
    },
  };
}

/**
 * What `next` makes of another source's bytes. Its first failure cancels that source, and is what every further read
 * rejects with.
 */
export function sourceThrough(source: ByteSource, next: () => Promise<Uint8Array | null>): ByteSource {
  let failure: { readonly error: unknown } | undefined;
  return {
    async read() {
      if (failure !== undefined) throw failure.error;
      try {
        return await next();
      } catch (error) {
        failure = { error };
        source.cancel(error);
        throw error;
      }
    },
    cancel(reason) {
      source.cancel(reason);
    },
  };
}

/** Collects a source into one array, or returns undefined (and cancels it) once it is longer than `bytesMax`. */
export async function collect(source: ByteSource, bytesMax: number): Promise<Uint8Array | undefined> {
  const first = await source.read();
  if (first === null) return EMPTY;
  const chunks = [first.slice()];
  let length = first.length;
  while (length <= bytesMax) {
    const chunk = await source.read();
    if (chunk === null) return chunks.length === 1 ? chunks[0] : concatBytes(chunks);
    chunks.push(chunk.slice());
    length += chunk.length;
  }
  source.cancel();
  return undefined;
}

export async function* chunksOf(source: ByteSource): AsyncGenerator<Uint8Array, void, void> {
  let ended = false;
  try {
    for (;;) {
      const chunk = await source.read();
      if (chunk === null) {
        ended = true;
        return;
      }
      yield chunk;
    }
  } finally {
    if (!ended) source.cancel();
  }
}
