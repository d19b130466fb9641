import { type Change, ChangeType, change, configurationOf, type Entry, EntryType } from "../../../core/raft/index.ts";
import { SimLinks, SimScheduler } from "../../../env/sim/in-browser.ts";
import { EMPTY, utf8 } from "../../../std/bytes.ts";
import { AshlarError } from "../../../std/errors.ts";
import { Prng } from "../../../std/prng.ts";
import { type Action, NODES } from "./action.ts";
import { Flights } from "./flights.ts";
import { Invariants, type Violation } from "./invariants.ts";
import { Journal, type Weight } from "./journal.ts";
import { labelOf } from "./labels.ts";
import { Member, type MemberHooks } from "./member.ts";
import { Proposals } from "./proposals.ts";
import type { Moment } from "./run-text.ts";
import { TIMING } from "./timing.ts";

/** A step that finds nothing to show ends after so many events. */
const STEP_EVENTS_MAX = 2_000;

/**
 * Five nodes, the links between them and all that happens, in virtual time. Everything follows from the seed, the actions and the moments
 * at which they were taken. It stands still once an invariant is violated.
 */
export class Simulation {
  readonly seed: number;
  readonly links: SimLinks;
  readonly flights: Flights;
  readonly members: readonly Member[];
  readonly journal: Journal = new Journal();
  readonly proposals: Proposals = new Proposals();
  readonly invariants: Invariants = new Invariants();
  readonly #scheduler: SimScheduler;
  #dropPercent = 0;
  #areLogsNew = false;
  #notable = 0;

  constructor(seed: number) {
    this.seed = seed;
    const prng = new Prng(seed);
    const { delayMillisMin, delayMillisMax } = TIMING;
    this.#scheduler = new SimScheduler((_, label) => {
      if (!label.startsWith("tick")) this.#notable++;
    });
    this.links = new SimLinks(prng.fork(), { delayMillisMin, delayMillisMax });
    this.flights = new Flights(this.#scheduler, this.links, {
      deliver: (message) => this.member(message.to).receive(message),
      lost: (message) => this.member(message.from).noticeLoss(message),
    });
    const first = { index: 1, term: 1, configuration: configurationOf({ voters: NODES }), data: EMPTY };
    this.members = NODES.map((id) => new Member(id, this.#scheduler, prng.fork(), first, this.#hooks()));
    this.#write(`Five nodes begin, with seed ${seed}: nobody leads yet.`);
  }

  get now(): Moment {
    return { millis: this.#scheduler.nowMillis, events: this.#scheduler.eventsRun };
  }

  /** Two runs that did the same have the same one. */
  get trace(): string {
    return this.#scheduler.traceHash;
  }

  get violation(): Violation | undefined {
    return this.invariants.violation;
  }

  get dropPercent(): number {
    return this.#dropPercent;
  }

  member(id: number): Member {
    return this.members[id - 1]!;
  }

  /** The one that leads the highest term, of those that run. */
  get leader(): Member | undefined {
    let newest: Member | undefined;
    for (const member of this.members) {
      const { node } = member;
      if (member.state !== "running" || node?.role !== "leader") continue;
      if (node.currentTerm > (newest?.node?.currentTerm ?? 0)) newest = member;
    }
    return newest;
  }

  /** Up to this moment of virtual time, or until so many events have run. */
  run(untilMillis: number, untilEvents: number = Number.POSITIVE_INFINITY): void {
    this.#guarded(() => {
      const isDone = (): boolean => this.#isOver() || this.#scheduler.eventsRun >= untilEvents;
      this.#scheduler.runSynchronously(untilMillis, isDone);
    });
  }

  /** Up to the next event that is more than the tick of an idle clock. */
  step(): void {
    const notable = this.#notable;
    const eventsMax = this.#scheduler.eventsRun + STEP_EVENTS_MAX;
    this.#guarded(() => {
      const isDone = (): boolean => this.#isOver() || this.#notable > notable || this.#scheduler.eventsRun >= eventsMax;
      this.#scheduler.runSynchronously(Number.POSITIVE_INFINITY, isDone);
    });
  }

  perform(action: Action): void {
    if (this.violation !== undefined) return;
    this.#guarded(() => this.#act(action));
  }

  #act(action: Action): void {
    switch (action.kind) {
      case "cut":
        this.#cut(action.from, action.to);
        this.#write(`The link from node ${action.from} to node ${action.to} is cut.`, "notable");
        return;
      case "mend":
        this.links.mend(action.from, action.to);
        this.#write(`The link from node ${action.from} to node ${action.to} works again.`, "notable");
        return;
      case "heal":
        this.links.heal();
        this.#write("All links work again.", "notable");
        return;
      case "drop":
        this.#dropPercent = action.percent;
        this.links.setFaults({ lossChance: action.percent / 100 });
        this.#write(`From now on ${action.percent} of 100 messages are lost.`, "notable");
        return;
      case "isolate":
        for (const other of NODES) if (other !== action.node) this.#cut(action.node, other, true);
        this.#write(`Node ${action.node} is cut off from all others.`, "notable");
        return;
      case "connect":
        for (const other of NODES) {
          this.links.mend(action.node, other);
          this.links.mend(other, action.node);
        }
        this.#write(`All links of node ${action.node} work again.`, "notable");
        return;
      case "pause":
      case "resume":
      case "crash":
      case "restart":
      case "wipe":
        this.#actOnProcess(action.kind, this.member(action.node));
        return;
      default:
        this.#actOnNode(action.kind, this.member(action.node));
    }
  }

  #actOnProcess(kind: "pause" | "resume" | "crash" | "restart" | "wipe", member: Member): void {
    const { id, state } = member;
    switch (kind) {
      case "pause":
        if (state !== "running") return;
        this.#write(`Node ${id} stands still: its process does not run, and what comes to it waits.`, "notable");
        member.pause();
        return;
      case "resume":
        if (state !== "paused") return;
        this.#write(`Node ${id} goes on, and does not know that time has passed.`, "notable");
        member.resume();
        return;
      case "crash":
        if (state === "crashed") return;
        this.#write(`Node ${id} crashes. What its disk had synced is still there.`, "notable");
        member.crash();
        return;
      case "restart":
        if (state !== "crashed") return;
        this.#write(`Node ${id} starts on what its disk holds.`, "notable");
        member.start();
        return;
      case "wipe":
        this.#write(`Node ${id} loses its disk and starts: it has forgotten its votes and its log.`, "bad");
        member.crash();
        member.disk.wipe();
        member.start();
    }
  }

  #actOnNode(kind: "propose" | "campaign" | "transfer" | "snapshot" | "remove" | "add", member: Member): void {
    const { id } = member;
    switch (kind) {
      case "propose":
        this.#propose(member);
        return;
      case "snapshot":
        if (member.compact(0)) {
          this.#areLogsNew = true;
          this.#write(
            `Node ${id} takes a snapshot at index ${member.applied} and gives up the log before it.`,
            "notable",
          );
        } else {
          this.#write(`Node ${id} has applied nothing that its snapshot does not have.`);
        }
        return;
      case "campaign":
        this.#ask(member, `Node ${id} is told to stand for election.`, () => member.node!.campaign());
        return;
      case "transfer":
        this.#askLeader(`is asked to hand over to node ${id}`, (leader) => leader.node!.transferLeadership(id));
        return;
      case "remove":
        this.#change(`is asked to remove node ${id}`, change(ChangeType.removeNode, id));
        return;
      case "add":
        this.#change(
          `is asked to add node ${id}: a learner first, a voter once it has caught up`,
          change(ChangeType.addJoining, id),
        );
    }
  }

  #propose(member: Member): void {
    const label = this.proposals.nextLabel();
    const text = `A client proposes ${label} through node ${member.id}.`;
    const refusal = this.#ask(member, text, () => member.node!.propose(utf8(label)));
    this.proposals.made(label, member.id, refusal);
  }

  #change(what: string, ...changes: readonly Change[]): void {
    this.#askLeader(what, (leader) => leader.node!.proposeConfChange({ transition: "auto", changes, context: EMPTY }));
  }

  #askLeader(what: string, run: (leader: Member) => void): void {
    const { leader } = this;
    if (leader === undefined) this.#write("Nobody leads, so there is nobody to ask.", "bad");
    else this.#ask(leader, `Node ${leader.id} ${what}.`, () => run(leader));
  }

  /** Why the node does not do it, or undefined. */
  #ask(member: Member, text: string, run: () => void): string | undefined {
    this.#write(text, "notable");
    if (member.state !== "running") {
      const refusal = `Node ${member.id} does not answer: it ${member.state === "paused" ? "stands still" : "has crashed"}.`;
      this.#write(refusal, "bad");
      return refusal;
    }
    try {
      run();
    } catch (error) {
      if (!(error instanceof AshlarError)) throw error;
      const reason = error.data["reason"];
      const refusal = `Node ${member.id} refuses: ${typeof reason === "string" ? reason.replaceAll("-", " ") : error.message}`;
      this.#write(refusal, "bad");
      return refusal;
    }
    member.work();
    return undefined;
  }

  #cut(from: number, to: number, isBothWays = false): void {
    this.links.cut(from, to);
    this.flights.cut(from, to);
    if (isBothWays) this.#cut(to, from);
  }

  #hooks(): MemberHooks {
    return {
      send: (message) => this.flights.send(message),
      applied: (member, entry) => this.#applied(member, entry),
      elected: (member) => this.#elected(member),
      logged: () => {
        this.#areLogsNew = true;
      },
      write: (text, weight) => this.#write(text, weight),
    };
  }

  #applied(member: Member, entry: Entry): void {
    const { node } = member;
    const isFirst = this.invariants.applied(member.id, entry, node?.currentTerm ?? entry.term);
    const label = labelOf(entry);
    const isValue = entry.type === EntryType.normal && entry.data.length > 0;
    if (isValue) this.proposals.applied(label, member.id, entry);
    if (!isFirst) return;
    if (isValue) {
      this.#write(`${label} is committed at index ${entry.index}, in an entry of term ${entry.term}.`, "notable");
    } else if (entry.type !== EntryType.normal) {
      const voters = node?.configuration.voters ?? [];
      this.#write(
        `A change of membership is committed at index ${entry.index}: voters are now ${voters.join(", ")}.`,
        "notable",
      );
    }
  }

  #elected({ id, node }: Member): void {
    if (node === undefined) return;
    this.invariants.elected(id, node.currentTerm, node.status.firstIndex, (index) => node.term(index));
  }

  /** After each event the logs are compared, if one of them is another one than before. */
  #isOver(): boolean {
    if (this.#areLogsNew) {
      this.#areLogsNew = false;
      this.invariants.compare(
        this.members.map(({ id, disk }) => ({ id, entries: disk.log.map(({ entry }) => entry) })),
      );
    }
    return this.violation !== undefined;
  }

  /** A failed assertion of the core's is a violation too: it is what the assertion is for. */
  #guarded(run: () => void): void {
    if (this.invariants.violation !== undefined) return;
    try {
      run();
      this.#isOver();
    } catch (error) {
      this.invariants.failed(error);
    }
    const { violation } = this;
    if (violation !== undefined) this.#write(`Violated: ${violation.name}. ${violation.text}`, "bad");
  }

  #write(text: string, weight?: Weight): void {
    this.journal.write(this.#scheduler.nowMillis, text, weight);
  }
}
