import { type Content, html, type View } from "../html.ts";

export interface Column<Row> {
  readonly title: string;
  /** Numbers stand to the right, under each other. */
  readonly numeric?: boolean;
  /** Names the row. */
  readonly head?: boolean;
  /** The title is for those who do not see the table; where all can see what the cells are, it takes no room. */
  readonly titleHidden?: boolean;
  cell(row: Row): Content;
}

export interface TableOptions<Row> {
  /** Says what the table holds; shown only to those who do not see the heading above it. */
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
  /** Stands in the place of a table without rows. */
  readonly empty: Content;
}

/**
 * A table that becomes a list of cards where it is narrow. The roles are spelled out, because browsers forget them when the display
 * of a table's parts changes.
 */
export function table<Row>({ caption, columns, rows, keyOf, empty }: TableOptions<Row>): View {
  if (rows.length === 0) return html`<p class="empty">${empty}</p>`;
  return html`<table role="table">
    <caption class="hidden">${caption}</caption>
    <thead role="rowgroup"><tr role="row">${columns.map(headCell)}</tr></thead>
    <tbody role="rowgroup">
      ${rows.map((row) => html`<tr role="row" key=${keyOf(row)}>${columns.map((column) => bodyCell(column, row))}</tr>`)}
    </tbody>
  </table>`;
}

function headCell<Row>({ title, numeric, titleHidden }: Column<Row>): View {
  const content = titleHidden ? html`<span class="hidden">${title}</span>` : title;
  return html`<th role="columnheader" scope="col" class=${numeric ? "number" : ""}>${content}</th>`;
}

function bodyCell<Row>({ title, numeric, head, titleHidden, cell }: Column<Row>, row: Row): View {
  const kind = numeric ? "number" : titleHidden ? "bare" : "";
  if (head) return html`<th role="rowheader" scope="row" class=${kind}>${cell(row)}</th>`;
  return html`<td role="cell" class=${kind} data-title=${titleHidden ? undefined : title}>${cell(row)}</td>`;
}
