// Simulates a protocol of your own. Three nodes keep one register. A primary writes to a majority; when it falls silent
// another node takes over. `careless` takes over with what it happens to hold; `careful` first asks a majority what was
// written, which also keeps the old primary from writing any more. The simulator finds out which of them loses writes:
//
//     node --conditions=ashlar-source examples/simulate-your-state-machine.ts

import { checkHistory } from "ashlar/checkers";
import {
  type Client,
  failureLines,
  investigate,
  type NodeContext,
  runSeed,
  type Scenario,
  type SimRun,
  Violation,
  type Workload,
} from "ashlar/sim";

export type Failover = "careless" | "careful";

const NODES = 3;
const MAJORITY = 2;
const PING_MILLIS = 50;

/** Which write it was: a later epoch's is newer, and so is a later one of the same epoch. */
type Stamp = readonly [epoch: number, version: number];

interface Message {
  readonly kind: "ping" | "claim" | "store" | "yes";
  readonly epoch: number;
  /** The question's number, which its answers repeat. */
  readonly question: number;
  readonly stamp: Stamp;
  readonly value: string | null;
}

/** One node: everything that it does follows from messages and timers of its context. */
class Register {
  readonly #node: NodeContext;
  readonly #failover: Failover;
  #epoch = 1;
  #stamp: Stamp = [0, 0];
  #value: string | null = null;
  #isPrimary: boolean;
  #questions = 0;
  readonly #answers = new Map<number, (answer: Message) => void>();
  #silentPings = 0;

  constructor(node: NodeContext, failover: Failover) {
    this.#node = node;
    this.#failover = failover;
    this.#isPrimary = node.id === 1;
    node.receive((from, bytes) => this.#receive(from, JSON.parse(new TextDecoder().decode(bytes))));
    this.#tick();
  }

  get isPrimary(): boolean {
    return this.#isPrimary;
  }

  async write(value: string): Promise<void> {
    this.#stamp = [this.#epoch, this.#stamp[1] + 1];
    this.#value = value;
    await this.#ask("store", this.#epoch);
  }

  async read(): Promise<string | null> {
    const value = this.#value;
    // Also what it holds itself may be a write that nobody acknowledged: it is stored first.
    await this.#ask("store", this.#epoch);
    return value;
  }

  #tick(): void {
    const patience = 8 + 4 * this.#node.id;
    if (this.#isPrimary) this.#send("ping", this.#epoch, 0);
    else if (++this.#silentPings > patience) this.#node.watch(this.#takeOver());
    this.#node.env.timers.after(PING_MILLIS, () => this.#tick());
  }

  async #takeOver(): Promise<void> {
    this.#silentPings = 0;
    // Epochs are dealt out in turn, so that no two nodes ever have the same one.
    const epoch = this.#epoch + NODES - ((this.#epoch - this.#node.id + NODES) % NODES);
    this.#epoch = epoch;
    if (this.#failover === "careful") {
      const answers = await this.#ask("claim", epoch);
      for (const { stamp, value } of answers) {
        if (isNewer(stamp, this.#stamp)) [this.#stamp, this.#value] = [stamp, value];
      }
      if (this.#epoch !== epoch) return;
    }
    this.#isPrimary = true;
  }

  /** Resolves with a majority's answers, or never. */
  #ask(kind: "claim" | "store", epoch: number): Promise<readonly Message[]> {
    const question = ++this.#questions;
    const answers: Message[] = [];
    return new Promise((resolve) => {
      this.#answers.set(question, (answer) => {
        answers.push(answer);
        if (answers.length >= MAJORITY - 1 && this.#epoch === epoch) resolve(answers);
      });
      this.#send(kind, epoch, question);
    });
  }

  #receive(from: number, message: Message): void {
    const { kind, epoch, question, stamp, value } = message;
    if (epoch < this.#epoch) return;
    if (epoch > this.#epoch) {
      this.#epoch = epoch;
      this.#isPrimary = false;
    }
    this.#silentPings = 0;
    if (kind === "yes") {
      this.#answers.get(question)?.(message);
      return;
    }
    if (kind === "store" && isNewer(stamp, this.#stamp)) [this.#stamp, this.#value] = [stamp, value];
    if (kind === "store" || kind === "claim") this.#sendTo(from, "yes", epoch, question);
  }

  #send(kind: Message["kind"], epoch: number, question: number): void {
    for (let id = 1; id <= NODES; id++) if (id !== this.#node.id) this.#sendTo(id, kind, epoch, question);
  }

  #sendTo(id: number, kind: Message["kind"], epoch: number, question: number): void {
    const message: Message = { kind, epoch, question, stamp: this.#stamp, value: this.#value };
    this.#node.send(id, new TextEncoder().encode(JSON.stringify(message)));
  }
}

function isNewer(one: Stamp, other: Stamp): boolean {
  return one[0] > other[0] || (one[0] === other[0] && one[1] > other[1]);
}

/** What is simulated: the nodes, their clients, and what must hold. */
export function registerWorkload(failover: Failover): Workload {
  return {
    name: `register-${failover}`,
    summary: `a register on three nodes with a ${failover} failover`,
    seconds: 30,
    recoverySeconds: 10,
    nodes: [NODES, NODES],
    // Its state is in memory: it is not meant to survive crashes.
    faults: { pause: {}, partition: { weight: 2 }, isolate: { weight: 2 }, "slow-link": {}, "bad-network": {} },
    networkMillisMax: 5,
    draw: () => ({}),
    open: (run) => new RegisterScenario(run, failover),
  };
}

class RegisterScenario implements Scenario {
  readonly #run: SimRun;
  readonly #failover: Failover;
  readonly #registers: Register[] = [];
  #hasWritten = false;

  constructor(run: SimRun, failover: Failover) {
    this.#run = run;
    this.#failover = failover;
  }

  start(node: NodeContext): void {
    this.#registers[node.id - 1] = new Register(node, this.#failover);
  }

  begin(): void {
    for (let count = 0; count < 3; count++) this.#run.client((client) => this.#use(client));
  }

  missing(): string | undefined {
    return this.#hasWritten ? undefined : "nobody could write";
  }

  finish(): void {
    const verdict = checkHistory(this.#run.history.operations, { model: "register" });
    if (verdict.verdict !== "violation") return;
    throw new Violation("the history is not linearizable", verdict.explanation.join(" "));
  }

  async #use(client: Client): Promise<void> {
    for (let count = 0; ; count++) {
      await client.sleep(200 * client.prng.unit());
      const register = client.prng.pick(this.#registers);
      if (!register.isPrimary) continue;
      // Each operation is a process of its own: one that gets no answer may still take effect.
      const process = client.id * 1_000_000 + count;
      if (client.prng.chance(0.5)) {
        const value = `${client.id}.${count}`;
        const operation = this.#run.history.invoke(process, "write", value);
        const done = await client.within(
          1_000,
          register.write(value).then(() => true),
        );
        if (done === true) operation.ok();
        this.#hasWritten ||= done === true && !this.#run.isFaulty;
      } else {
        const operation = this.#run.history.invoke(process, "read");
        const read = await client.within(
          1_000,
          register.read().then((value) => ({ value })),
        );
        if (read === undefined) operation.fail();
        else operation.ok(read.value);
      }
    }
  }
}

if (import.meta.main) {
  for (const failover of ["careless", "careful"] as const) {
    const workload = registerWorkload(failover);
    let isHolding = true;
    for (let seed = 1; seed <= 50 && isHolding; seed++) {
      const result = await runSeed(workload, { seed });
      isHolding = result.failure === undefined;
      if (isHolding) continue;
      console.log(failureLines(await investigate(workload, result, { seed }, { traceLinesMax: 12 })).join("\n"));
    }
    console.log(`${workload.name}: ${isHolding ? "all 50 seeds held" : "failed"}`);
  }
}
