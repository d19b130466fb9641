import { ApiFailure } from "../api/client.ts";
import { useEffect, useState } from "../vendor/preact-hooks.js";

export interface Loaded<T> {
  readonly value: T | undefined;
  readonly failure: ApiFailure | undefined;
  readonly loading: boolean;
  readonly reload: () => void;
}

interface State<T> {
  readonly key: string;
  readonly value?: T;
  readonly failure?: ApiFailure;
  readonly loading: boolean;
}

/**
 * What `load` gives, again whenever `key` or `version` changes or `reload` is called. While it is asked for again, what was there
 * stays; what belongs to another key does not.
 */
export function useLoad<T>(key: string, load: (signal: AbortSignal) => Promise<T>, version: number = 0): Loaded<T> {
  const [state, setState] = useState<State<T>>({ key, loading: true });
  const [round, setRound] = useState(0);
  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    setState((before) => (before.key === key ? { ...before, loading: true } : { key, loading: true }));
    load(signal).then(
      (value) => !signal.aborted && setState({ key, value, loading: false }),
      (error: unknown) => !signal.aborted && setState({ key, failure: failureFrom(error), loading: false }),
    );
    return () => controller.abort();
  }, [key, version, round]);
  const { value, failure, loading } =
    state.key === key ? state : { value: undefined, failure: undefined, loading: true };
  return { value, failure, loading, reload: () => setRound((before) => before + 1) };
}

export interface Action {
  readonly busy: boolean;
  readonly failure: ApiFailure | undefined;
  readonly start: () => void;
}

/** An act of the operator's: it runs once at a time, and what it fails with is shown where it was begun. */
export function useAction(run: () => Promise<void>): Action {
  const [state, setState] = useState<{ busy: boolean; failure?: ApiFailure }>({ busy: false });
  const start = (): void => {
    if (state.busy) return;
    setState({ busy: true });
    run().then(
      () => setState({ busy: false }),
      (error: unknown) => setState({ busy: false, failure: failureFrom(error) }),
    );
  };
  return { busy: state.busy, failure: state.failure, start };
}

/** A fault of the console's own is shown too, rather than hidden. */
export function failureFrom(error: unknown): ApiFailure {
  if (error instanceof ApiFailure) return error;
  const message = error instanceof Error ? error.message : String(error);
  const advice = "This is a fault of the console. Load the page again; the command line does the same.";
  return new ApiFailure({ code: "CONSOLE_FAILED", message, advice, data: {}, requestId: "" });
}
