import { ClientSession, encodePlain, type HostedGroup, hostFailure, type SessionOutcome } from "../../../host/index.ts";
import { utf8 } from "../../../std/bytes.ts";
import { AshlarError, hasCode } from "../../../std/errors.ts";
import { type Client, invariant, type NodeContext, type SimRun } from "../../kernel/index.ts";
import type { RaftKnobs } from "./knobs.ts";
import type { Command, KvMachine, Reply } from "./kv-machine.ts";

/** A client gives up waiting after so long; what it asked for may still happen. */
const PATIENCE_MILLIS = 5_000;
/** With a session it asks another member after so long. */
const TRY_MILLIS = 700;
const SESSION_WINDOW_MAX = 8;

/** Where commands can be applied once, a session's answer stands around the machine's. */
export type Answer = Reply | SessionOutcome<Reply>;

/** One run of one process. */
export interface Member {
  readonly context: NodeContext;
  readonly machine: KvMachine;
  group: HostedGroup<Answer> | undefined;
}

/** Of a command that nothing was written for `refused`; `undefined`: it is unknown what came of it. */
export type CommandOutcome = Reply | "refused" | undefined;

export interface UsersParts {
  readonly run: SimRun<RaftKnobs>;
  /** Any member that is up. */
  readonly pick: () => Member | undefined;
  readonly counts: Record<string, number>;
}

/** Those who use the map: each does one operation after the other, on whatever member it finds. */
export class Users {
  readonly #run: SimRun<RaftKnobs>;
  readonly #pick: () => Member | undefined;
  readonly #counts: Record<string, number>;
  #commands = 0;
  #processes = 0;

  constructor({ run, pick, counts }: UsersParts) {
    this.#run = run;
    this.#pick = pick;
    this.#counts = counts;
  }

  begin(): void {
    for (let left = this.#run.knobs.clients; left > 0; left--) this.#run.client((client) => this.#use(client));
  }

  /** A command that no history tells of. */
  write(client: Client, member: Member, key: string, value: string): Promise<CommandOutcome> {
    return this.#propose(client, member, { name: this.#newName(), kind: "write", key, value });
  }

  async #use(client: Client): Promise<void> {
    const { knobs } = this.#run;
    const session = knobs.sessionsMax > 0 ? new SessionUser(client, this.#run, this.#pick) : undefined;
    let process = this.#processes++;
    for (;;) {
      await client.sleep(knobs.thinkMillis * 2 * client.prng.unit());
      if (!this.#run.isFaulty) return;
      const member = this.#pick();
      if (member === undefined) continue;
      this.#counts["operations"]!++;
      // After an unknown outcome the process is gone, as histories have it.
      if (client.prng.chance(0.4)) await this.#read(client, member, process);
      else if (!(await this.#change(client, member, process, session))) process = this.#processes++;
    }
  }

  async #read(client: Client, member: Member, process: number): Promise<void> {
    const key = this.#drawKey(client);
    const operation = this.#run.history.invoke(process, "read", null, key);
    const barrier = member.group!.readBarrier().then(() => true);
    const isRead = await outcomeOf(client.within(PATIENCE_MILLIS, barrier));
    if (isRead === true && member.context.isAlive) operation.ok(member.machine.get(key));
    else operation.fail();
  }

  /** False where it is unknown what came of it. */
  async #change(client: Client, member: Member, process: number, session?: SessionUser): Promise<boolean> {
    const key = this.#drawKey(client);
    const name = this.#newName();
    const value = name.padEnd(name.length + this.#run.knobs.paddingBytes, " ");
    const from = member.machine.get(key);
    const isWrite = client.prng.chance(2 / 3);
    const command: Command = isWrite
      ? { name, kind: "write", key, value }
      : { name, kind: "cas", key, from, to: value };
    const operation = this.#run.history.invoke(process, command.kind, isWrite ? value : [from, value], key);
    const outcome =
      session === undefined ? await this.#propose(client, member, command) : await session.propose(command);
    if (outcome === "refused") operation.fail("refused");
    else if (outcome === false) operation.fail();
    else if (outcome === undefined) operation.unknown();
    else operation.ok();
    if (outcome === undefined) this.#counts["unknown"]!++;
    return outcome !== undefined;
  }

  async #propose(client: Client, { group }: Member, command: Command): Promise<CommandOutcome> {
    const bytes = utf8(JSON.stringify(command));
    const proposed = this.#run.knobs.sessionsMax > 0 ? encodePlain(bytes) : bytes;
    const outcome = await outcomeOf(client.within(PATIENCE_MILLIS, group!.propose(proposed)));
    if (typeof outcome !== "object" || outcome === null) return outcome;
    invariant(outcome.kind === "result", "a plain command has a result");
    return outcome.result;
  }

  #drawKey({ prng }: Client): string {
    return `k${prng.below(this.#run.knobs.keys)}`;
  }

  #newName(): string {
    return String(++this.#commands);
  }
}

/** Sends each command again, to any member, until it has an answer: it must be applied once all the same. */
class SessionUser {
  readonly #client: Client;
  readonly #run: SimRun<RaftKnobs>;
  readonly #pick: () => Member | undefined;
  #session: ClientSession<Reply> | undefined;

  constructor(client: Client, run: SimRun<RaftKnobs>, pick: () => Member | undefined) {
    this.#client = client;
    this.#run = run;
    this.#pick = pick;
  }

  async propose(command: Command): Promise<CommandOutcome> {
    try {
      this.#session ??= await this.#begin();
    } catch (error) {
      if (error instanceof AshlarError) return "refused";
      throw error;
    }
    try {
      return await this.#session.propose(utf8(JSON.stringify(command)));
    } catch (error) {
      invariant(!hasCode(error, "SESSION_WINDOW"), "what a session still waits for is not answered any more");
      if (hasCode(error, "SESSION_UNKNOWN")) {
        this.#session = undefined;
        return undefined;
      }
      return outcomeOf(Promise.reject(error));
    }
  }

  #begin(): Promise<ClientSession<Reply>> {
    const run = this.#run;
    return ClientSession.begin<Reply>({
      propose: (command) => this.#try(command),
      timers: {
        after: (millis, then) => run.after(millis, "session", then),
        endOfTurn: (then) => void run.after(0, "session", then),
      },
      limits: {
        sessionsMax: run.knobs.sessionsMax,
        windowMax: SESSION_WINDOW_MAX,
        timeoutMillis: PATIENCE_MILLIS,
      },
    });
  }

  async #try(command: Uint8Array): Promise<SessionOutcome<Reply>> {
    const member = this.#pick();
    if (member === undefined) throw hostFailure("NO_LEADER");
    const outcome = await this.#client.within(TRY_MILLIS, member.group!.propose(command)).catch((error) => {
      throw hasCode(error, "STOPPED") ? hostFailure("OUTCOME_UNKNOWN", { cause: error }) : error;
    });
    if (outcome === undefined) throw hostFailure("OUTCOME_UNKNOWN");
    invariant(typeof outcome === "object" && outcome !== null, "a session's command has a session's answer");
    return outcome;
  }
}

async function outcomeOf<T>(answer: Promise<T | undefined>): Promise<T | undefined | "refused"> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof AshlarError)) throw error;
    return error.code === "NO_LEADER" || error.code === "OVERLOADED" ? "refused" : undefined;
  }
}
