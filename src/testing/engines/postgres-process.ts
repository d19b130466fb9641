import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { chown, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "../free-port.ts";
import { memoryFolder } from "../server-process.ts";
import { EngineChild } from "./engine-child.ts";
import { postgresPrograms, postgresUser } from "./programs.ts";

/** A real PostgreSQL on a free port, as the user `postgres` where this is root; its data, in memory unless told otherwise, goes with it. */
export class PostgresProcess implements AsyncDisposable {
  readonly #folder: AsyncDisposable & { readonly path: string };
  readonly #port: number;
  readonly #settings: readonly string[];
  readonly #child = new EngineChild("PostgreSQL");
  #places = 0;

  /** Settings as `name=value`. */
  static async start({
    settings = [],
    folder: makeFolder = memoryFolder,
  }: {
    readonly settings?: readonly string[];
    readonly folder?: typeof memoryFolder;
  } = {}): Promise<PostgresProcess> {
    const folder = await makeFolder("postgres");
    const user = postgresUser();
    if ("uid" in user) await chown(folder.path, user.uid, user.gid);
    const initdb = join(postgresPrograms()!, "initdb");
    const options = ["--username", "ashlar", "--auth", "trust", "--encoding", "UTF8", "--no-locale", "--no-sync"];
    execFileSync(initdb, [...options, "--pgdata", join(folder.path, "data")], { ...user, cwd: "/", stdio: "ignore" });
    const postgres = new PostgresProcess(folder, await freePort(), settings);
    await postgres.run();
    return postgres;
  }

  private constructor(folder: AsyncDisposable & { readonly path: string }, port: number, settings: readonly string[]) {
    this.#folder = folder;
    this.#port = port;
    this.#settings = settings;
  }

  /** The database that there is. */
  get url(): string {
    return this.#database("postgres");
  }

  /** For `--store`: a database that is empty so far. */
  newPlace(): string {
    const name = `place_${++this.#places}`;
    const psql = join(postgresPrograms()!, "psql");
    execFileSync(psql, [this.url, "--quiet", "--command", `create database ${name}`], { stdio: "ignore" });
    return this.#database(name);
  }

  /** Over the data that it has; after `kill`. */
  async run(): Promise<void> {
    const settings = [
      "listen_addresses=127.0.0.1",
      "unix_socket_directories=",
      "max_connections=300",
      ...this.#settings,
    ];
    const args = ["-D", join(this.#folder.path, "data"), "-p", String(this.#port)];
    for (const setting of settings) args.push("-c", setting);
    const user = { ...postgresUser(), cwd: "/" };
    await this.#child.run(join(postgresPrograms()!, "postgres"), args, () => this.#isReady(), user);
  }

  /** SIGKILL to the postmaster and all processes that it has begun; waits until it is gone. The data stays. */
  async kill(): Promise<void> {
    const { pid } = this.#child;
    if (pid === undefined) return;
    const backends = (await readFile(`/proc/${pid}/task/${pid}/children`, "utf8")).trim().split(/\s+/);
    await this.#child.kill();
    for (const backend of backends) {
      try {
        process.kill(Number(backend), "SIGKILL");
      } catch {
        // It was gone already.
      }
    }
    // They let go of the shared memory that the next start needs.
    for (const backend of backends) while (existsSync(`/proc/${backend}`)) await sleep(5);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await this.#folder[Symbol.asyncDispose]();
  }

  #database(name: string): string {
    return `postgres://ashlar@127.0.0.1:${this.#port}/${name}`;
  }

  #isReady(): boolean {
    try {
      const program = join(postgresPrograms()!, "pg_isready");
      execFileSync(program, ["-q", "-h", "127.0.0.1", "-p", String(this.#port)], { stdio: "ignore" });
      return true;
    } catch {
      return false;
    }
  }
}
