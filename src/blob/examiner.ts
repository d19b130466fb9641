import type { Clock } from "../env/index.ts";
import type { Check, Commit, Put, Row, RowAddress } from "../store/index.ts";
import { type CertainCommit, commitCertainly } from "./certain-commit.ts";
import type { BlobCounters } from "./events.ts";
import type { Liveness } from "./liveness.ts";
import { deadAddress, decodeMark, encodeMark, type Mark, type NeedleName } from "./needle-rows.ts";
import type { Registry } from "./registry.ts";
import type { BlobBugs } from "./seeded-bugs.ts";

/** Needles that are examined together: their rows fit into one commit. */
export const EXAMINED_MAX = 32;

/** A needle that may be garbage. The owner is the one in its header, whoever proposed it. */
export interface Candidate {
  readonly owner: Uint8Array;
  readonly name: NeedleName;
  readonly slotBytes: number;
  /** The row that proposed it; it goes with the verdict. */
  readonly drop?: Row;
}

export interface MarkedCandidate extends Candidate {
  readonly markRevision: number;
}

export interface ExaminerContext extends CertainCommit {
  readonly clock: Clock;
  readonly liveness: Liveness;
  readonly registry: Registry;
  readonly counters: BlobCounters;
  /** Random, drawn at start. */
  readonly run: number;
  readonly bugs: BlobBugs;
}

/**
 * Finds out whether needles are garbage, without a gap for a reference to slip through. First a mark is committed;
 * every commit that names the needle checks that there is none. Only then the rows are asked: a reference is there
 * already and is seen, or its commit meets the mark and fails. A live needle's mark goes; a garbage needle's mark
 * stays until its bytes are long gone.
 */
export class Examiner {
  readonly #context: ExaminerContext;
  #sequence = 0;
  /** The examination that runs; they come one behind the other. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(context: ExaminerContext) {
    this.#context = context;
  }

  /** Of the next mark. */
  get sequence(): number {
    return this.#sequence;
  }

  /** Resolves when no examination runs that began before this call. */
  async idle(): Promise<void> {
    await this.#turn;
  }

  /**
   * At most EXAMINED_MAX. Needles of volumes that are held are left for later. Returns those that are garbage now, or
   * were before. After a rejection marks may be pending.
   */
  examine(candidates: readonly Candidate[]): Promise<readonly Candidate[]> {
    return this.#inTurn(async () => {
      const { bugs } = this.#context;
      const free = distinct(candidates).filter((candidate) => this.#isFree(candidate));
      const early = bugs.has("ask-before-mark") ? await this.#askEarly(free) : undefined;
      const garbage: Candidate[] = [];
      const marked = await this.#mark(free, garbage);
      garbage.push(...(await this.#judge(marked, early ?? (await this.#ask(marked)))));
      return garbage;
    });
  }

  /** Asks again about needles whose marks were left pending. At most EXAMINED_MAX. */
  reexamine(marks: readonly MarkedCandidate[]): Promise<readonly Candidate[]> {
    return this.#inTurn(async () => {
      const free = marks.filter((candidate) => this.#isFree(candidate));
      return this.#judge(free, await this.#ask(free));
    });
  }

  #inTurn<T>(run: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(run);
    this.#turn = turn.catch(() => {});
    return turn;
  }

  #isFree({ name }: Candidate): boolean {
    return this.#context.registry.get(name.volume)?.held === false;
  }

  /**
   * All marks in one commit, or one by one where one of them can not be set. What is garbage already goes to the list.
   */
  async #mark(candidates: readonly Candidate[], garbage: Candidate[]): Promise<MarkedCandidate[]> {
    if (candidates.length === 0) return [];
    const revision = await this.#commitMarks(candidates);
    if (revision !== undefined) return candidates.map((candidate) => ({ ...candidate, markRevision: revision }));
    const marked: MarkedCandidate[] = [];
    for (const candidate of candidates) {
      const own = await this.#commitMarks([candidate]);
      const markRevision = own ?? (await this.#earlierMark(candidate, garbage));
      if (markRevision !== undefined) marked.push({ ...candidate, markRevision });
    }
    return marked;
  }

  #commitMarks(candidates: readonly Candidate[]): Promise<number | undefined> {
    const checks: Check[] = candidates.map(({ owner, name }) => ({ ...deadAddress(owner, name), absent: true }));
    const puts: Put[] = candidates.map((candidate) => this.#markPut(candidate, "pending"));
    return commitCertainly(this.#context, { checks, puts }, { address: puts[0]!, value: puts[0]!.value });
  }

  /** The revision of a pending mark that is there already. A drop row of what is garbage already goes at once. */
  async #earlierMark(candidate: Candidate, garbage: Candidate[]): Promise<number | undefined> {
    const { store } = this.#context;
    const { owner, name, drop } = candidate;
    const { row } = await store.get(deadAddress(owner, name));
    if (row === undefined) return undefined;
    if (decodeMark(row.value).state === "pending") return row.revision;
    garbage.push(candidate);
    if (drop !== undefined) {
      await commitCertainly(this.#context, { checks: [unchanged(drop)], deletes: [drop] }, { address: drop });
    }
    return undefined;
  }

  /** Needles that a row names, by `nameOf`. */
  async #ask(marked: readonly MarkedCandidate[]): Promise<ReadonlySet<string>> {
    const { liveness, bugs } = this.#context;
    if (bugs.has("delete-without-asking")) return new Set();
    return namesOf(marked, await liveness.ask(marked, (candidate, shares) => this.#forgetShares(candidate, shares)));
  }

  async #askEarly(candidates: readonly Candidate[]): Promise<ReadonlySet<string>> {
    return namesOf(candidates, await this.#context.liveness.ask(candidates));
  }

  /** While the mark stands nobody can come to need these rows. */
  async #forgetShares({ owner, name, markRevision }: MarkedCandidate, shares: readonly RowAddress[]): Promise<void> {
    const checks: Check[] = [{ ...deadAddress(owner, name), revision: markRevision }];
    await commitCertainly(this.#context, { checks, deletes: shares }, { address: shares[0]! });
  }

  async #judge(marked: readonly MarkedCandidate[], live: ReadonlySet<string>): Promise<readonly Candidate[]> {
    await this.#spare(marked.filter((candidate) => live.has(nameOf(candidate))));
    return this.#condemn(marked.filter((candidate) => !live.has(nameOf(candidate))));
  }

  async #spare(marked: readonly MarkedCandidate[]): Promise<void> {
    const { counters } = this.#context;
    for (const candidate of marked) {
      const mark = deadAddress(candidate.owner, candidate.name);
      const checks: Check[] = [{ ...mark, revision: candidate.markRevision }];
      const proof = { address: mark };
      const { drop } = candidate;
      counters.sparedNeedles++;
      if (drop !== undefined) {
        const commit = { checks: [...checks, unchanged(drop)], deletes: [mark, drop] };
        if ((await commitCertainly(this.#context, commit, proof)) !== undefined) continue;
      }
      // The row was let go of again meanwhile: only the mark goes, and the new drop row proposes the needle again.
      await commitCertainly(this.#context, { checks, deletes: [mark] }, proof);
    }
  }

  async #condemn(marked: readonly MarkedCandidate[]): Promise<readonly Candidate[]> {
    if (marked.length === 0 || (await this.#commitVerdicts(marked, true))) return marked;
    const condemned: Candidate[] = [];
    for (const candidate of marked) {
      const isDone =
        (await this.#commitVerdicts([candidate], true)) || (await this.#commitVerdicts([candidate], false));
      if (isDone) condemned.push(candidate);
    }
    return condemned;
  }

  async #commitVerdicts(marked: readonly MarkedCandidate[], withDrops: boolean): Promise<boolean> {
    const { counters, registry } = this.#context;
    const drops = withDrops ? marked.flatMap(({ drop }) => drop ?? []) : [];
    const puts = marked.map((candidate) => this.#markPut(candidate, "garbage"));
    const checks: Check[] = marked.map(({ owner, name, markRevision }) => {
      return { ...deadAddress(owner, name), revision: markRevision };
    });
    const commit: Commit = { checks: [...checks, ...drops.map(unchanged)], puts, deletes: drops };
    const proof = { address: puts[0]!, value: puts[0]!.value };
    if ((await commitCertainly(this.#context, commit, proof)) === undefined) return false;
    for (const { name, slotBytes, drop } of marked) {
      registry.get(name.volume)!.garbageBytes += slotBytes;
      counters.garbageBytes += slotBytes;
      if (drop === undefined) counters.orphanedNeedles++;
      else counters.droppedNeedles++;
    }
    return true;
  }

  #markPut({ owner, name, slotBytes }: Candidate, state: Mark["state"]): Put {
    const { run, clock } = this.#context;
    const timeMillis = Math.max(0, Math.floor(clock.now()));
    const mark: Mark = { state, run, sequence: this.#sequence++, slotBytes, timeMillis };
    return { ...deadAddress(owner, name), value: encodeMark(mark) };
  }
}

function unchanged(row: Row): Check {
  const address: RowAddress = { table: row.table, key: row.key, suffix: row.suffix };
  return { ...address, revision: row.revision };
}

function nameOf({ name }: Candidate): string {
  return `${name.volume}:${name.needle}`;
}

function namesOf(candidates: readonly Candidate[], live: readonly boolean[]): ReadonlySet<string> {
  return new Set(candidates.filter((_, at) => live[at]).map(nameOf));
}

/** One of each needle: a commit writes a row once. */
function distinct(candidates: readonly Candidate[]): Candidate[] {
  const byName = new Map<string, Candidate>();
  for (const candidate of candidates) {
    if (!byName.has(nameOf(candidate))) byName.set(nameOf(candidate), candidate);
  }
  return [...byName.values()];
}
