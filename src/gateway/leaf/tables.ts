// Leaf's two pages for operators: tables in HTML with Leaf's columns.

import type { SegmentBuffer } from "../../service/ids/index.ts";
import { isoTime } from "../../std/time-text.ts";

export interface TagRow {
  readonly name: string;
  readonly nextNumber: bigint;
  readonly step: number;
  readonly updatedMillis: number;
}

const BUFFER_COLUMNS = ["name", "init", "next", "pos", "value0", "max0", "step0", "value1", "max1", "step1"];
const ROW_COLUMNS = ["tag", "max", "step", "update"];

/** What the node holds of each tag: as in Leaf, `max` lies behind a block's last number. */
export function cachePage(buffers: readonly SegmentBuffer[]): string {
  const rows = buffers.map(({ tag, isReady, isNextReady, position, blocks }) => [
    ...[tag, isReady, isNextReady, position],
    ...blocks.flatMap(({ value, end, size }) => [value, end, size]),
  ]);
  return page(BUFFER_COLUMNS, rows);
}

export function rowsPage(tags: readonly TagRow[]): string {
  const rows = tags.map(({ name, nextNumber, step, updatedMillis }) => [name, nextNumber, step, timeOf(updatedMillis)]);
  return page(ROW_COLUMNS, rows);
}

type Cell = string | number | bigint | boolean;

function page(columns: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const head = columns.map((name) => `<th>${name}</th>`).join("");
  const body = rows.map((cells) => `<tr>${cells.map((cell) => `<td>${escaped(String(cell))}</td>`).join("")}</tr>\n`);
  return (
    '<!DOCTYPE html>\n<html>\n<head>\n<meta charset="UTF-8">\n<title>Leaf</title>\n</head>\n<body>\n' +
    `<table class="table table-hover">\n<thead>\n<tr>${head}</tr>\n</thead>\n<tbody>\n${body.join("")}</tbody>\n</table>\n` +
    "</body>\n</html>\n"
  );
}

/** As a timestamp of a database reads; UTC. */
function timeOf(millis: number): string {
  return isoTime(millis).slice(0, "2026-11-21T10:00:00".length).replace("T", " ");
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
