import { ByteReader, MalformedBytes } from "../../std/reader.ts";
import { ByteWriter } from "../../std/writer.ts";
import type { Configuration, Rejoined } from "./configuration.ts";
import { raftFailure } from "./errors.ts";
import {
  type Entry,
  EntryType,
  type HardState,
  MESSAGE_TYPE_MAX,
  type Message,
  type MessageType,
  newMessage,
  type Snapshot,
} from "./messages.ts";

/**
 * The bytes of messages between nodes, and of the records that a node keeps. Each begins with its version; numbers are varints.
 *
 *     message   | version u8 | type u8 | flags u8 | to | from | term | logTerm | index | commit | vote | rejectHint |
 *               | incarnation |
 *               | context, if flagged | snapshot, if flagged | count of entries, entries, if flagged |
 *     entry     | type u8 | term | index | length, data |
 *
 * Decoded data shares memory with the bytes that it was decoded from. All decoders throw MALFORMED, and nothing else.
 */
const VERSION = 1;

const REJECT = 1;
const CONTEXT = 2;
const SNAPSHOT = 4;
const ENTRIES = 8;
const FLAGS_MAX = 15;

/** Used again and again: most messages are short, and a buffer of their own would cost more than their encoding. */
const shortWriter = new ByteWriter(4096);
const SHORT_BYTES = 2048;

export function encodeMessage(message: Message): Uint8Array {
  let bytes = 128 + message.context.length;
  if (message.snapshot !== undefined) bytes += SHORT_BYTES + message.snapshot.data.length;
  for (const entry of message.entries) bytes += entry.data.length + 24;
  const writer = bytes <= SHORT_BYTES ? shortWriter.reset() : new ByteWriter(bytes);
  writeMessage(writer, message);
  return writer.finish();
}

/** Behind what the writer holds already: for frames of several messages. */
export function writeMessage(writer: ByteWriter, message: Message): void {
  const { context, snapshot, entries } = message;
  let flags = message.reject ? REJECT : 0;
  if (context.length > 0) flags |= CONTEXT;
  if (snapshot !== undefined) flags |= SNAPSHOT;
  if (entries.length > 0) flags |= ENTRIES;
  writer.u8(VERSION).u8(message.type).u8(flags);
  writer.varint(message.to).varint(message.from).varint(message.term).varint(message.logTerm);
  writer.varint(message.index).varint(message.commit).varint(message.vote).varint(message.rejectHint);
  writer.varint(message.incarnation);
  if (context.length > 0) writer.blob(context);
  if (snapshot !== undefined) writeSnapshot(writer, snapshot);
  if (entries.length > 0) {
    writer.varint(entries.length);
    for (const entry of entries) writeEntry(writer, entry);
  }
}

export function decodeMessage(bytes: Uint8Array): Message {
  return decode(bytes, "message", (reader) => {
    const type = reader.u8();
    const flags = reader.u8();
    if (type > MESSAGE_TYPE_MAX || flags > FLAGS_MAX) throw new MalformedBytes("an unknown kind of message");
    const message = newMessage(type as MessageType, reader.varint());
    message.from = reader.varint();
    message.term = reader.varint();
    message.logTerm = reader.varint();
    message.index = reader.varint();
    message.commit = reader.varint();
    message.vote = reader.varint();
    message.rejectHint = reader.varint();
    message.incarnation = reader.varint();
    message.reject = (flags & REJECT) !== 0;
    if ((flags & CONTEXT) !== 0) message.context = reader.blob();
    if ((flags & SNAPSHOT) !== 0) message.snapshot = readSnapshot(reader);
    if ((flags & ENTRIES) !== 0) message.entries = readEntries(reader);
    return message;
  });
}

export function encodeEntry(entry: Entry): Uint8Array {
  const writer = new ByteWriter(entry.data.length + 32).u8(VERSION);
  writeEntry(writer, entry);
  return writer.finish();
}

export function decodeEntry(bytes: Uint8Array): Entry {
  return decode(bytes, "entry", readEntry);
}

export function encodeHardState({ term, vote, commit, incarnation, isLost }: HardState): Uint8Array {
  const writer = new ByteWriter(40).u8(VERSION).varint(term).varint(vote).varint(commit).varint(incarnation);
  return writer.u8(isLost ? 1 : 0).finish();
}

export function decodeHardState(bytes: Uint8Array): HardState {
  return decode(bytes, "hard state", (reader) => ({
    term: reader.varint(),
    vote: reader.varint(),
    commit: reader.varint(),
    incarnation: reader.varint(),
    isLost: reader.u8() === 1,
  }));
}

export function encodeConfiguration(configuration: Configuration): Uint8Array {
  const writer = new ByteWriter(128).u8(VERSION);
  writeConfiguration(writer, configuration);
  return writer.finish();
}

export function decodeConfiguration(bytes: Uint8Array): Configuration {
  return decode(bytes, "configuration", readConfiguration);
}

function decode<Value>(bytes: Uint8Array, record: string, read: (reader: ByteReader) => Value): Value {
  const reader = new ByteReader(bytes);
  try {
    const version = reader.u8();
    if (version !== VERSION) throw raftFailure("MALFORMED", { data: { record, version } });
    const value = read(reader);
    if (reader.remaining > 0) throw new MalformedBytes("bytes are left over");
    return value;
  } catch (cause) {
    if (cause instanceof MalformedBytes) throw raftFailure("MALFORMED", { data: { record }, cause });
    throw cause;
  }
}

function writeEntry(writer: ByteWriter, entry: Entry): void {
  writer.u8(entry.type).varint(entry.term).varint(entry.index).blob(entry.data);
}

function readEntry(reader: ByteReader): Entry {
  const type = reader.u8();
  if (type > EntryType.metadata) throw new MalformedBytes("an unknown kind of entry");
  return { type: type as EntryType, term: reader.varint(), index: reader.varint(), data: reader.blob() };
}

/** They follow each other, or belong to a proposal and have no place yet. */
function readEntries(reader: ByteReader): readonly Entry[] {
  const entries: Entry[] = [];
  for (let left = reader.varint(); left > 0; left--) entries.push(readEntry(reader));
  return entries;
}

function writeSnapshot(writer: ByteWriter, { index, term, configuration, data }: Snapshot): void {
  writer.varint(index).varint(term);
  writeConfiguration(writer, configuration);
  writer.blob(data);
}

function readSnapshot(reader: ByteReader): Snapshot {
  const index = reader.varint();
  const term = reader.varint();
  return { index, term, configuration: readConfiguration(reader), data: reader.blob() };
}

function writeConfiguration(writer: ByteWriter, configuration: Configuration): void {
  writeIds(writer, configuration.voters);
  writeIds(writer, configuration.votersOutgoing);
  writeIds(writer, configuration.learners);
  writeIds(writer, configuration.learnersNext);
  writeIds(writer, configuration.joining);
  writeIds(writer, configuration.witnesses);
  writer.varint(configuration.rejoined.length);
  for (const { id, incarnation } of configuration.rejoined) writer.varint(id).varint(incarnation);
  writer.u8(configuration.autoLeave ? 1 : 0);
  writer.varint(configuration.commitQuorum).varint(configuration.commitQuorumOutgoing);
}

function readConfiguration(reader: ByteReader): Configuration {
  const voters = readIds(reader);
  const votersOutgoing = readIds(reader);
  const learners = readIds(reader);
  const learnersNext = readIds(reader);
  const joining = readIds(reader);
  const witnesses = readIds(reader);
  const rejoined: Rejoined[] = [];
  for (let left = reader.varint(); left > 0; left--) {
    rejoined.push({ id: reader.varint(), incarnation: reader.varint() });
  }
  const autoLeave = reader.u8() === 1;
  const commitQuorum = reader.varint();
  const commitQuorumOutgoing = reader.varint();
  return {
    voters,
    votersOutgoing,
    learners,
    learnersNext,
    autoLeave,
    joining,
    witnesses,
    rejoined,
    commitQuorum,
    commitQuorumOutgoing,
  };
}

function writeIds(writer: ByteWriter, ids: readonly number[]): void {
  writer.varint(ids.length);
  for (const id of ids) writer.varint(id);
}

/** Sorted and without repetition, as everything that works on them takes for granted. */
function readIds(reader: ByteReader): readonly number[] {
  const ids: number[] = [];
  for (let left = reader.varint(); left > 0; left--) {
    const id = reader.varint();
    if (id <= (ids.at(-1) ?? 0)) throw new MalformedBytes("ids are not in their order");
    ids.push(id);
  }
  return ids;
}
