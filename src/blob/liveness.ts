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

import { equalBytes, toHex } from "../std/bytes.ts";
import { type Row, type RowAddress, type RowKey, type Store, TABLES } from "../store/index.ts";
import type { References } from "./blobs.ts";
import { holderOfShare, type NeedleName, shareAddress, sharesOf } from "./needle-rows.ts";
import type { BlobBugs } from "./seeded-bugs.ts";

const PAGE_SHARES = 32;

/** A needle and the owner in its header. */
export interface OwnedNeedle {
  readonly owner: Uint8Array;
  readonly name: NeedleName;
  /** Under the key whose row let go of it last, where that is why it is asked about. */
  readonly drop?: RowKey;
}

export interface LivenessContext {
  readonly store: Store;
  readonly references: References;
  readonly bugs: BlobBugs;
}

/** Told of share rows whose holder names nothing any more. */
export type OnStale<T> = (needle: T, shares: readonly RowAddress[]) => Promise<void>;

interface Asked<T extends OwnedNeedle> {
  readonly question: Question<T>;
  readonly key: Uint8Array;
}

export class Liveness {
  readonly #context: LivenessContext;

  constructor(context: LivenessContext) {
    this.#context = context;
  }

  /**
   * For each needle, whether a row names it. Needles of one key are asked about together, and holders only until one of
   * them answers: what is stale behind it is found when its own turn comes.
   */
  async ask<T extends OwnedNeedle>(needles: readonly T[], onStale?: OnStale<T>): Promise<readonly boolean[]> {
    const questions = needles.map((needle) => new Question(this.#context.store, needle));
    await this.#askAll(questions.map((question) => ({ question, key: question.needle.owner })));
    if (this.#context.bugs.has("ignore-shares")) return questions.map(({ isLive }) => isLive);
    if (onStale !== undefined) await this.#askDroppers(questions, onStale);
    let open = questions.filter(({ isLive }) => !isLive);
    while (open.length > 0) {
      const asked: (Asked<T> & { readonly share: Row })[] = [];
      for (const question of open) {
        const share = await question.nextShare();
        if (share !== undefined) asked.push({ question, share, key: holderOfShare(share) });
      }
      const named = await this.#askAll(asked);
      for (const [at, { question, share }] of asked.entries()) {
        if (onStale !== undefined && this.#isStale(named[at]!)) await question.addStale(share, onStale);
      }
      open = asked.map(({ question }) => question).filter(({ isLive }) => !isLive);
    }
    if (onStale !== undefined) for (const question of questions) await question.tellStale(onStale);
    return questions.map(({ isLive }) => isLive);
  }

  /** Copies come and go while the owner's row stays: the share row of one that let go ends now. */
  async #askDroppers<T extends OwnedNeedle>(questions: readonly Question<T>[], onStale: OnStale<T>): Promise<void> {
    const asked = questions.flatMap((question): Asked<T>[] => {
      const { drop, owner } = question.needle;
      return drop === undefined || equalBytes(drop.key, owner) ? [] : [{ question, key: drop.key }];
    });
    const named = await this.#askAll(asked);
    for (const [at, { question, key }] of asked.entries()) {
      const { owner, name } = question.needle;
      if (this.#isStale(named[at]!)) await onStale(question.needle, [shareAddress(owner, name, key)]);
    }
  }

  #isStale(isNamed: boolean): boolean {
    return !isNamed || this.#context.bugs.has("forget-live-shares");
  }

  /** Answers in the order of the questions; a needle that is named is live. */
  async #askAll<T extends OwnedNeedle>(asked: readonly Asked<T>[]): Promise<readonly boolean[]> {
    const answers: boolean[] = asked.map(() => false);
    const groups = Map.groupBy(asked.keys(), (at) => toHex(asked[at]!.key));
    await Promise.all(
      [...groups.values()].map(async (places) => {
        const names = places.map((at) => asked[at]!.question.needle.name);
        const named = await this.#context.references.named(asked[places[0]!]!.key, names);
        for (const [place, at] of places.entries()) {
          answers[at] = named[place]!;
          if (answers[at]) asked[at]!.question.isLive = true;
        }
      }),
    );
    return answers;
  }
}

/** One needle, and how far its share rows are read. */
class Question<T extends OwnedNeedle> {
  readonly needle: T;
  isLive = false;
  #stale: Row[] = [];
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

  async addStale(share: Row, onStale: OnStale<T>): Promise<void> {
    this.#stale.push(share);
    if (this.#stale.length >= PAGE_SHARES) await this.tellStale(onStale);
  }

  async tellStale(onStale: OnStale<T>): Promise<void> {
    const shares = this.#stale;
    this.#stale = [];
    if (shares.length > 0) await onStale(this.needle, shares);
  }
}
