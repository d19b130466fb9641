import fc from "fast-check";
import type { ThriftMessage, ThriftStruct, ThriftType, ThriftValue } from "../index.ts";

const LEAVES = ["bool", "byte", "i16", "i32", "double", "i64", "binary", "uuid"] as const;
const TYPES: readonly ThriftType[] = [...LEAVES, "struct", "list", "set", "map"];
const DEPTH_MAX = 3;
/** Objects as literals are, so that they can be compared. */
const PLAIN = { noNullPrototype: true };

/** Any message, with values of every type in each other. */
export function thriftMessages(): fc.Arbitrary<ThriftMessage> {
  return fc.record(
    {
      kind: fc.constantFrom("call", "reply", "exception", "oneway"),
      name: fc.string({ maxLength: 12 }),
      sequence: signed(32),
      isStrict: fc.boolean(),
      body: structs(0),
    },
    PLAIN,
  );
}

function structs(depth: number): fc.Arbitrary<ThriftStruct> {
  const fields = fc.record({ id: signed(16), value: typesAt(depth).chain((type) => valuesOf(type, depth)) }, PLAIN);
  return fc.array(fields, { maxLength: 3 });
}

function typesAt(depth: number): fc.Arbitrary<ThriftType> {
  return fc.constantFrom(...(depth < DEPTH_MAX ? TYPES : LEAVES));
}

function valuesOf(type: ThriftType, depth: number): fc.Arbitrary<ThriftValue> {
  const value = <T>(values: fc.Arbitrary<T>) => values.map((value) => ({ type, value }) as ThriftValue);
  switch (type) {
    case "bool":
      return value(fc.boolean());
    case "byte":
      return value(signed(8));
    case "i16":
      return value(signed(16));
    case "i32":
      return value(signed(32));
    case "double":
      return value(fc.double());
    case "i64":
      return value(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }));
    case "binary":
      return value(fc.uint8Array({ maxLength: 12 }));
    case "uuid":
      return value(fc.uint8Array({ minLength: 16, maxLength: 16 }));
    case "struct":
      return structs(depth + 1).map((fields) => ({ type, fields }));
    case "list":
    case "set":
      return typesAt(depth + 1).chain((of) =>
        fc.array(valuesOf(of, depth + 1), { maxLength: 3 }).map((items) => ({ type, of, items })),
      );
    case "map":
      return fc.tuple(typesAt(depth + 1), typesAt(depth + 1)).chain(([keys, values]) => {
        const entries = fc.tuple(valuesOf(keys, depth + 1), valuesOf(values, depth + 1));
        return fc.array(entries, { maxLength: 3 }).map((all) => ({ type, keys, values, entries: all }));
      });
  }
}

function signed(bits: number): fc.Arbitrary<number> {
  return fc.integer({ min: -(2 ** (bits - 1)), max: 2 ** (bits - 1) - 1 });
}
