import { allVoters, type Configuration, configurationOf } from "../../configuration.ts";
import { commitQuorumOf, type VoteResult } from "../../quorum.ts";
import { Tracker } from "../../tracker.ts";
import { type Environment, scriptError } from "./environment.ts";
import type { Argument, Block } from "./parse.ts";
import { quorumChart } from "./quorum-chart.ts";

// `committed` and `vote`: a decision of a quorum a block, made by the tracker as a running node makes it. No node is needed. What must
// not change the decision, such as an exchange of a joint configuration's halves, is tried as well and printed only where it does.

/** What was heard, by voter; who is not in it is silent. */
export type Heard = ReadonlyMap<number, number>;

export type Decision<Result> = (configuration: Configuration, heard: Heard) => Result;

export interface Question {
  readonly configuration: Configuration;
  /** Whether a second half was named at all, were it an empty one. */
  readonly hasHalves: boolean;
  readonly heard: Heard;
}

const VOTES: ReadonlyMap<string, number> = new Map([
  ["_", 0],
  ["n", 1],
  ["y", 2],
]);

const RESULT_NAMES: Readonly<Record<VoteResult, string>> = { pending: "VotePending", lost: "VoteLost", won: "VoteWon" };

export function committed({ output }: Environment, { args }: Block): void {
  output.write(describeCommitted(questionOf(args, "idx"), committedBy));
}

export function vote({ output }: Environment, { args }: Block): void {
  const { configuration, hasHalves, heard } = questionOf(args, "votes");
  const result = electedBy(configuration, heard);
  const exchanged = electedBy(halvesExchanged(configuration), heard);
  if (hasHalves && exchanged !== result) output.line(`${RESULT_NAMES[exchanged]} <-- via symmetry`);
  output.line(RESULT_NAMES[result]);
}

/** The chart, whatever disagrees, and the index. */
export function describeCommitted(question: Question, decide: Decision<number>): string {
  const { configuration, hasHalves, heard } = question;
  const index = decide(configuration, heard);
  let out = quorumChart(allVoters(configuration), heard);
  const compare = (other: number, how: string): void => {
    if (other !== index) out += `${indexText(other)} <-- ${how}`;
  };
  if (hasHalves) {
    compare(decide(halvesExchanged(configuration), heard), "via symmetry\n");
  } else {
    compare(committedByCounting(configuration, heard), "via alternative computation\n");
    compare(decide(joinedWith(configuration, []), heard), "via zero-joint quorum\n");
    compare(decide(joinedWith(configuration, configuration.voters), heard), "via self-joint quorum\n");
    for (const [id, own] of heard) {
      if (own >= index) continue;
      // Who is behind the committed index already can not move it by being further behind.
      compare(decide(configuration, new Map(heard).set(id, own - 1)), `overlaying ${id}->${own}`);
      compare(decide(configuration, new Map(heard).set(id, 0)), `overlaying ${id}->0`);
    }
  }
  return `${out}${indexText(index)}\n`;
}

function committedBy(configuration: Configuration, heard: Heard): number {
  return trackerOf(configuration).committedBy({ acknowledgedIndex: (id) => heard.get(id) ?? -1 });
}

/** By the definition: the largest index that enough voters have. */
function committedByCounting({ voters, commitQuorum }: Configuration, heard: Heard): number {
  if (voters.length === 0) return Number.POSITIVE_INFINITY;
  const count = (index: number): number => voters.filter((id) => (heard.get(id) ?? 0) >= index).length;
  const quorum = commitQuorumOf(voters.length, commitQuorum);
  return Math.max(0, ...[...heard.values()].filter((index) => count(index) >= quorum));
}

function electedBy(configuration: Configuration, heard: Heard): VoteResult {
  const tracker = trackerOf(configuration);
  for (const [id, answer] of heard) tracker.recordVote(id, answer === VOTES.get("y"));
  return tracker.electionResult;
}

function trackerOf(configuration: Configuration): Tracker {
  const tracker = new Tracker({ inflightMessagesMax: 1, inflightBytesMax: 1 });
  tracker.switchTo(configuration, 0);
  return tracker;
}

function halvesExchanged(configuration: Configuration): Configuration {
  const { voters, votersOutgoing, commitQuorum, commitQuorumOutgoing } = configuration;
  return {
    ...configuration,
    voters: votersOutgoing,
    votersOutgoing: voters,
    commitQuorum: commitQuorumOutgoing,
    commitQuorumOutgoing: commitQuorum,
  };
}

function joinedWith(configuration: Configuration, votersOutgoing: readonly number[]): Configuration {
  return { ...configuration, votersOutgoing, commitQuorumOutgoing: configuration.commitQuorum };
}

/** Answers stand in the order in which the voters are named, the second half after the first and nobody twice. */
function questionOf(args: readonly Argument[], answers: "idx" | "votes"): Question {
  const voters: number[] = [];
  const outgoing: number[] = [];
  const said: number[] = [];
  let commitQuorum = 0;
  for (const { key, values } of args) {
    if (key === "cfg") voters.push(...values.map(numberOf));
    else if (key === "cfgj") outgoing.push(...outgoingOf(values));
    else if (key === "commit-quorum") commitQuorum = numberOf(values[0] ?? "");
    else if (key === answers) said.push(...values.map(answers === "idx" ? indexOf : voteOf));
    else throw scriptError(`unknown arg ${key}`);
  }
  const configuration = configurationOf({ voters, votersOutgoing: outgoing, commitQuorum });
  const ids = [...new Set([...voters, ...outgoing])];
  if (ids.length !== said.length) {
    const sorted = allVoters(configuration).map((id) => `${id}:{}`);
    const mismatch = `map[${sorted.join(" ")}]: [${said.join(" ")}]`;
    throw scriptError(`error: mismatched input (explicit or _) for voters ${mismatch}`);
  }
  const heard = new Map<number, number>();
  for (const [at, id] of ids.entries()) if (said[at]! > 0) heard.set(id, said[at]!);
  return { configuration, hasHalves: args.some(({ key }) => key === "cfgj"), heard };
}

function outgoingOf(values: readonly string[]): readonly number[] {
  if (!values.includes("zero")) return values.map(numberOf);
  if (values.length > 1) throw scriptError("cannot mix 'zero' into configuration");
  return [];
}

function indexOf(text: string): number {
  if (text === "_") return 0;
  const index = numberOf(text);
  if (index === 0) throw scriptError("cannot use 0 as idx");
  return index;
}

function numberOf(text: string): number {
  if (!/^\d+$/.test(text)) throw scriptError(`no number: ${text}`);
  return Number(text);
}

function voteOf(text: string): number {
  const answer = VOTES.get(text);
  if (answer === undefined) throw scriptError(`unknown vote: ${text}`);
  return answer;
}

function indexText(index: number): string {
  return index === Number.POSITIVE_INFINITY ? "∞" : String(index);
}
