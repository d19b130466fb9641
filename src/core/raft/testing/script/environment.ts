import { AshlarError } from "../../../../std/errors.ts";
import { describeMessage, describeReady, MESSAGE_NAMES } from "../../describe.ts";
import { raftFailure } from "../../errors.ts";
import { isStorageThread, type Message, MessageType } from "../../messages.ts";
import { Draft } from "./draft.ts";
import type { Member } from "./member.ts";
import { Output } from "./output.ts";

const SILENT_ROUNDS_MAX = 10_000;

/** Nodes, the messages between them, and what a script does with both. */
export class Environment {
  readonly output: Output = new Output();
  readonly members: Member[] = [];
  readonly draft: Draft = new Draft();
  messages: Message[] = [];

  member(id: number): Member {
    const member = this.members[id - 1];
    if (member === undefined) throw scriptError(`there is no node ${id}`);
    return member;
  }

  processReady(member: Member): void {
    const { node } = member;
    const ready = node.ready();
    this.output.write(describeReady(ready));
    if (!member.isAsync) {
      member.append(ready.hardState, ready.entries, ready.snapshot);
      member.apply(ready.committedEntries);
    }
    for (const message of ready.messages) {
      if (message.type === MessageType.storageAppend) member.appendWork.push(message);
      else if (message.type === MessageType.storageApply) member.applyWork.push(message);
      else this.messages.push(message);
    }
    if (!member.isAsync) node.advance();
  }

  processAppendThread(member: Member): void {
    const message = member.appendWork.shift();
    if (message === undefined) {
      this.output.write("no append work to perform");
      return;
    }
    this.#process(message, () => {
      member.append(message.hardState, message.entries, message.snapshot);
    });
  }

  processApplyThread(member: Member): void {
    const message = member.applyWork.shift();
    if (message === undefined) {
      this.output.write("no apply work to perform");
      return;
    }
    this.#process(message, () => member.apply(message.entries));
  }

  /** Delivers, or drops, what is on its way to a node; returns how many messages. */
  deliver(to: number, type: number | undefined, isDropped: boolean): number {
    const chosen: Message[] = [];
    const rest: Message[] = [];
    for (const message of this.messages) {
      const isChosen = message.to === to && (type === undefined || message.type === type);
      (isChosen && !(isDropped && isLocal(message)) ? chosen : rest).push(message);
    }
    this.messages = rest;
    for (const message of chosen) {
      this.output.line(`${isDropped ? "dropped: " : ""}${describeMessage(message)}`);
      if (isDropped) continue;
      try {
        this.member(to).node.step(message);
      } catch (error) {
        this.output.line(errorText(error));
      }
    }
    return chosen.length;
  }

  /** Until a whole round finds nothing to do. */
  stabilize(members: readonly Member[]): void {
    for (let round = 0; round < SILENT_ROUNDS_MAX; round++) {
      if (!this.#round(members)) return;
    }
    throw scriptError("the nodes do not come to rest");
  }

  #round(members: readonly Member[]): boolean {
    const { output } = this;
    let isBusy = false;
    const section = (title: string, work: () => void): void => {
      output.line(`> ${title}`);
      output.indented(work);
      isBusy = true;
    };
    for (const member of members) {
      if (member.node.hasReady) section(`${member.id} handling Ready`, () => this.processReady(member));
    }
    for (const { id } of members) {
      if (!this.messages.some((message) => message.to === id)) continue;
      section(`${id} receiving messages`, () => this.deliver(id, undefined, false));
    }
    for (const member of members) {
      if (member.appendWork.length === 0) continue;
      section(`${member.id} processing append thread`, () => {
        while (member.appendWork.length > 0) this.processAppendThread(member);
      });
    }
    for (const member of members) {
      if (member.applyWork.length === 0) continue;
      section(`${member.id} processing apply thread`, () => {
        while (member.applyWork.length > 0) this.processApplyThread(member);
      });
    }
    return isBusy;
  }

  #process(message: Message, work: () => void): void {
    const { responses } = message;
    message.responses = [];
    this.output.line("Processing:");
    this.output.line(describeMessage(message));
    work();
    this.output.line("Responses:");
    for (const response of responses) this.output.line(describeMessage(response));
    this.messages.push(...responses);
  }
}

export function messageTypeOf(name: string): number {
  const type = MESSAGE_NAMES.indexOf(name);
  if (type < 0) throw scriptError(`unknown message type ${name}`);
  return type;
}

/** What a script itself has wrong: its text becomes the block's output. */
export function scriptError(what: string): AshlarError {
  return raftFailure("MALFORMED", { what });
}

/** The texts that the format knows for the core's errors. */
export function errorText(error: unknown): string {
  if (!(error instanceof AshlarError)) throw error;
  switch (error.code) {
    case "PROPOSAL_DROPPED":
      return "raft proposal dropped";
    case "PEER_UNKNOWN":
      return "raft: cannot step as peer not found";
    case "MESSAGE_LOCAL":
      return "raft: cannot step raft local message";
    default:
      return typeof error.data["reason"] === "string" ? error.data["reason"] : error.message;
  }
}

function isLocal(message: Message): boolean {
  return message.from === message.to || isStorageThread(message.from) || isStorageThread(message.to);
}
