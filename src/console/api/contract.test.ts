import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { BodyOf, OperationGroup, QueryOf, ResultOf } from "../../gateway/api/operation.ts";
import { OPERATION_GROUPS, type Operation } from "../../gateway/api/operations/index.ts";
import { type Calls, OPERATIONS, type OperationName, type ReplyOf } from "./operations.ts";

// The console and the server do not share code; here the one's idea of the API is held against the other's table. That the server's
// answers have what the console reads, and that the server takes what the console sends, is checked by the compiler.

type Entry<Name extends OperationName> = Extract<Operation, { readonly name: Name }>;
type StreamName = "watch" | "getObject" | "putObject";

/** What is sent has to be taken: the server refuses what it does not know, so a name too many does not fit either. */
type Fits<Sent, Taken, Name> = [Sent] extends [Taken]
  ? [Exclude<keyof Sent, keyof Taken>] extends [never]
    ? true
    : Name
  : Name;

type RepliesFit = {
  [Name in Exclude<OperationName, StreamName>]: ResultOf<Entry<Name>> extends ReplyOf<Name> ? true : Name;
};
type BodiesFit = {
  [Name in OperationName as Calls[Name] extends { body: unknown } ? Name : never]: Calls[Name] extends {
    body: infer Body;
  }
    ? Fits<Body, BodyOf<Entry<Name>>, Name>
    : true;
};
type QueriesFit = {
  [Name in OperationName as Calls[Name] extends { query: unknown } ? Name : never]: Calls[Name] extends {
    query: infer Query;
  }
    ? Fits<Query, QueryOf<Entry<Name>>, Name>
    : true;
};

/** Compiles only where everything fits; a name that stands in an error here is an operation that does not. */
function allFit<T extends Record<string, true>>(): T | undefined {
  return undefined;
}

describe("the contract with the server", () => {
  test("every operation that the console calls is in the server's table, with the same method and path", () => {
    const groups: readonly OperationGroup[] = OPERATION_GROUPS;
    const entries = groups.flatMap(({ operations }) => operations);
    const table = new Map(entries.map(({ name, method, path }) => [name, `${method} ${path}`]));
    const own = Object.entries(OPERATIONS);
    assert.deepEqual(
      own,
      own.map(([name]) => [name, table.get(name)]),
    );
  });

  test("replies, bodies and queries have the types of the server's table", () => {
    assert.equal(allFit<RepliesFit>() ?? allFit<BodiesFit>() ?? allFit<QueriesFit>(), undefined);
  });
});
