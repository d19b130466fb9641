import { ConformanceError, holds } from "./expect.ts";

/** One promise of an interface, and how it is put to the test. */
export interface Case<Subject, Need extends string> {
  readonly name: string;
  /** What the provider must be able to do for it. */
  readonly needs?: readonly Need[];
  run(subject: Subject): Promise<void>;
}

export interface ConformanceSkip {
  /** The name of a test. */
  readonly test: string;
  readonly reason: string;
}

/** As node:test's `test`, and easily made of any other runner's. */
export type RegisterTest = (name: string, options: { readonly skip?: string }, run: () => Promise<void>) => unknown;

export interface Registration<Subject extends AsyncDisposable, Need extends string> {
  readonly test: RegisterTest;
  readonly name: string;
  readonly cases: readonly Case<Subject, Need>[];
  readonly skip: readonly ConformanceSkip[];
  readonly can: (need: Need) => boolean;
  readonly open: () => Promise<Subject>;
}

/** Throws where a skip names no test, or gives no reason. */
export function register<Subject extends AsyncDisposable, Need extends string>(
  registration: Registration<Subject, Need>,
): void {
  const { test, name, cases, skip, can, open } = registration;
  for (const { test: skipped, reason } of skip) {
    if (!cases.some((each) => each.name === skipped))
      throw new ConformanceError(`there is no test "${skipped}" to skip`);
    if (reason === "") throw new ConformanceError(`the skip of "${skipped}" has no reason`);
  }
  for (const each of cases) {
    const reason = skip.find((one) => one.test === each.name)?.reason;
    test(`${name}: ${each.name}`, reason === undefined ? {} : { skip: reason }, async () => {
      for (const need of each.needs ?? []) {
        holds(can(need), `no "${need}" was given: skip the test by name, with the reason`);
      }
      await using subject = await open();
      await each.run(subject);
    });
  }
}
