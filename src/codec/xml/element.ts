import { xmlFailure } from "./errors.ts";

/**
 * One element of a parsed document. Names are without their namespace prefix. Reading fails with MALFORMED_XML where
 * the document is not what the reader asks for: an element missing, repeated, or with content of another kind.
 */
export class XmlElement {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly XmlElement[];
  readonly #text: string;

  constructor(name: string, attributes: ReadonlyMap<string, string>, children: readonly XmlElement[], text: string) {
    this.name = name;
    this.attributes = attributes;
    this.children = children;
    this.#text = text;
  }

  /** The text of an element without children, character for character. */
  text(): string {
    if (this.children.length > 0) throw this.#malformed("holds elements where text belongs");
    return this.#text;
  }

  /** A whole number in decimal, white space around it allowed. */
  integer(min: number, max: number): number {
    const digits = this.text().trim();
    const value = Number(digits);
    if (!/^-?\d{1,15}$/.test(digits) || value < min || value > max)
      throw this.#malformed("is not a number in its range");
    return value;
  }

  boolean(): boolean {
    const word = this.text().trim().toLowerCase();
    if (word !== "true" && word !== "false") throw this.#malformed("is neither true nor false");
    return word === "true";
  }

  /** All children of that name, in order. */
  all(name: string): XmlElement[] {
    return this.children.filter((child) => child.name === name);
  }

  /** The child of that name, of which there may be one at most. */
  optional(name: string): XmlElement | undefined {
    const [first, second] = this.all(name);
    if (second !== undefined) throw this.#malformed(`holds ${name} more than once`);
    return first;
  }

  /** The one child of that name. */
  required(name: string): XmlElement {
    const child = this.optional(name);
    if (child === undefined) throw this.#malformed(`holds no ${name}`);
    return child;
  }

  /** Says that the element has that name and no children but those listed. */
  expect(name: string, childNames: readonly string[]): this {
    if (this.name !== name) throw this.#malformed(`stands where ${name} belongs`);
    if (this.children.some((child) => !childNames.includes(child.name)))
      throw this.#malformed("holds an unknown element");
    return this;
  }

  #malformed(what: string): Error {
    return xmlFailure("MALFORMED_XML", {
      what: `The element ${shortened(this.name)} ${what}.`,
      data: { element: this.name },
    });
  }
}

function shortened(name: string): string {
  return name.length <= 64 ? name : `${name.slice(0, 61)}...`;
}
