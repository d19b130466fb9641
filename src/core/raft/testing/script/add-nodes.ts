import { EMPTY, utf8 } from "../../../../std/bytes.ts";
import { Prng } from "../../../../std/prng.ts";
import { configurationOf } from "../../configuration.ts";
import type { Snapshot } from "../../messages.ts";
import type { RaftOptions } from "../../options.ts";
import { type Environment, scriptError } from "./environment.ts";
import { Member } from "./member.ts";
import type { Argument } from "./parse.ts";

type NodeOptions = { -readonly [Name in keyof Omit<RaftOptions, "storage" | "id">]: RaftOptions[Name] };

/** What the format takes for granted; it differs from the core's own defaults. */
function scriptOptions(seed: number): NodeOptions {
  const prng = new Prng(seed);
  return {
    random: () => prng.unit(),
    electionTicks: 3,
    heartbeatTicks: 1,
    messageBytesMax: Number.POSITIVE_INFINITY,
    uncommittedBytesMax: Number.POSITIVE_INFINITY,
    inflightBytesMax: Number.POSITIVE_INFINITY,
    inflightMessagesMax: 0x7fff_ffff,
    checkQuorum: false,
    preVote: false,
    stepDownOnRemoval: false,
  };
}

export function addNodes(environment: Environment, args: readonly Argument[]): void {
  const count = Number(args[0]!.key);
  const values = new Map(args.slice(1).map(({ key, values }) => [key, values]));
  const ids = (key: string): readonly number[] => (values.get(key) ?? []).map(Number);
  const index = ids("index")[0] ?? 0;
  const content = values.get("content")?.[0];
  const first: Snapshot = {
    index,
    term: index > 0 ? 1 : 0,
    configuration: configurationOf({
      voters: ids("voters"),
      learners: ids("learners"),
      witnesses: ids("witnesses"),
      joining: ids("joining"),
      commitQuorum: ids("commit-quorum")[0] ?? 0,
    }),
    data: content === undefined ? EMPTY : utf8(content),
  };
  const isFounded = ["voters", "learners", "index", "content"].some((key) => values.has(key));
  if (isFounded && index <= 1) throw scriptError("index must be specified as > 1 due to bootstrap");
  for (let left = count; left > 0; left--) {
    const id = environment.members.length + 1;
    const options = scriptOptions(id);
    for (const [key, [value]] of values) setOption(options, key, value ?? "");
    environment.members.push(new Member(id, { ...options, applied: index }, first));
  }
}

function setOption(options: NodeOptions, key: string, value: string): void {
  switch (key) {
    case "inflight":
      options.inflightMessagesMax = Number(value);
      return;
    case "async-storage-writes":
      options.asyncStorageWrites = value === "true";
      return;
    case "prevote":
      options.preVote = value === "true";
      return;
    case "checkquorum":
      options.checkQuorum = value === "true";
      return;
    case "max-committed-size-per-ready":
      options.applyingBytesMax = Number(value);
      return;
    case "disable-conf-change-validation":
      options.validateChanges = value !== "true";
      return;
    case "step-down-on-removal":
      options.stepDownOnRemoval = value === "true";
      return;
    case "read-only":
      options.reads = readMode(value);
      return;
    case "promotion-lag":
      options.promotionLagMax = Number(value);
      return;
    case "quiesce":
      options.quiesceTicks = Number(value);
      return;
    case "max-uncommitted-size":
      options.uncommittedBytesMax = Number(value);
      return;
    case "max-size-per-msg":
      options.messageBytesMax = Number(value);
      return;
    case "lost-disk":
      options.lostDisk = value === "true";
      return;
    default:
      return;
  }
}

function readMode(value: string): NonNullable<RaftOptions["reads"]> {
  if (value === "safe") return "safe";
  if (value === "lease-based") return "lease-assuming-bounded-clock-drift";
  throw scriptError(`invalid read-only option "${value}"`);
}
