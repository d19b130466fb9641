import { baseOf, folderOf } from "../names.ts";

/** A name added or removed since its folder was last synced. */
interface NameChange<File> {
  readonly name: string;
  /** Undefined: removed. */
  readonly file: File | undefined;
  /** The other half of a rename: the old name does not go before the new one is there. */
  readonly needs: NameChange<File> | undefined;
}

/**
 * Which name leads to which file, as processes see it and as the disk is sure to have it. Folders are durable as soon
 * as they are made. A rename within one folder is atomic; over two folders a crash may leave both names, never none.
 */
export class NameTable<File> {
  #live = new Map<string, File>();
  readonly #durable = new Map<string, File>();
  readonly #folders = new Set<string>([""]);
  readonly #isTracked: boolean;
  #changes: NameChange<File>[] = [];

  /** Without tracking there is no crash, and no memory is kept for one. */
  constructor(isTracked: boolean) {
    this.#isTracked = isTracked;
  }

  get(name: string): File | undefined {
    return this.#live.get(name);
  }

  /** All that have a name or may have one after a crash. */
  files(): Set<File> {
    return new Set([...this.#durable.values(), ...this.#live.values()]);
  }

  /** By the names that processes see. */
  entries(): ReadonlyMap<string, File> {
    return this.#live;
  }

  /** The top one, "", among them. */
  folders(): readonly string[] {
    return [...this.#folders];
  }

  hasFolder(folder: string): boolean {
    return this.#folders.has(folder);
  }

  makeFolder(folder: string): void {
    for (let made = folder; made !== ""; made = folderOf(made)) this.#folders.add(made);
  }

  list(folder: string): string[] {
    const names: string[] = [];
    for (const known of [...this.#live.keys(), ...this.#folders]) {
      if (known !== "" && folderOf(known) === folder) names.push(baseOf(known));
    }
    return names.sort();
  }

  add(name: string, file: File): void {
    this.#live.set(name, file);
    this.#change(name, file, undefined);
  }

  remove(name: string): void {
    this.#live.delete(name);
    this.#change(name, undefined, undefined);
  }

  rename(from: string, to: string): void {
    const file = this.#live.get(from);
    if (file === undefined || from === to) return;
    this.#live.delete(from);
    this.#live.set(to, file);
    this.#change(from, undefined, this.#change(to, file, undefined));
  }

  /** The changes of a folder up to now; `endSync` makes them durable. */
  beginSync(folder: string): ReadonlySet<NameChange<File>> {
    return new Set(this.#changes.filter((change) => folderOf(change.name) === folder));
  }

  endSync(changes: ReadonlySet<NameChange<File>>): void {
    const synced = new Set(changes);
    for (const change of changes) if (change.needs !== undefined) synced.add(change.needs);
    for (const change of this.#changes) if (synced.has(change)) this.#settle(change);
    this.#changes = this.#changes.filter((change) => !synced.has(change));
  }

  /** Each change that was not synced is kept or not. */
  crash(keeps: () => boolean): void {
    const dropped = new Set<NameChange<File>>();
    for (const change of this.#changes) {
      const { needs } = change;
      const isOneStep =
        needs !== undefined && folderOf(needs.name) === folderOf(change.name) && this.#changes.includes(needs);
      const isKept = isOneStep ? !dropped.has(needs) : keeps() && !(needs !== undefined && dropped.has(needs));
      if (isKept) this.#settle(change);
      else dropped.add(change);
    }
    this.#changes = [];
    this.#live = new Map(this.#durable);
  }

  #change(name: string, file: File | undefined, needs: NameChange<File> | undefined): NameChange<File> {
    const change = { name, file, needs };
    if (this.#isTracked) this.#changes.push(change);
    return change;
  }

  #settle(change: NameChange<File>): void {
    if (change.file === undefined) this.#durable.delete(change.name);
    else this.#durable.set(change.name, change.file);
  }
}
