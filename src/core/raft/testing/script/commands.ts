import { EMPTY, utf8 } from "../../../../std/bytes.ts";
import type { ConfChange, Transition } from "../../conf-change.ts";
import { isVoter } from "../../configuration.ts";
import { describeEntry, describeMessage, describeProgress, ROLE_NAMES } from "../../describe.ts";
import { MessageType, newMessage } from "../../messages.ts";
import { addNodes } from "./add-nodes.ts";
import { type Environment, messageTypeOf, scriptError } from "./environment.ts";
import type { Member } from "./member.ts";
import { enterJointChange, leaveJointChange, parseChanges, simpleChange } from "./membership-commands.ts";
import type { Argument, Block } from "./parse.ts";
import { committed, vote } from "./quorum-commands.ts";

type Command = (environment: Environment, block: Block) => void;

const LEVELS = ["DEBUG", "INFO", "WARN", "ERROR", "FATAL", "NONE"];

/** The commands of the format: of nodes, of quorums alone, of memberships alone. Then ours. */
export const COMMANDS: Readonly<Record<string, Command>> = {
  _breakpoint: () => {},
  "add-nodes": (environment, { args }) => addNodes(environment, args),
  campaign: (environment, { args }) => first(environment, args).node.campaign(),
  propose: (environment, { args }) => first(environment, args).node.propose(utf8(args[1]!.key)),
  "propose-conf-change": proposeConfChange,
  "process-ready": (environment, { args }) =>
    each(environment, args, "handling Ready", (member) => environment.processReady(member)),
  "process-append-thread": (environment, { args }) =>
    each(environment, args, "processing append thread", (member) => environment.processAppendThread(member)),
  "process-apply-thread": (environment, { args }) =>
    each(environment, args, "processing apply thread", (member) => environment.processApplyThread(member)),
  "deliver-msgs": deliver,
  stabilize,
  "tick-election": (environment, { args }) => ticks(first(environment, args), "electionTicks"),
  "tick-heartbeat": (environment, { args }) => ticks(first(environment, args), "heartbeatTicks"),
  "set-randomized-election-timeout": (environment, { args }) => {
    first(environment, args).node.electionTicks = Number(value(args, "timeout"));
  },
  "raft-log": (environment, { args }) => printLog(environment, first(environment, args)),
  "raft-state": printState,
  status: (environment, { args }) => {
    for (const progress of first(environment, args).node.status.progress) {
      environment.output.line(`${progress.id}: ${describeProgress(progress)}`);
    }
  },
  compact: (environment, { args }) => {
    const member = first(environment, args);
    member.storage.compact(Number(args[1]!.key));
    printLog(environment, member);
  },
  "send-snapshot": sendSnapshot,
  "transfer-leadership": (environment, { args }) =>
    environment.member(Number(value(args, "from"))).node.transferLeadership(Number(value(args, "to"))),
  "forget-leader": (environment, { args }) => first(environment, args).node.forgetLeader(),
  "report-unreachable": (environment, { args }) => {
    const ids = nodeIds(args);
    if (ids.length !== 2) {
      throw scriptError("must specify exactly two node indexes: node on which to report, and reported node");
    }
    environment.member(ids[0]!).node.reportUnreachable(ids[1]!);
  },
  "log-level": (environment, { args }) => setLevel(environment, args[0]!.key),

  committed,
  vote,

  simple: simpleChange,
  "enter-joint": enterJointChange,
  "leave-joint": leaveJointChange,

  "read-index": (environment, { args }) => first(environment, args).node.readIndex(utf8(args[1]!.key)),
  tick: (environment, { args }) => {
    const member = first(environment, args);
    for (let left = Number(args[1]!.key); left > 0; left--) member.node.tick();
  },
  restart: (environment, { args }) =>
    first(environment, args).restart(args.some(({ key, values }) => key === "lost-disk" && values[0] === "true")),
  explain: (environment, { args }) => explain(environment, first(environment, args)),
  wake: (environment, { args }) => first(environment, args).node.wake(),
  "report-snapshot": (environment, { args }) =>
    first(environment, args).node.reportSnapshot(Number(args[1]!.key), value(args, "ok") !== "false"),
};

function proposeConfChange(environment: Environment, { args, input }: Block): void {
  let isSingle = false;
  let transition: Transition = "auto";
  for (const { key, values } of args.slice(1)) {
    if (key === "v1") isSingle = values[0] === "true";
    else if (key === "transition") transition = transitionOf(values[0]!);
    else throw scriptError(`unknown command ${key}`);
  }
  const changes = parseChanges(input);
  if (isSingle && (changes.length > 1 || transition !== "auto")) {
    throw scriptError("v1 conf change can only have one operation and no transition");
  }
  const conf: ConfChange = { transition, changes, context: EMPTY };
  first(environment, args).node.proposeConfChange(conf, isSingle ? "single" : "any");
}

function transitionOf(name: string): Transition {
  if (name === "auto" || name === "implicit" || name === "explicit") return name;
  throw scriptError(`unknown transition ${name}`);
}

function deliver(environment: Environment, { args }: Block): void {
  const typeName = args.find(({ key }) => key === "type")?.values[0];
  const type = typeName === undefined ? undefined : messageTypeOf(typeName);
  let count = 0;
  for (const { key, values } of args) {
    if (key === "type") continue;
    if (values.length === 0) count += environment.deliver(Number(key), type, false);
    else if (key === "drop") for (const id of values) count += environment.deliver(Number(id), type, true);
  }
  if (count === 0) environment.output.line("no messages");
}

function stabilize(environment: Environment, { args }: Block): void {
  const { output } = environment;
  const wasQuiet = output.isQuiet;
  const level = args.find(({ key }) => key === "log-level")?.values[0];
  if (level !== undefined) setLevel(environment, level);
  const ids = nodeIds(args);
  try {
    environment.stabilize(ids.length === 0 ? environment.members : ids.map((id) => environment.member(id)));
  } finally {
    // The block's verdict is made by its own level; the output of a silent one is empty already.
    output.isQuiet = wasQuiet;
  }
}

function sendSnapshot(environment: Environment, { args }: Block): void {
  const [from, to] = nodeIds(args);
  const member = environment.member(from!);
  const message = newMessage(MessageType.snapshot, to!);
  message.from = from!;
  message.term = member.node.status.term;
  message.snapshot = member.newest;
  environment.messages.push(message);
  environment.output.write(describeMessage(message));
}

function printLog(environment: Environment, { storage }: Member): void {
  const { firstIndex, lastIndex } = storage;
  if (lastIndex < firstIndex) {
    environment.output.write(`log is empty: first index=${firstIndex}, last index=${lastIndex}`);
    return;
  }
  const entries = storage.entries(firstIndex, lastIndex + 1, Number.POSITIVE_INFINITY);
  if (typeof entries !== "string") for (const entry of entries) environment.output.line(describeEntry(entry));
}

function printState(environment: Environment): void {
  for (const { node } of environment.members) {
    const { id, role, term, lead, configuration } = node.status;
    const kind = isVoter(configuration, id) ? "(Voter)" : "(Non-Voter)";
    environment.output.line(`${id}: ${ROLE_NAMES[role]} ${kind} Term:${term} Lead:${lead}`);
  }
}

function explain(environment: Environment, { node }: Member): void {
  const { leader, lagging, change: waiting } = node.explain();
  environment.output.line(leader);
  for (const { why } of lagging) environment.output.line(why);
  if (waiting !== undefined) environment.output.line(waiting);
}

function setLevel(environment: Environment, name: string): void {
  const level = LEVELS.indexOf(name.toUpperCase());
  if (level < 0) throw scriptError(`log levels must be either of [${LEVELS.join(" ")}]`);
  environment.output.isQuiet = level === LEVELS.length - 1;
}

function ticks(member: Member, option: "electionTicks" | "heartbeatTicks"): void {
  for (let left = member.options[option]!; left > 0; left--) member.node.tick();
}

/** With several nodes each has a title and stands further in. */
function each(
  environment: Environment,
  args: readonly Argument[],
  title: string,
  work: (member: Member) => void,
): void {
  const ids = nodeIds(args);
  for (const id of ids) {
    const member = environment.member(id);
    if (ids.length === 1) {
      work(member);
    } else {
      environment.output.line(`> ${id} ${title}`);
      environment.output.indented(() => work(member));
    }
  }
}

function first(environment: Environment, args: readonly Argument[]): Member {
  return environment.member(Number(args[0]!.key));
}

function nodeIds(args: readonly Argument[]): readonly number[] {
  return args.filter(({ values }) => values.length === 0).map(({ key }) => Number(key));
}

function value(args: readonly Argument[], name: string): string {
  return args.find(({ key }) => key === name)?.values[0] ?? "";
}
