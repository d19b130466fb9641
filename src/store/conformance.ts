// What every engine of the Store must do, as tests that any runner can register: an engine from outside can prove
// itself with them. Each test gets a Store that is new and empty. Nothing is skipped silently: a test that the engine
// can not pass, or for which its provider can not reopen, crash or let time pass, is named together with the reason.

// Whoever imports the types need not have this library among its own.
/// <reference lib="esnext.disposable" preserve="true" />

import assert from "node:assert/strict";
import { COMMIT_CASES } from "./conformance/commits.ts";
import { LEASE_CASES } from "./conformance/leases.ts";
import { LIMIT_CASES } from "./conformance/limits.ts";
import { READ_CASES } from "./conformance/reads.ts";
import { RESTART_CASES } from "./conformance/restarts.ts";
import { SCAN_CASES } from "./conformance/scans.ts";
import { SESSION_CASES } from "./conformance/sessions.ts";
import type { Case, Need, Subject } from "./conformance/subject.ts";
import { WATCH_CASES } from "./conformance/watches.ts";
import type { Store } from "./store.ts";

export type StoreConformanceNeed = Need;

export interface StoreConformance<Fixture extends StoreFixture> {
  /** Registers a test with the runner, as node:test's `test` does. */
  readonly test: (name: string, options: { readonly skip?: string }, run: () => Promise<void>) => unknown;
  /** Stands before the name of each test. */
  readonly name: string;
  /** A new, empty Store, and whatever the other functions need to know of it. */
  readonly open: () => Promise<Fixture>;
  /** Closes the Store and opens it again over the same data. */
  readonly reopen?: (fixture: Fixture) => Promise<Store>;
  /** Ends the Store as a power cut would, and opens it again over what was durable. */
  readonly crash?: (fixture: Fixture) => Promise<Store>;
  /** Resolves when this much time has passed for the engine's leases. */
  readonly elapse?: (fixture: Fixture, millis: number) => Promise<void>;
  readonly skip?: readonly StoreConformanceSkip[];
}

export interface StoreConformanceSkip {
  /** The name of a test as in STORE_CONFORMANCE_TESTS. */
  readonly test: string;
  readonly reason: string;
}

export interface StoreFixture extends AsyncDisposable {
  /** The Store as `open` opened it. Disposing of the fixture also ends whatever Store took its place. */
  readonly store: Store;
}

const CASES: readonly Case[] = [
  ...COMMIT_CASES,
  ...LIMIT_CASES,
  ...SCAN_CASES,
  ...READ_CASES,
  ...WATCH_CASES,
  ...LEASE_CASES,
  ...SESSION_CASES,
  ...RESTART_CASES,
];

/** The tests with what they need of their provider, so that one who lacks it can skip them. */
export const STORE_CONFORMANCE_TESTS: readonly { readonly name: string; readonly needs: readonly Need[] }[] = CASES.map(
  ({ name, needs = [] }) => ({ name, needs }),
);

/** Registers all tests. Throws where a skip names none of them. */
export function storeConformance<Fixture extends StoreFixture>(settings: StoreConformance<Fixture>): void {
  const { test, name, skip = [] } = settings;
  for (const { test: skipped, reason } of skip) {
    assert.ok(
      CASES.some((each) => each.name === skipped),
      `there is no test "${skipped}" to skip`,
    );
    assert.notEqual(reason, "", `the skip of "${skipped}" has a reason`);
  }
  for (const each of CASES) {
    const reason = skip.find((skipped) => skipped.test === each.name)?.reason;
    test(`${name}: ${each.name}`, reason === undefined ? {} : { skip: reason }, () => runCase(each, settings));
  }
}

async function runCase<Fixture extends StoreFixture>(each: Case, settings: StoreConformance<Fixture>): Promise<void> {
  for (const need of each.needs ?? []) {
    assert.ok(settings[need], `no function "${need}" was given: skip the test by name, with the reason`);
  }
  await using fixture = await settings.open();
  await each.run(subjectOf(fixture, settings));
}

function subjectOf<Fixture extends StoreFixture>(fixture: Fixture, settings: StoreConformance<Fixture>): Subject {
  let { store } = fixture;
  const given = <Name extends Need>(name: Name): NonNullable<StoreConformance<Fixture>[Name]> => {
    const found = settings[name];
    assert.ok(found, `a test says that it needs "${name}"`);
    return found;
  };
  return {
    get store() {
      return store;
    },
    async reopen() {
      store = await given("reopen")(fixture);
    },
    async crash() {
      store = await given("crash")(fixture);
    },
    elapse: (millis) => given("elapse")(fixture, millis),
  };
}
