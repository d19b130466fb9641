import type { Capture, Entry, StateMachine } from "../../../host/index.ts";
import { text, utf8 } from "../../../std/bytes.ts";
import { type ByteSource, collect, sourceOf } from "../../../std/source.ts";
import { invariant } from "../../kernel/index.ts";

/** What a client asks for. Each has a name of its own, by which it is seen whether it was applied twice. */
export type Command =
  | { readonly name: string; readonly kind: "write"; readonly key: string; readonly value: string | null }
  | { readonly name: string; readonly kind: "cas"; readonly key: string; readonly from: unknown; readonly to: string };

/** Of a write null; of a comparison whether it was as expected. */
export type Reply = boolean | null;

export interface AppliedObserver {
  /** The state after an entry, as a number that differs where states do. */
  applied(index: number, digest: number): void;
}

const SNAPSHOT_BYTES_MAX = 64 * 1024 * 1024;

/** A map from keys to values that also remembers what it was told. */
export class KvMachine implements StateMachine<Reply> {
  appliedIndex = 0;
  #digest = 0x811c9dc5;
  #values = new Map<string, string | null>();
  #names = new Set<string>();
  readonly #observer: AppliedObserver;

  constructor(observer: AppliedObserver) {
    this.#observer = observer;
  }

  get(key: string): string | null {
    return this.#values.get(key) ?? null;
  }

  apply(entries: readonly Entry[]): Reply[][] {
    return entries.map(({ index, commands }) => {
      invariant(index === this.appliedIndex + 1, "a machine is fed entries out of order");
      this.appliedIndex = index;
      const replies = commands.map((command) => this.#run(command));
      this.#observer.applied(index, this.#digest);
      return replies;
    });
  }

  capture(): Capture {
    const state = [this.#digest, [...this.#values], [...this.#names]];
    const bytes = utf8(JSON.stringify(state));
    return { read: () => sourceOf(bytes), close: () => {} };
  }

  async restore(source: ByteSource, index: number): Promise<void> {
    const bytes = await collect(source, SNAPSHOT_BYTES_MAX);
    const [digest, values, names] = JSON.parse(text(bytes!));
    this.#digest = digest;
    this.#values = new Map(values);
    this.#names = new Set(names);
    this.appliedIndex = index;
    this.#observer.applied(index, this.#digest);
  }

  #run(bytes: Uint8Array): Reply {
    let digest = this.#digest;
    for (let at = 0; at < bytes.length; at++) digest = Math.imul(digest ^ bytes[at]!, 0x01000193) >>> 0;
    this.#digest = digest;
    const command: Command = JSON.parse(text(bytes));
    invariant(!this.#names.has(command.name), "a command is applied twice", () => command.name);
    this.#names.add(command.name);
    if (command.kind === "write") {
      this.#values.set(command.key, command.value);
      return null;
    }
    if (this.get(command.key) !== command.from) return false;
    this.#values.set(command.key, command.to);
    return true;
  }
}
