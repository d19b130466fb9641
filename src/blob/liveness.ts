// Who names a needle: rows of its owner, and rows of the holders that its share rows tell of.
//
//   commit of a copy:    checks  source row as it was read, dead mark of each needle absent
//                        puts    share rows (under the owner), the row that names the needles (under the holder)
//   later commits under the holder that name the needle again check the mark; unless they check a row of the holder that
//   names it now (a version that moves), they put the share row once more (a completed upload)
//   commit that deletes or overwrites such a row:   drop rows (under the holder), nothing else
//   collector:           pending mark; asks owner and holders; deletes share rows of holders that name nothing any more,
//                        while its mark stands; then spares or condemns
//
// Why nothing that is named is lost: a holder's row is never there without its share row. They come in one commit, and a
// share row goes only while a pending mark stands which was set before the holder was asked: no commit can have named
// the needle since. A stale share row costs a question, never bytes, so nobody needs to know which row was the last.
//
// Today all rows are of one group and a copy is one commit. Where owner and holder live in different groups, the share
// row comes first, in a commit of the owner's group with the checks above, in a state that counts as live. The holder's
// row follows, checking that the owner's group has fenced nothing off. The share row is then settled; one that is not
// after a grace is fenced off at the holder, asked about, and removed. Its value has a version byte for that state.

import { toHex } from "../std/bytes.ts";
import { type Row, type RowKey, type Store, TABLES } from "../store/index.ts";
import type { References } from "./blobs.ts";
import { holderOfShare, type NeedleName, sharesOf } from "./needle-rows.ts";
import type { BlobBugs } from "./seeded-bugs.ts";

const PAGE_SHARES = 32;

/** A needle and the owner in its header. */
export interface OwnedNeedle {
  readonly owner: Uint8Array;
  readonly name: NeedleName;
}

export interface LivenessContext {
  readonly store: Store;
  readonly references: References;
  readonly bugs: BlobBugs;
}

/** Told of share rows whose holder names nothing any more. */
export type OnStale<T> = (needle: T, shares: readonly Row[]) => Promise<void>;

export class Liveness {
  readonly #context: LivenessContext;

  constructor(context: LivenessContext) {
    this.#context = context;
  }

  /** For each needle, whether a row names it. Needles of one key are asked about together. */
  async ask<T extends OwnedNeedle>(needles: readonly T[], onStale?: OnStale<T>): Promise<readonly boolean[]> {
    const questions = needles.map((needle) => new Question(this.#context.store, needle));
    await this.#askKeys(questions.map((question) => ({ question, key: question.needle.owner })));
    if (this.#context.bugs.has("ignore-shares")) return questions.map(({ isLive }) => isLive);
    let open = questions.filter(({ isLive }) => !isLive);
    while (open.length > 0) {
      const asked = [];
      for (const question of open) {
        const share = await question.nextShare();
        if (share !== undefined) asked.push({ question, share, key: holderOfShare(share) });
      }
      await this.#askKeys(asked);
      if (onStale !== undefined) {
        for (const { question, share } of asked) await this.#noteStale(question, share, onStale);
      }
      open = asked.map(({ question }) => question).filter(({ isLive }) => !isLive);
    }
    if (onStale !== undefined) for (const question of questions) await question.tellStale(onStale);
    return questions.map(({ isLive }) => isLive);
  }

  async #noteStale<T extends OwnedNeedle>(question: Question<T>, share: Row, onStale: OnStale<T>): Promise<void> {
    if (question.isLive && !this.#context.bugs.has("forget-live-shares")) return;
    question.stale.push(share);
    if (question.stale.length >= PAGE_SHARES) await question.tellStale(onStale);
  }

  async #askKeys(
    asked: readonly { readonly question: Question<OwnedNeedle>; readonly key: Uint8Array }[],
  ): Promise<void> {
    const groups = Map.groupBy(asked, ({ key }) => toHex(key));
    await Promise.all(
      [...groups.values()].map(async (group) => {
        const names = group.map(({ question }) => question.needle.name);
        const answers = await this.#context.references.named(group[0]!.key, names);
        for (const [at, { question }] of group.entries()) if (answers[at]) question.isLive = true;
      }),
    );
  }
}

/** One needle, and how far its share rows are read. */
class Question<T extends OwnedNeedle> {
  readonly needle: T;
  isLive = false;
  stale: Row[] = [];
  readonly #store: Store;
  readonly #to: RowKey;
  #start: { readonly from: RowKey } | { readonly after: RowKey } | undefined;
  #page: Row[] = [];

  constructor(store: Store, needle: T) {
    const { from, to } = sharesOf(needle.owner, needle.name);
    this.needle = needle;
    this.#store = store;
    this.#start = { from };
    this.#to = to;
  }

  async nextShare(): Promise<Row | undefined> {
    if (this.#page.length === 0 && this.#start !== undefined) {
      const range = { ...this.#start, to: this.#to };
      const { rows, more } = await this.#store.scan(TABLES.share, range, { limit: PAGE_SHARES });
      this.#page = [...rows];
      const last = rows.at(-1);
      this.#start = more && last !== undefined ? { after: last } : undefined;
    }
    return this.#page.shift();
  }

  async tellStale(onStale: OnStale<T>): Promise<void> {
    const shares = this.stale.splice(0);
    if (shares.length > 0) await onStale(this.needle, shares);
  }
}
