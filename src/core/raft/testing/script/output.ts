/** What a block has written so far. Silenced, it keeps nothing. */
export class Output {
  isQuiet = false;
  #text = "";
  #indents: string[] = [];

  get text(): string {
    return this.#text;
  }

  reset(): void {
    this.#text = "";
  }

  write(text: string): void {
    if (!this.isQuiet) this.#text += text;
  }

  line(text: string): void {
    this.write(`${text}\n`);
  }

  /** All lines that are written meanwhile stand two blanks further in. */
  indented(work: () => void): void {
    this.#indents.push(this.#text);
    this.#text = "";
    try {
      work();
    } finally {
      const inner = this.#text;
      this.#text = this.#indents.pop()!;
      if (inner !== "") {
        const lines = inner.endsWith("\n") ? inner.slice(0, -1).split("\n") : inner.split("\n");
        for (const line of lines) this.line(`  ${line}`);
      }
    }
  }
}
