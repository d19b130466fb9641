import type { HttpCall } from "../http/index.ts";

/** One thing that can be asked for at a path. */
export interface Endpoint {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  answer(call: HttpCall, asked: Asked): Promise<void>;
}

export interface Asked {
  /** The path's parameters, unescaped. */
  readonly parameters: Readonly<Record<string, string>>;
  /** Path and query as they were sent. */
  readonly path: string;
  readonly query: string;
}
