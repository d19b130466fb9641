import { execFileSync } from "node:child_process";
import { chown } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "../free-port.ts";
import { memoryFolder } from "../server-process.ts";
import { EngineChild } from "./engine-child.ts";
import { userOf } from "./programs.ts";

const USER = "leaf";
const PASSWORD = "of leaf's own table";

/** A real MariaDB on a free port, as the user `mysql` where this is root; its data, in memory, goes with it. */
export class MariadbProcess implements AsyncDisposable {
  readonly port: number;
  readonly user: string = USER;
  readonly password: string = PASSWORD;
  readonly database: string = "ids";
  readonly #folder: AsyncDisposable & { readonly path: string };
  readonly #settings: readonly string[];
  readonly #child = new EngineChild("MariaDB");
  #places = 0;

  /** Settings as `--name=value`, of a server whose folder that is. */
  static async start(settings: (folder: string) => readonly string[] = () => []): Promise<MariadbProcess> {
    const folder = await memoryFolder("mariadb");
    const user = userOf("mysql");
    if ("uid" in user) await chown(folder.path, user.uid, user.gid);
    const data = `--datadir=${join(folder.path, "data")}`;
    const options = ["--no-defaults", data, "--auth-root-authentication-method=normal", "--skip-test-db"];
    execFileSync("mariadb-install-db", options, { ...user, cwd: "/", stdio: "ignore" });
    const mariadb = new MariadbProcess(folder, await freePort(), settings(folder.path));
    await mariadb.run();
    mariadb.query("CREATE DATABASE ids", `CREATE USER '${USER}'@'127.0.0.1' IDENTIFIED BY "${PASSWORD}"`);
    mariadb.query(`GRANT ALL ON ids.* TO '${USER}'@'127.0.0.1'`);
    return mariadb;
  }

  private constructor(folder: AsyncDisposable & { readonly path: string }, port: number, settings: readonly string[]) {
    this.#folder = folder;
    this.port = port;
    this.#settings = settings;
  }

  /** For `--leaf-mysql`, without the password. */
  get url(): string {
    return `mysql://${USER}@127.0.0.1:${this.port}/${this.database}`;
  }

  /** The database that `newPlace` made last. */
  get place(): string {
    return `place_${this.#places}`;
  }

  /** For `--worker-ids`, with the password: a database that is empty so far. */
  newPlace(): string {
    this.#places++;
    this.query(`CREATE DATABASE ${this.place}`, `GRANT ALL ON ${this.place}.* TO '${USER}'@'127.0.0.1'`);
    return `mysql://${USER}:${encodeURIComponent(PASSWORD)}@127.0.0.1:${this.port}/${this.place}`;
  }

  /** As its administrator, by its own client; what it printed, a line a row, with tabs between columns. */
  query(...statements: readonly string[]): string {
    const client = ["--no-defaults", `--socket=${this.#socket}`, "--user=root", "--batch", "--skip-column-names"];
    return execFileSync("mariadb", [...client, "-e", statements.join(";")], { encoding: "utf8" }).trim();
  }

  /** Over the data that it has; after `kill`. */
  async run(): Promise<void> {
    const options = [
      ...["--no-defaults", `--datadir=${join(this.#folder.path, "data")}`, `--socket=${this.#socket}`],
      ...["--bind-address=127.0.0.1", `--port=${this.port}`, "--skip-name-resolve", "--innodb-buffer-pool-size=32M"],
      ...[
        "--innodb-log-file-size=8M",
        "--skip-log-bin",
        "--character-set-server=utf8mb4",
        `--pid-file=${join(this.#folder.path, "pid")}`,
      ],
    ];
    const user = { ...userOf("mysql"), cwd: "/" };
    await this.#child.run("mariadbd", [...options, ...this.#settings], () => this.#isReady(), user);
  }

  /** SIGKILL; waits until it is gone. The data stays. */
  async kill(): Promise<void> {
    await this.#child.kill();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await this.#folder[Symbol.asyncDispose]();
  }

  get #socket(): string {
    return join(this.#folder.path, "socket");
  }

  #isReady(): boolean {
    try {
      const options = ["--no-defaults", `--socket=${this.#socket}`, "--user=root", "-e", "SELECT 1"];
      execFileSync("mariadb", options, { stdio: "ignore" });
      return true;
    } catch {
      return false;
    }
  }
}
