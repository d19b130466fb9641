/** One behaviour that every implementation of an interface has. It gets a fresh fixture and leaves nothing behind. */
export interface Case<Fixture> {
  readonly name: string;
  run(fixture: Fixture): Promise<void>;
}

/** The part of a test runner that a suite needs. */
export type Test = (name: string, run: () => Promise<void>) => void;

export function registerCases<Fixture extends AsyncDisposable>(
  test: Test,
  cases: readonly Case<Fixture>[],
  make: () => Promise<Fixture>,
): void {
  for (const { name, run } of cases) {
    test(name, async () => {
      await using fixture = await make();
      await run(fixture);
    });
  }
}
