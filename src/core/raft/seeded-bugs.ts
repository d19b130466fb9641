/**
 * Mistakes that tests switch on to prove that the simulator finds them; each is one that an implementation has had, or
 * could. Production code never passes any.
 */
export const RAFT_BUGS = {
  "vote-without-persisting": "A vote is given and not written to disk.",
  "vote-twice": "A second candidate of a term gets the vote as well.",
  "vote-for-older-log": "A vote goes to a candidate whose log is behind the voter's.",
  "vote-by-length": "Logs are compared by their length alone, whatever the term of their last entry.",
  "count-learners-votes": "Learners are asked for their votes, and these count.",
  "elect-by-half": "Half of the voters elect a leader.",
  "elect-by-incoming": "In a joint configuration the incoming half alone elects.",
  "lead-after-pre-vote": "Who has won the pre-vote leads, without the election that should follow.",
  "vote-after-lost-disk": "A node whose disk was lost votes and acknowledges like any other.",
  "acknowledge-before-disk": "A follower acknowledges entries before they are on its disk.",
  "count-own-before-disk": "A leader counts its own log before its disk has it.",
  "count-lost-acknowledgements": "What a node had acknowledged before it lost its disk still counts.",
  "commit-older-term": "An entry of an older term is committed by counting (figure 8 of the paper).",
  "commit-by-half": "Half of the voters commit an entry.",
  "commit-by-incoming": "In a joint configuration the incoming half alone commits.",
  "count-learners": "Learners count among those that make a quorum.",
  "commit-on-append": "A follower takes everything as committed that it appends.",
  "heartbeat-commit-beyond-match": "A heartbeat tells a follower of commits beyond what it is known to hold.",
  "skip-previous-term": "A follower does not look at the term of the entry before those that it appends.",
  "truncate-on-append": "An append cuts off what follows it in the log, also where it is an old one that fits.",
  "obey-old-leader": "An append of an earlier term's leader is taken.",
  "old-snapshot": "A snapshot is installed though the log is ahead of it.",
  "two-changes-at-once": "A change of membership is proposed while an earlier one is not applied.",
  "campaign-before-change": "A node stands for election while it knows of a committed change that it has not applied.",
  "read-without-quorum": "A read is answered before a quorum has said that the leader still leads.",
  "read-before-own-entry": "A new leader answers reads before it has committed an entry of its term.",
  "lease-for-ever": "A leader trusts its lease without looking when it last heard of a quorum.",
  "lease-after-transfer": "A leader trusts its lease although it told another node to stand for election.",
  "lead-as-witness": "A witness, which holds no data, stands for election.",
} as const;

export type RaftBug = keyof typeof RAFT_BUGS;

export type RaftBugs = ReadonlySet<RaftBug>;
