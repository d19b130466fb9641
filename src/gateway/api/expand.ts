import type { Kind, ListSchema, MapSchema, ObjectSchema, PlainSchema, Schema, ShapeName } from "./schema.ts";
import { SHAPES } from "./shapes.ts";

export type FullSchema = PlainSchema | ListSchema | ObjectSchema | MapSchema;

/** A schema that is a name, as what it names. */
export function expand(schema: Schema): FullSchema {
  if (typeof schema !== "string") return schema;
  return isShapeName(schema) ? SHAPES[schema] : { type: schema };
}

export function isShapeName(name: string): name is ShapeName {
  return Object.hasOwn(SHAPES, name);
}

export function isTextKind(kind: Kind): boolean {
  return kind === "text" || kind === "instant" || kind === "url";
}

export function isWholeKind(kind: Kind): boolean {
  return kind === "integer" || kind === "bytes" || kind === "count";
}
