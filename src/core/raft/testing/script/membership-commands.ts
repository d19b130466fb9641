import { type Change, ChangeType, change } from "../../conf-change.ts";
import type { Configuration } from "../../configuration.ts";
import { describeConfiguration, describeProgress } from "../../describe.ts";
import { enterJoint, leaveJoint, simple, takenOut } from "../../reconfiguration.ts";
import { statusOfProgress } from "../../status.ts";
import { type Environment, scriptError } from "./environment.ts";
import type { Block } from "./parse.ts";

// `simple`, `enter-joint` and `leave-joint`: what changes make of a membership that no node has yet, the draft of a script.

export function simpleChange(environment: Environment, { input }: Block): void {
  applyTo(environment, input, (configuration, changes) => simple(configuration, changes));
}

export function enterJointChange(environment: Environment, { args, input }: Block): void {
  let autoLeave = false;
  for (const { key, values } of args) {
    if (key !== "autoleave") throw scriptError(`unknown arg ${key}`);
    autoLeave = values[0] === "true";
  }
  applyTo(environment, input, (configuration, changes) => enterJoint(configuration, autoLeave, changes));
}

export function leaveJointChange(environment: Environment, { input }: Block): void {
  applyTo(environment, input, (configuration, changes) => {
    if (changes.length > 0) throw scriptError("this command takes no input");
    return leaveJoint(configuration);
  });
}

function applyTo(
  { draft, output }: Environment,
  input: string,
  next: (configuration: Configuration, changes: readonly Change[]) => Configuration,
): void {
  const { tracker } = draft;
  const lastIndex = draft.lastIndex++;
  const changes = parseChanges(input);
  const configuration = next(tracker.configuration, changes);
  tracker.switchTo(configuration, lastIndex, takenOut(configuration, changes));
  output.line(describeConfiguration(configuration));
  for (const progress of tracker.members) {
    output.line(`${progress.id}: ${describeProgress(statusOfProgress(progress))}`);
  }
}

const CHANGE_TYPES: Readonly<Record<string, ChangeType>> = {
  v: ChangeType.addVoter,
  l: ChangeType.addLearner,
  r: ChangeType.removeNode,
  u: ChangeType.updateNode,
  w: ChangeType.addWitness,
  j: ChangeType.addJoining,
  q: ChangeType.commitQuorum,
};

/** A letter and a number each, such as `v1 l2 r3`. */
export function parseChanges(input: string): readonly Change[] {
  const words = input.trim() === "" ? [] : input.trim().split(" ");
  return words.map((word) => {
    const type = CHANGE_TYPES[word[0] ?? ""];
    const digits = word.slice(1);
    if (word.length < 2) throw scriptError(`unknown token ${word}`);
    if (type === undefined) throw scriptError(`unknown input: ${word}`);
    if (!/^\d+$/.test(digits)) throw scriptError(`strconv.ParseUint: parsing "${digits}": invalid syntax`);
    const number = Number(digits);
    return type === ChangeType.commitQuorum ? change(type, 0, number) : change(type, number);
  });
}
