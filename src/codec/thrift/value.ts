/** How each type is called on the wire. A text is `binary`: its bytes say nothing about their encoding. */
export const THRIFT_TYPES = {
  bool: 2,
  byte: 3,
  double: 4,
  i16: 6,
  i32: 8,
  i64: 10,
  binary: 11,
  struct: 12,
  map: 13,
  set: 14,
  list: 15,
  uuid: 16,
} as const;

export type ThriftType = keyof typeof THRIFT_TYPES;

export type ThriftValue =
  | { readonly type: "bool"; readonly value: boolean }
  | { readonly type: "byte" | "i16" | "i32" | "double"; readonly value: number }
  | { readonly type: "i64"; readonly value: bigint }
  /** A `uuid` has 16 bytes. */
  | { readonly type: "binary" | "uuid"; readonly value: Uint8Array }
  | { readonly type: "struct"; readonly fields: ThriftStruct }
  | { readonly type: "list" | "set"; readonly of: ThriftType; readonly items: readonly ThriftValue[] }
  | {
      readonly type: "map";
      readonly keys: ThriftType;
      readonly values: ThriftType;
      readonly entries: readonly (readonly [ThriftValue, ThriftValue])[];
    };

export interface ThriftField {
  readonly id: number;
  readonly value: ThriftValue;
}

/** Fields as they were sent: names are no part of the format. */
export type ThriftStruct = readonly ThriftField[];

/** The field's value, if it has this type; who sent another one means another field. */
export function fieldOf<Type extends ThriftType>(
  fields: ThriftStruct,
  id: number,
  type: Type,
): ValueOf<Type> | undefined {
  const field = fields.find((each) => each.id === id && each.value.type === type);
  return field?.value as ValueOf<Type> | undefined;
}

type ValueOf<Type, Value = ThriftValue> = Value extends { readonly type: infer Types }
  ? Type extends Types
    ? Value
    : never
  : never;
