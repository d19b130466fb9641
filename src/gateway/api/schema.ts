// The shapes of what the API takes and answers, as data: one literal gives the check of a request, the type that a handler sees, and
// the document that describes the API.
//
// A schema is the name of a kind (`"text"`), the name of a shape (`"Bucket"`, see shapes.ts), or an object that says more. Objects are
// closed, and their properties are required unless they are listed as `optional`.

import type { JsonBytes } from "../../std/json-bytes.ts";
import type { SHAPES } from "./shapes.ts";

/** Plain values. Instants are RFC 3339 text, bytes and counts are whole and not negative. */
export type Kind =
  | "text"
  | "instant"
  | "url"
  | "flag"
  | "integer"
  | "bytes"
  | "count"
  | "rate"
  | "millis"
  /** A byte string: text, or `{"base64": "..."}`; in a query its bytes, escaped with %. */
  | "octets"
  /** Any JSON. */
  | "any";

export type ShapeName = keyof typeof SHAPES;

export type Schema = Kind | ShapeName | PlainSchema | ListSchema | ObjectSchema | MapSchema;

interface Described {
  readonly description?: string;
}

export interface PlainSchema extends Described {
  readonly type: Kind;
  readonly enum?: readonly string[];
  /** In characters. */
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly nullable?: true;
}

export interface ListSchema extends Described {
  readonly type: "list";
  readonly items: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
}

export interface ObjectSchema extends Described {
  readonly type: "object";
  readonly properties: Readonly<Record<string, Schema>>;
  readonly optional?: readonly string[];
}

/** An object with any names. */
export interface MapSchema extends Described {
  readonly type: "map";
  readonly values: Schema;
  readonly entriesMax?: number;
}

/** What a value that fits the schema is in TypeScript. */
export type Infer<S> = S extends ShapeName
  ? Infer<(typeof SHAPES)[S]>
  : S extends { readonly nullable: true }
    ? InferOne<S> | null
    : InferOne<S>;

type InferOne<S> = S extends { readonly enum: readonly (infer Value)[] }
  ? Value
  : S extends Kind
    ? ValueOf<S>
    : S extends { readonly type: infer Plain extends Kind }
      ? ValueOf<Plain>
      : S extends { readonly type: "list"; readonly items: infer Item }
        ? readonly Infer<Item>[]
        : S extends { readonly type: "map"; readonly values: infer Value }
          ? Readonly<Record<string, Infer<Value>>>
          : S extends { readonly type: "object"; readonly properties: infer Properties }
            ? InferObject<Properties, OptionalNames<S>>
            : unknown;

type ValueOf<Plain extends Kind> = Plain extends "text" | "instant" | "url"
  ? string
  : Plain extends "flag"
    ? boolean
    : Plain extends "octets"
      ? JsonBytes
      : Plain extends "any"
        ? unknown
        : number;

type OptionalNames<S> = S extends { readonly optional: readonly (infer Name)[] } ? Name : never;

type InferObject<Properties, Optional> = {
  readonly [Name in Exclude<keyof Properties, Optional>]: Infer<Properties[Name]>;
} & {
  readonly [Name in Extract<keyof Properties, Optional>]?: Infer<Properties[Name]> | undefined;
};
