import { webTimers } from "../../env/web/index.ts";
import type { Transport } from "../transport/transport.ts";
import { type ConformanceSkip, type RegisterTest, register } from "./case.ts";
import { holds } from "./expect.ts";
import { TRANSPORT_CASES } from "./transport-cases.ts";
import { Ear, type TransportNeed, type TransportSubject } from "./transport-subject.ts";

export interface RaftTransportConformance<Fixture extends TransportFixture> {
  /** Registers a test with the runner, as node:test's `test` does. */
  readonly test: RegisterTest;
  /** Stands before the name of each test. */
  readonly name: string;
  /** A network of three nodes with the ids 1, 2 and 3, of which none runs. */
  readonly open: () => Promise<Fixture>;
  /** Cuts what runs between two nodes, both ways, and lets it pass again. */
  readonly cut?: (fixture: Fixture, one: number, other: number) => void;
  readonly heal?: (fixture: Fixture) => void;
  /** For networks in a time of their own: has so much of it pass. */
  readonly elapse?: (fixture: Fixture, millis: number) => Promise<void>;
  /** The longest frame that the tests send. Default: 12 MiB; a group's own are a little longer than its longest command. */
  readonly frameBytesMax?: number;
  readonly skip?: readonly ConformanceSkip[];
}

export interface TransportFixture extends AsyncDisposable {
  /** The node's transport, not started; a new one after the one before was disposed of. */
  readonly join: (id: number) => Promise<Transport>;
}

/** The tests with what they need of their provider, so that one who lacks it can skip them. */
export const RAFT_TRANSPORT_TESTS: readonly { readonly name: string; readonly needs: readonly TransportNeed[] }[] =
  TRANSPORT_CASES.map(({ name, needs = [] }) => ({ name, needs }));

const FRAME_BYTES_MAX = 12 * 1024 * 1024;
const STEP_MILLIS = 5;
const STEPS_MAX = 4000;

/** Registers all tests. Throws where a skip names none of them. */
export function raftTransportConformance<Fixture extends TransportFixture>(
  settings: RaftTransportConformance<Fixture>,
): void {
  const { test, name, skip = [] } = settings;
  register({
    ...{ test, name, skip, cases: TRANSPORT_CASES },
    can: (need) => settings[need] !== undefined,
    open: async () => subjectOf(settings, await settings.open()),
  });
}

function subjectOf<Fixture extends TransportFixture>(
  settings: RaftTransportConformance<Fixture>,
  fixture: Fixture,
): TransportSubject {
  const ears = new Map<number, Ear>();
  const pass = (millis: number): Promise<void> =>
    settings.elapse === undefined
      ? new Promise((resolve) => void webTimers.after(millis, resolve))
      : settings.elapse(fixture, millis);
  /** Time passes meanwhile. */
  const settle = async <T>(promise: PromiseLike<T>): Promise<T> => {
    let isSettled = false;
    const mark = (): void => void (isSettled = true);
    promise.then(mark, mark);
    for (let step = 0; !isSettled && step < STEPS_MAX; step++) await pass(STEP_MILLIS);
    return promise;
  };
  return {
    frameBytesMax: settings.frameBytesMax ?? FRAME_BYTES_MAX,
    pass,
    async start(id) {
      const ear = new Ear(await settle(fixture.join(id)));
      ears.set(id, ear);
      await settle(ear.transport.start(ear));
      return ear;
    },
    async stop(id) {
      await settle(ears.get(id)!.transport[Symbol.asyncDispose]());
      ears.delete(id);
    },
    async until(condition, promise) {
      for (let step = 0; step < STEPS_MAX && !condition(); step++) await pass(STEP_MILLIS);
      holds(condition(), `in time ${promise}`);
    },
    cut: (one, other) => settings.cut!(fixture, one, other),
    heal: () => settings.heal!(fixture),
    async [Symbol.asyncDispose]() {
      for (const { transport } of ears.values()) await settle(transport[Symbol.asyncDispose]());
      await settle(fixture[Symbol.asyncDispose]());
    },
  };
}
