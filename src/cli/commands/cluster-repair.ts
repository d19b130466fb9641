import { resolve } from "node:path";
import type { GroupRepair, QuorumRepairResult } from "../../server/index.ts";
import { counted } from "../../std/quantities.ts";
import { type Command, localCommand } from "../command.ts";
import { cliFailure } from "../errors.ts";
import { kindOf } from "../local-files.ts";
import { pairs } from "../output.ts";

export const CLUSTER_REPAIR_COMMANDS: readonly Command[] = [
  localCommand({
    words: "cluster repair-quorum",
    summary: "Makes one node of a cluster go on where the disks of a majority are gone for good",
    notes: [
      "Run it on a survivor that is stopped. Of several take the one whose last entry has the largest term, then the largest index.",
      "What only the lost nodes had acknowledged is lost. They must never run again with their old data directories.",
      "Without --confirm it only says what would become of the cluster. What was done, by whom and why, is kept in raft/repairs.jsonl.",
      "Of several survivors each group is repaired on one of them: name it with --group, and the root group, 1, only once.",
      "Start the survivor as before, then the other nodes, the lost ones with empty data directories.",
      "They vote again once they have caught up.",
    ],
    options: {
      dataDir: { type: "text", default: "./data", text: "Folder of the survivor's data." },
      lost: { type: "list", default: [], text: "Number of a node whose data directory is gone for good; repeatable." },
      group: {
        type: "list",
        default: [],
        text: "Number of a group to repair; repeatable. Left out: all of this node.",
      },
      by: { type: "text", text: "Who decides this." },
      reason: { type: "text", text: "Why." },
      confirm: { type: "flag", default: false, text: "Do it." },
      dryRun: { type: "flag", default: false, text: "Only say what would be done; the same as without --confirm." },
    },
    examples: [
      "ashlar cluster repair-quorum --data-dir /var/lib/ashlar --lost 2 --lost 3",
      'ashlar cluster repair-quorum --data-dir /var/lib/ashlar --lost 2 --lost 3 --by "A. Admin" --reason "fire in hall 2" --confirm',
    ],
    async run({ output, options: { dataDir, lost: given, group, by, reason, confirm, dryRun } }) {
      const lost = numbersOf("--lost", given);
      const groups = numbersOf("--group", group);
      if (lost.length === 0) throw usage("--lost is missing: the nodes whose data directories are gone for good.");
      if (confirm && dryRun) throw usage("--confirm and --dry-run exclude each other.");
      if (confirm && (!by || !reason)) throw usage("--by and --reason are missing: they are kept with what was done.");
      const dataDirectory = resolve(dataDir);
      if ((await kindOf(dataDirectory))?.isFolder !== true) {
        throw cliFailure("PATH_UNREADABLE", { what: `${dataDir} is no folder.` });
      }
      const decision = confirm && by && reason ? { by, reason } : undefined;
      const { repairQuorum } = await import("../../server/index.ts");
      const result = await repairQuorum({
        ...{ dataDirectory, lost },
        ...(groups.length > 0 && { groups }),
        ...(decision && { decision }),
      });
      output.result(result, () => described(result));
      return undefined;
    },
  }),
];

function described({ cluster, nodeId, groups, elsewhere }: QuorumRepairResult): string[] {
  const lost = groups.flatMap((one) => (one.state === "lost" ? [one] : []));
  const undecided = lost.reduce((sum, { findings }) => sum + findings.lastIndex - findings.commit, 0);
  const kept = `${counted(undecided, "entry", "entries")} that this node does not know to be decided would count as well.`;
  const isDone = lost.some(({ repair }) => repair !== undefined);
  return [
    ...pairs([
      ["Cluster", cluster],
      ["Goes on", `node ${nodeId}`],
    ]),
    ...lost.flatMap((one) => ["", ...describedGroup(one)]),
    "",
    ...groups.flatMap((one) => (one.state === "refused" ? [one.why] : [])),
    ...groups.flatMap(({ group, state }) => (state === "goes-on" ? [`Group ${group} goes on by itself.`] : [])),
    ...describedElsewhere(elsewhere),
    ...(undecided > 0 ? [kept] : []),
    "Lost: whatever was acknowledged behind these last entries, which this node never saw. How much that is can not be said.",
    ...(groups.length > 1
      ? ["A commit over several groups may be there in part: each group goes on from its own last entry."]
      : []),
    isDone
      ? `Done, and written to raft/repairs.jsonl. Start node ${nodeId} as before, then the others: lost ones with empty data directories.`
      : "Nothing was changed. With --by, --reason and --confirm it is done.",
  ];
}

function describedGroup({ findings }: Extract<GroupRepair, { readonly state: "lost" }>): string[] {
  const { group, lastIndex, lastTerm, commit, members, membersAfter, term } = findings;
  return pairs([
    ["Group", `${group}`],
    ["Voters before", members.voters.join(", ")],
    ["Last entry", `index ${lastIndex} of term ${lastTerm}; decided as far as this node knows: ${commit}`],
    ["Goes on in", `term ${term}`],
    ["May vote again", membersAfter.joining.length === 0 ? "nobody" : `nodes ${membersAfter.joining.join(", ")}`],
  ]);
}

function describedElsewhere(elsewhere: QuorumRepairResult["elsewhere"]): string[] {
  if (elsewhere === undefined)
    return ["Which groups have no member here can not be said: this node's index is damaged."];
  return elsewhere.map(({ group, survivors }) => {
    if (survivors.length === 0)
      return `Group ${group} has no member here, and all that were known are lost: its rows are gone.`;
    return `Group ${group} has no member here: repair it on node ${survivors.join(" or ")}, with --group ${group}.`;
  });
}

function numbersOf(option: string, given: readonly string[]): number[] {
  return given
    .flatMap((text) => text.split(","))
    .map((text) => {
      const id = Number(text);
      if (!/^\d{1,10}$/.test(text.trim()) || id < 1) throw usage(`${option} ${text} is not a number from 1 on.`);
      return id;
    });
}

function usage(what: string): Error {
  return cliFailure("USAGE_OPTION", { what });
}
