import {
  type Configuration,
  configurationOf,
  decodeConfiguration,
  encodeConfiguration,
} from "../../core/raft/index.ts";
import type { MembershipMark } from "../../log/index.ts";
import { ByteReader } from "../../std/reader.ts";
import { ByteWriter } from "../../std/writer.ts";

/**
 * All founders of a group begin with an empty machine at this index, as if there had been a snapshot of it: so
 * whoever joins later can not follow the log from its beginning, and takes a snapshot instead, which also tells it
 * who the members are.
 */
export const FOUNDING_INDEX = 2;
export const FOUNDING_TERM = 1;

/** Who a group's members are as of an index, as the log keeps it. */
export interface Members {
  readonly index: number;
  /** FOUNDING_INDEX, or 0 in a group of one from before there were larger groups: its log begins at index 1. */
  readonly foundedAt: number;
  readonly configuration: Configuration;
}

export function encodeMembers({ foundedAt, configuration }: Members): Uint8Array {
  return new ByteWriter(64).varint(foundedAt).blob(encodeConfiguration(configuration)).finish();
}

export function decodeMembers({ index, bytes }: MembershipMark): Members {
  const reader = new ByteReader(bytes);
  return { index, foundedAt: reader.varint(), configuration: decodeConfiguration(reader.blob()) };
}

/** Of a log that says nothing about its members: a group of one from before there were larger ones. */
export function soleMember(nodeId: number): Members {
  return { index: 0, foundedAt: 0, configuration: configurationOf({ voters: [nodeId] }) };
}

/** Whether this node decides alone. */
export function isSole({ configuration }: Pick<Members, "configuration">, nodeId: number): boolean {
  const { voters, votersOutgoing, witnesses } = configuration;
  return voters.length === 1 && voters[0] === nodeId && votersOutgoing.length === 0 && witnesses.length === 0;
}
