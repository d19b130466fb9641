import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

// The npm packages that are measured beside, as far as they are used: `npm run check` knows their types where they are not
// installed, and the other benchmarks do not load them.

export interface Packages {
  readonly uuid: { v4(): string; v7(): string };
  readonly nanoid: { nanoid(): string };
  readonly ulid: { monotonicFactory(): () => string };
  readonly "nodejs-snowflake": {
    readonly Snowflake: new (options: {
      readonly instance_id: number;
      readonly custom_epoch: number;
    }) => { getUniqueID(): bigint };
  };
  /** `next` gives eight bytes, and throws where the millisecond is full. */
  readonly "flake-idgen": new (options: {
    readonly id: number;
    readonly epoch: number;
  }) => { next(): Uint8Array };
}

const NAMES: readonly (keyof Packages)[] = ["uuid", "nanoid", "ulid", "nodejs-snowflake", "flake-idgen"];

export function loadPackages(): Packages {
  const require = createRequire(import.meta.url);
  return Object.fromEntries(NAMES.map((name) => [name, require(name)])) as unknown as Packages;
}

export function packageVersions(): ReadonlyMap<string, string> {
  const manifestOf = (name: string): { readonly version: string } =>
    JSON.parse(readFileSync(new URL(`../node_modules/${name}/package.json`, import.meta.url), "utf8"));
  return new Map(NAMES.map((name) => [name, manifestOf(name).version]));
}
