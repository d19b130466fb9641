import { urlOf } from "../api/operations.ts";
import type { ObjectName } from "../api/shapes.ts";
import { type Content, h, html, type View } from "../html.ts";
import { formatBytes } from "../model/format.ts";
import { type Route, routeHref } from "../model/route.ts";
import {
  breadcrumb,
  DELIMITER,
  type Listing,
  listingOf,
  type ObjectRow,
  type Row,
  versionListingOf,
} from "../model/rows.ts";
import { client } from "../state/session.ts";
import { uploadRounds } from "../state/transfers.ts";
import { failureBox, link, mark, time } from "../ui/bits.ts";
import { useLoad } from "../ui/load.ts";
import { Page, trailOf } from "../ui/page.ts";
import { pager } from "../ui/pager.ts";
import { type Column, table } from "../ui/table.ts";
import { useState } from "../vendor/preact-hooks.js";
import { DeleteObjectsDialog } from "./delete-objects.ts";
import { LinkDialog } from "./link-dialog.ts";
import { UploadArea } from "./upload-area.ts";

type ObjectsRoute = Extract<Route, { page: "objects" }>;
const LIMIT = 200;

/** What a bucket holds beneath a prefix. */
export function ObjectsPage({ route }: { readonly route: ObjectsRoute }): View {
  const { bucket, prefix, versions } = route;
  const href = routeHref(route);
  const { value, failure, loading, reload } = useLoad(href, (signal) => load(route, signal), uploadRounds.value);
  const content = html`<div>
    ${h(UploadArea, { key: href, bucket, prefix })}
    ${failureBox(failure, reload)}
    ${value === undefined ? loading && html`<p class="quiet">Loading</p>` : h(Rows, { key: href, route, listing: value, reload })}
  </div>`;
  const otherView: Route = { page: "objects", bucket, prefix, versions: versions ? undefined : true };
  return h(Page, {
    ...{ route, content, title: breadcrumb(bucket, prefix).at(-1)!.name },
    trail: trail(bucket, prefix),
    actions: html`${link(otherView, versions ? "Show current objects" : "Show versions and deleted objects")}
      ${link({ page: "bucket", bucket }, "Settings")}`,
    json: jsonOf(route),
  });
}

/** From the buckets to where one is. */
export function trail(bucket: string, prefix: string, last?: string): View {
  const crumbs = breadcrumb(bucket, prefix).map(({ name, prefix: target }) => ({
    name,
    href:
      target === undefined && last === undefined
        ? undefined
        : routeHref({ page: "objects", bucket, prefix: target ?? prefix }),
  }));
  const tail = last === undefined ? [] : [{ name: last, href: undefined }];
  return trailOf([{ name: "Buckets", href: routeHref({ page: "buckets" }) }, ...crumbs, ...tail]);
}

async function load(
  { bucket, prefix, after, versions, afterVersion }: ObjectsRoute,
  signal: AbortSignal,
): Promise<Listing> {
  const path = { bucket };
  const common = { prefix, delimiter: DELIMITER, limit: LIMIT };
  if (!versions)
    return listingOf(await client.call("listObjects", { path, query: { ...common, after }, signal }), prefix);
  const query = { ...common, afterKey: after, afterVersionId: afterVersion };
  return versionListingOf(await client.call("listVersions", { path, query, signal }), prefix);
}

function jsonOf({ bucket, prefix, after, versions, afterVersion }: ObjectsRoute): string {
  const path = { bucket };
  const common = { prefix, delimiter: DELIMITER, limit: LIMIT };
  if (!versions) return urlOf("listObjects", { path, query: { ...common, after } });
  return urlOf("listVersions", { path, query: { ...common, afterKey: after, afterVersionId: afterVersion } });
}

interface RowsProps {
  readonly route: ObjectsRoute;
  readonly listing: Listing;
  readonly reload: () => void;
}

function Rows({ route, listing, reload }: RowsProps): View {
  const { bucket, prefix, versions, after } = route;
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [dialog, setDialog] = useState<{ readonly link: ObjectRow } | "delete" | undefined>(undefined);
  const objects = listing.rows.filter((row) => row.kind === "object");
  const chosenObjects = objects.filter(({ id }) => chosen.has(id));
  const choose = (ids: readonly string[], on: boolean): void => {
    const next = new Set(chosen);
    for (const id of ids) on ? next.add(id) : next.delete(id);
    setChosen(next);
  };
  const close = (): void => setDialog(undefined);
  const names = chosenObjects.map(nameOf);
  const next: Route | undefined = listing.next && { page: "objects", bucket, prefix, versions, ...listing.next };
  return html`<div>
    ${
      objects.length > 0 &&
      html`<div class="selection">
        <label class="check"><input type="checkbox" checked=${chosenObjects.length === objects.length}
          onChange=${(event: Event) =>
            choose(
              objects.map(({ id }) => id),
              (event.target as HTMLInputElement).checked,
            )} />
          <span>Select all on this page</span></label>
        <button type="button" class="danger" disabled=${chosenObjects.length === 0} onClick=${() => setDialog("delete")}>
          Delete selected (${chosenObjects.length})</button>
      </div>`
    }
    ${table({
      caption: `Objects in ${bucket}/${prefix}`,
      rows: listing.rows,
      keyOf: ({ id }) => id,
      empty: prefix === "" ? "This bucket is empty. Drop files here, or choose some." : "Nothing has this prefix.",
      columns: columns(route, chosen, choose, (row) => setDialog({ link: row })),
    })}
    ${pager("objects", after !== undefined && { page: "objects", bucket, prefix, versions }, next)}
    ${dialog === "delete" && h(DeleteObjectsDialog, { bucket, names, onClose: close, onDeleted: reload })}
    ${typeof dialog === "object" && h(LinkDialog, { bucket, name: nameOf(dialog.link), onClose: close })}
  </div>`;
}

function nameOf({ key, version }: ObjectRow): ObjectName {
  return { key, versionId: version?.id };
}

function columns(
  { bucket, versions }: ObjectsRoute,
  chosen: ReadonlySet<string>,
  choose: (ids: readonly string[], on: boolean) => void,
  onLink: (row: ObjectRow) => void,
): readonly Column<Row>[] {
  const ofObject =
    (cell: (row: ObjectRow) => Content) =>
    (row: Row): Content =>
      row.kind === "object" ? cell(row) : "";
  const box: Column<Row> = {
    ...{ title: "Select", titleHidden: true },
    cell: ofObject(({ id, key }) => {
      const onChange = (event: Event): void => choose([id], (event.target as HTMLInputElement).checked);
      return html`<input type="checkbox" aria-label=${`Select ${key}`} checked=${chosen.has(id)} onChange=${onChange} />`;
    }),
  };
  const name: Column<Row> = { title: "Name", head: true, cell: (row) => nameCell(bucket, row) };
  const versionColumn: Column<Row> = {
    title: "Version",
    cell: ofObject(
      ({ version }) =>
        version && html`<code>${version.id}</code> ${version.isLatest && html`<span class="quiet">current</span>`}`,
    ),
  };
  return [
    box,
    name,
    ...(versions ? [versionColumn] : []),
    {
      ...{ title: "Size", numeric: true },
      cell: ofObject(({ version, sizeBytes }) =>
        version?.deleteMarker ? mark("quiet", "Deleted") : formatBytes(sizeBytes),
      ),
    },
    { title: "Modified", cell: ofObject(({ modifiedAt }) => time(modifiedAt)) },
    {
      ...{ title: "Actions", titleHidden: true },
      cell: ofObject((row) => (row.version?.deleteMarker ? "" : rowActions(bucket, row, () => onLink(row)))),
    },
  ];
}

function nameCell(bucket: string, row: Row): Content {
  if (row.kind === "folder") {
    const icon = html`<svg class="folder" viewBox="0 0 16 16" aria-hidden="true"><path d="M1.5 13V3h4.5l1.5 2h7v8z" /></svg>`;
    return link(
      { page: "objects", bucket, prefix: row.prefix },
      html`${icon}${row.name}<span class="hidden"> (folder)</span>`,
    );
  }
  return link({ page: "object", bucket, key: row.key, version: row.version?.id }, row.name);
}

function rowActions(bucket: string, { key, version }: ObjectRow, onLink: () => void): View {
  const hidden = html`<span class="hidden"> ${key}</span>`;
  return html`<span class="row-buttons">
    <a href=${urlOf("getObject", { path: { bucket }, query: { key, versionId: version?.id } })} download>Download${hidden}</a>
    <button type="button" class="small" onClick=${onLink}>Share${hidden}</button>
  </span>`;
}
