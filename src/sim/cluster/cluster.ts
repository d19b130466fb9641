import {
  beginCluster,
  composeNode,
  Logger,
  type NodeBugs,
  type RunningNode,
  readClusterFile,
} from "../../server/index.ts";
import { AshlarError, hasCode } from "../../std/errors.ts";
import {
  type Client,
  type FaultEvent,
  invariant,
  type NodeContext,
  type Scenario,
  type SimRun,
  Violation,
} from "../kernel/index.ts";
import { Bodies } from "./bodies.ts";
import { Caller } from "./caller.ts";
import { S3Users, until } from "./clients/s3-users.ts";
import { Transactors } from "./clients/transactors.ts";
import { AcknowledgedObjects } from "./invariants/acknowledged-objects.ts";
import { DeletedBuckets } from "./invariants/deleted-buckets.ts";
import { checkReady } from "./invariants/membership.ts";
import { OneWinner } from "./invariants/one-winner.ts";
import type { ClusterKnobs } from "./knobs.ts";
import { Operator } from "./operator/operator.ts";
import { Peace } from "./peace.ts";
import { Seat } from "./seat.ts";
import { serverOptions } from "./server-options.ts";

const LOOK_MILLIS = 250;
/** Of the time at the beginning of a line of the server's log: the trace has its own. */
const LOG_TIME_LENGTH = "2023-11-14T22:13:20.000Z ".length;

/** Whole servers, those who use them, and somebody who runs them. */
export class ServerCluster implements Scenario {
  readonly counts: Record<string, number> = {
    ...{ requests: 0, unknown: 0, races: 0, transactions: 0, undecided: 0 },
    ...{ "lost disks": 0, joined: 0, refused: 0, removed: 0, actions: 0, restarts: 0 },
    ...{ splits: 0, merges: 0, moves: 0 },
  };
  readonly #run: SimRun<ClusterKnobs>;
  readonly #seats = new Map<number, Seat>();
  readonly #caller: Caller;
  readonly #objects: AcknowledgedObjects;
  readonly #users: S3Users;
  readonly #transactors: Transactors;
  readonly #operator: Operator;
  readonly #peace: Peace;
  #isFounded = false;
  #firstToken: string | undefined;
  #missing: string | undefined = "nobody has looked";

  constructor(run: SimRun<ClusterKnobs>) {
    const { knobs } = run;
    const pick = (client: Client): Seat | undefined => this.#pick(client);
    const counts = this.counts;
    this.#run = run;
    this.#peace = new Peace(() => run.nowMillis);
    this.#caller = new Caller(() => (run.isFaulty ? knobs.lostAnswerChance : 0));
    this.#objects = new AcknowledgedObjects(run.history);
    this.#users = new S3Users({
      ...{ run, caller: this.#caller, counts, pick, objects: this.#objects },
      ...{
        bodies: new Bodies(run.prng.fork(), knobs.bodyBytesMax),
        races: new OneWinner(),
        buckets: new DeletedBuckets(),
      },
    });
    this.#transactors = new Transactors({ run, counts, pick });
    this.#operator = new Operator({
      ...{ run, caller: this.#caller, counts, peace: this.#peace },
      seats: () => this.#all(),
      seatOf: (id) => this.#seatOf(id),
    });
  }

  async start(context: NodeContext): Promise<void> {
    const seat = this.#seatOf(context.id);
    seat.began(context, this.#run.nowMillis);
    try {
      const server = await this.#serve(seat, context);
      if (!context.isAlive) return;
      checkReady(seat, this.#all());
      if (context.isTraced) context.trace("ready", `as node ${seat.member}`);
      seat.ready(server);
    } catch (error) {
      this.#ended(seat, context, error);
    }
  }

  begin(): void {
    this.#users.begin();
    this.#transactors.begin();
    this.#operator.begin();
  }

  permits(fault: FaultEvent): boolean {
    const seat = this.#seatOf(fault.node);
    if (this.#operator.needsPeace) return false;
    if (fault.kind === "lost-disk") {
      if (!this.#operator.mayLoseDisk(seat)) return false;
      this.counts["lost disks"]!++;
      this.#operator.losesDisk(seat);
    }
    this.#peace.ends(fault);
    return true;
  }

  heal(): void {
    this.#run.client(async (client) => {
      await until(client, () => this.#isWhole(client));
      this.#missing = "not all has been read";
      await until(client, () => this.#users.readAll(client, this.#serving()));
      await until(client, () => this.#transactors.readAll(client, client.prng.pick(this.#serving())));
      this.#missing = undefined;
    });
  }

  missing(): string | undefined {
    return this.#missing;
  }

  finish(): void {
    if (!this.#objects.check()) this.counts["undecided"]!++;
    if (!this.#transactors.check()) this.counts["undecided"]!++;
  }

  /** What `ashlar serve` does, and before it `ashlar cluster init` where the cluster begins. */
  async #serve(seat: Seat, context: NodeContext): Promise<RunningNode> {
    const { env } = context;
    const file = await readClusterFile(env.disk);
    const isFirst = file === undefined && seat.id === 1 && !this.#isFounded;
    if (isFirst) this.#firstToken = await beginCluster(env, { name: "simulated", tls: false, zone: "" });
    if (isFirst || (file !== undefined && seat.id === 1)) this.#isFounded = true;
    const isLost = file === undefined && seat.member !== 0;
    invariant(!isLost, "a node's directory is no node's any more", () => `node ${seat.member} at ${seat.name}`);
    const admission =
      file === undefined && !isFirst ? await this.#operator.admissionFor(seat, this.#firstToken) : undefined;
    const log = (line: string): void => {
      if (context.isTraced) context.trace("log", line.slice(LOG_TIME_LENGTH, -1));
    };
    const server = await composeNode({
      env,
      options: serverOptions({
        ...{ host: seat.name, segmentBytes: this.#run.knobs.segmentBytes },
        ...{ join: admission?.address, joinToken: admission?.token },
      }),
      version: "simulated",
      console: { read: async () => undefined },
      logger: new Logger(env.clock, "text", log),
      onFatal: (error) => this.#ended(seat, context, error),
      bugs: this.#run.bugs as NodeBugs,
    });
    const own = await readClusterFile(env.disk);
    if (admission !== undefined && context.isAlive) this.counts["joined"]!++;
    if (context.isAlive) seat.member = own!.nodeId;
    return server;
  }

  /** A process can not go on, or was not let in. */
  #ended(seat: Seat, context: NodeContext, error: unknown): void {
    if (!context.isAlive) return;
    if (!(error instanceof AshlarError)) {
      this.#run.fail(error);
      return;
    }
    const told = (): string => `node ${seat.member} at ${seat.name}: ${error.message}`;
    if (hasCode(error, "NODE_SUPERSEDED") || hasCode(error, "NODE_REMOVED")) {
      const isRemoved = seat.state === "removed" || seat.mayBeRemoved;
      const isRight = hasCode(error, "NODE_REMOVED") ? isRemoved : seat.state === "impostor";
      if (!isRight) this.#run.fail(new Violation("a node is refused that goes on from its own data directory", told()));
      this.counts["refused"]!++;
      seat.refusals++;
    }
    context.exit(`stops: ${error.message}`);
  }

  /** Whether each server says that the cluster is in full health. */
  async #isWhole(client: Client): Promise<boolean> {
    this.#missing = await this.#operator.lack(client);
    await client.sleep(LOOK_MILLIS);
    return this.#missing === undefined;
  }

  #seatOf(id: number): Seat {
    let seat = this.#seats.get(id);
    if (seat === undefined) {
      seat = new Seat(this.#run.nodes[id - 1]!);
      this.#seats.set(id, seat);
    }
    return seat;
  }

  #all(): readonly Seat[] {
    return [...this.#seats.values()];
  }

  #serving(): readonly Seat[] {
    return this.#all().filter(({ server, state }) => server !== undefined && state === "sound");
  }

  #pick(client: Client): Seat | undefined {
    const seats = this.#serving();
    return seats.length === 0 ? undefined : client.prng.pick(seats);
  }
}
