// What a program sees of the ids service. Numbers of tags and ids are bigints, as in `ashlar/ids`: most have more digits than
// JavaScript's numbers keep.

import type { IdLayout, IdReading } from "../core/id/index.ts";
import type { CallOptions } from "./call-options.ts";

/** Ids that nobody makes twice: numbers that tags count, and ids that generators make of the time. */
export interface Ids {
  readonly tags: Tags;
  readonly generators: Generators;
  /**
   * The next number of a tag. Calls are gathered: those of one turn, and those that are made while a request is under way,
   * share one request, in their order. A number that comes for a call that was given up is lost, never handed out again.
   */
  next(tag: string, options?: CallOptions): Promise<bigint>;
  /** So many numbers of a tag, 1 to 100,000, ascending. */
  nextMany(tag: string, count: number, options?: CallOptions): Promise<bigint[]>;
  /** An id of a generator, which is a known layout as `twitter`, or one that was defined. Calls are gathered as for `next`. */
  make(generator: string, options?: CallOptions): Promise<bigint>;
  /** So many ids of a generator, 1 to 100,000, ascending. */
  makeMany(generator: string, count: number, options?: CallOptions): Promise<bigint[]>;
  /** What an id may be, the likeliest first, in the known layouts and those that were defined. Takes text in any form. */
  explain(id: bigint | string, options?: CallOptions): Promise<readonly IdReading[]>;
}

/** What changes something is sent once: where its reply is lost it rejects with OUTCOME_UNKNOWN. */
export interface Tags {
  /** By name, read page by page. */
  list(options?: CallOptions): AsyncGenerator<TagInfo, void, void>;
  /** Undefined where there is no such tag. */
  get(tag: string, options?: CallOptions): Promise<TagInfo | undefined>;
  /** Rejects with TAG_EXISTS. Under the name of a tag that was removed it goes on behind that one. */
  create(tag: string, create?: CreateTag, options?: CallOptions): Promise<TagInfo>;
  /** It takes effect with each node's next block. */
  update(tag: string, update: UpdateTag, options?: CallOptions): Promise<TagInfo>;
  /** Rejects with TAG_MISSING. */
  remove(tag: string, options?: CallOptions): Promise<void>;
}

/** `node`: numbers rise on each node. `global`: over all nodes, at the cost of a commit a request. */
export type TagOrder = "node" | "global";

export interface TagInfo {
  readonly name: string;
  readonly order: TagOrder;
  /** The least size of the blocks that a node fetches. */
  readonly step: number;
  /** The least number that no node has fetched. */
  readonly nextNumber: bigint;
  readonly description: string;
  readonly updatedMillis: number;
}

export interface CreateTag {
  /** `node` where left out. */
  readonly order?: TagOrder | undefined;
  /** 1,000 where left out. */
  readonly step?: number | undefined;
  /** 1 where left out, or what comes behind all numbers that the name had before. */
  readonly first?: bigint | undefined;
  readonly description?: string | undefined;
}

export interface UpdateTag {
  readonly step?: number | undefined;
  /** Goes on from there, never back. */
  readonly first?: bigint | undefined;
  readonly description?: string | undefined;
}

/** What changes something is sent once: where its reply is lost it rejects with OUTCOME_UNKNOWN. */
export interface Generators {
  /** The known layouts, then those that were defined, by name. */
  list(options?: CallOptions): AsyncGenerator<GeneratorInfo, void, void>;
  /** Rejects with GENERATOR_EXISTS. A name never changes its layout, not even when it was removed meanwhile. */
  define(generator: string, define: DefineGenerator, options?: CallOptions): Promise<GeneratorInfo>;
  /** Rejects with GENERATOR_MISSING. */
  remove(generator: string, options?: CallOptions): Promise<void>;
}

type LayoutFields = Pick<IdLayout, "epochMillis" | "unitMillis" | "timeBits" | "workerBits" | "sequenceBits" | "order">;

/** `defineLayout` of `ashlar/ids` takes it as it is, to decode its ids. */
export interface GeneratorInfo extends LayoutFields {
  readonly name: string;
  /** A known layout, under its own name. */
  readonly isBuiltIn: boolean;
  /** Its worker numbers are used from this one on, */
  readonly workerFirst: number;
  /** and so many. */
  readonly workers: number;
  /** How far ahead a node reserves time. */
  readonly windowMillis: number;
  readonly description: string;
}

/** A known layout with what is changed of it, or bits of one's own. */
export interface DefineGenerator extends Partial<LayoutFields> {
  readonly layout?: string | undefined;
  readonly workerFirst?: number | undefined;
  readonly workers?: number | undefined;
  readonly windowMillis?: number | undefined;
  readonly description?: string | undefined;
}
