import type { Blobs } from "../../../blob/index.ts";
import type { Timers } from "../../../env/index.ts";
import { type Commit, type Store, TABLES } from "../../../store/index.ts";

/**
 * Mistakes that a service could make with shared needles, made for it between it and what lies beneath. Leaving out the
 * checks of marks is none of them: on one node every copy checks the row that it copies as well, and no commit comes late.
 */
export type Mistake = "no-share-rows" | "share-rows-later" | "share-rows-end-with-the-copy";

interface Wrapped {
  readonly blobs?: (blobs: Blobs) => Blobs;
  readonly store?: (store: Store, timers: Timers) => Store;
}

const COPIES: readonly number[] = [TABLES.object, TABLES.part, TABLES.manifest];

export const MISTAKES: Readonly<Record<Mistake, Wrapped>> = {
  "no-share-rows": { blobs: (blobs) => replacing(blobs, { shareRows: () => [] }) },
  /** The copy's row first; its share rows follow in a commit of their own. */
  "share-rows-later": {
    store: (store, timers) =>
      replacing(store, {
        commit: async (commit) => {
          const shares = (commit.puts ?? []).filter(({ table }) => table === TABLES.share);
          if (shares.length === 0) return store.commit(commit);
          const puts = commit.puts!.filter(({ table }) => table !== TABLES.share);
          const result = await store.commit({ ...commit, puts });
          if (result.committed) timers.after(2000, () => void store.commit({ puts: shares }).catch(() => {}));
          return result;
        },
      }),
  },
  /** Whoever removes one row that names a needle takes the share row along, though others under the key may name it. */
  "share-rows-end-with-the-copy": {
    store: (store) =>
      replacing(store, {
        commit: async (commit) => {
          const deletes = [...(commit.deletes ?? []), ...(await sharesDropped(store, commit))];
          return store.commit({ ...commit, deletes: deletes.slice(0, 100 - (commit.puts?.length ?? 0)) });
        },
      }),
  },
};

/** Share rows of the needles that a commit lets go of. */
async function sharesDropped(store: Store, { puts = [] }: Commit) {
  if (!puts.some(({ table }) => COPIES.includes(table) || table === TABLES.drop)) return [];
  const { rows } = await store.scan(TABLES.share, {}, { limit: 1000 });
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
  const put = new Set(puts.filter(({ table }) => table === TABLES.share).map((row) => hex(row.key) + hex(row.suffix!)));
  const dropped = new Set(
    puts.filter(({ table }) => table === TABLES.drop).map(({ key, suffix }) => hex(suffix!) + hex(key)),
  );
  return rows.filter((row) => dropped.has(hex(row.suffix)) && !put.has(hex(row.key) + hex(row.suffix)));
}

/** A class with private fields does not survive being spread. */
function replacing<T extends object>(target: T, replaced: Partial<T>): T {
  return new Proxy(target, {
    get(_, name) {
      if (name in replaced) return Reflect.get(replaced, name);
      const value = Reflect.get(target, name) as unknown;
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
