import { urlOf } from "../api/operations.ts";
import type { ObjectDescription, VersionEntry } from "../api/shapes.ts";
import { h, html, type View } from "../html.ts";
import { counted, formatBytes, formatCount } from "../model/format.ts";
import type { Route } from "../model/route.ts";
import { folderOf, nameBehind } from "../model/rows.ts";
import { navigate } from "../state/navigation.ts";
import { client } from "../state/session.ts";
import { copyable, factList, failureBox, link, mark, time } from "../ui/bits.ts";
import { useLoad } from "../ui/load.ts";
import { Page } from "../ui/page.ts";
import { table } from "../ui/table.ts";
import { useState } from "../vendor/preact-hooks.js";
import { DeleteObjectsDialog } from "./delete-objects.ts";
import { LinkDialog } from "./link-dialog.ts";
import { trail } from "./objects.ts";

type ObjectRoute = Extract<Route, { page: "object" }>;
const VERSIONS_MAX = 100;

/** Everything that is known of an object, or of one of its versions. */
export function ObjectPage({ route }: { readonly route: ObjectRoute }): View {
  const { bucket, key, version } = route;
  const [dialog, setDialog] = useState<"link" | "delete" | undefined>(undefined);
  const query = { key, versionId: version };
  const path = { bucket };
  const object = useLoad(JSON.stringify([bucket, key, version]), (signal) =>
    client.call("describeObject", { path, query, signal }),
  );
  const versions = useLoad(JSON.stringify([bucket, key]), (signal) => loadVersions(bucket, key, signal));
  const close = (): void => setDialog(undefined);
  const folder = folderOf(key);
  const onDeleted = (): void => {
    const others = (versions.value ?? []).filter(({ versionId }) => versionId !== version);
    if (version !== undefined && others.length > 0)
      navigate({ page: "object", bucket, key, version: others[0]!.versionId });
    else navigate({ page: "objects", bucket, prefix: folder });
    versions.reload();
  };
  const content = html`<div>
    ${object.failure?.code === "IS_DELETE_MARKER" ? deleteMarker() : failureBox(object.failure, object.reload)}
    ${object.value && description(object.value)} ${versionTable(route, versions.value ?? [])}
    ${dialog === "link" && h(LinkDialog, { bucket, name: query, onClose: close })}
    ${dialog === "delete" && h(DeleteObjectsDialog, { bucket, names: [query], onClose: close, onDeleted })}
  </div>`;
  const actions = html`${
    object.value &&
    html`<a class="button primary" href=${urlOf("getObject", { path, query })} download>Download</a>
      <button type="button" onClick=${() => setDialog("link")}>Share by link</button>`
  }
  <button type="button" class="danger" onClick=${() => setDialog("delete")}>Delete</button>`;
  const title = nameBehind(folder, key);
  return h(Page, {
    route,
    title,
    trail: trail(bucket, folder, title),
    actions,
    json: urlOf("describeObject", { path, query }),
    content,
  });
}

async function loadVersions(bucket: string, key: string, signal: AbortSignal): Promise<readonly VersionEntry[]> {
  const page = await client.call("listVersions", {
    path: { bucket },
    query: { prefix: key, limit: VERSIONS_MAX },
    signal,
  });
  return page.items.filter((entry) => entry.key === key);
}

function deleteMarker(): View {
  return html`<p>${mark("quiet", "Deleted")}${" "}
    This version is a delete marker: it hides the older ones. Delete it to bring the object back.</p>`;
}

function description(object: ObjectDescription): View {
  const headers: readonly (readonly [string, string | undefined])[] = [
    ["Content encoding", object.contentEncoding],
    ["Content disposition", object.contentDisposition],
    ["Content language", object.contentLanguage],
    ["Cache control", object.cacheControl],
    ["Expires", object.expires],
    ["Checksum", object.checksum],
  ];
  const metadata = Object.entries(object.metadata);
  return html`<div>
    ${factList([
      { name: "Key", value: copyable(object.key, "key") },
      { name: "Size", value: `${formatBytes(object.sizeBytes)} (${counted(object.sizeBytes, "byte")})` },
      { name: "Modified", value: time(object.modifiedAt) },
      { name: "Content type", value: object.contentType ?? "not given" },
      { name: "ETag", value: html`<code>${object.etag}</code>` },
      ...headers.flatMap(([name, value]) =>
        value === undefined ? [] : [{ name, value: html`<code>${value}</code>` }],
      ),
      ...(object.versionId === undefined ? [] : [{ name: "Version", value: html`<code>${object.versionId}</code>` }]),
      ...(object.partCount === undefined ? [] : [{ name: "Parts", value: formatCount(object.partCount) }]),
      { name: "Tags", value: formatCount(object.tagCount) },
    ])}
    <section aria-labelledby="metadata">
      <h2 id="metadata">Metadata</h2>
      ${table({
        caption: "Metadata of the object",
        rows: metadata,
        keyOf: ([name]) => name,
        empty: "The object has no metadata of its own.",
        columns: [
          { title: "Name", head: true, cell: ([name]) => html`<code>${name}</code>` },
          { title: "Value", cell: ([, value]) => html`<code>${value}</code>` },
        ],
      })}
    </section>
  </div>`;
}

function versionTable({ bucket, key, version }: ObjectRoute, versions: readonly VersionEntry[]): View {
  if (versions.length < 2 && versions[0]?.deleteMarker !== true) return null;
  return html`<section aria-labelledby="versions">
    <h2 id="versions">Versions</h2>
    ${table({
      caption: "Versions, the newest first",
      rows: versions,
      keyOf: ({ versionId }) => versionId,
      empty: "",
      columns: [
        {
          ...{ title: "Version", head: true },
          cell: ({
            versionId,
            isLatest,
          }) => html`${link({ page: "object", bucket, key, version: versionId }, versionId)}
            ${isLatest && html` <span class="quiet">current</span>`}${versionId === version && html` <span class="quiet">shown</span>`}`,
        },
        {
          title: "Size",
          numeric: true,
          cell: ({ deleteMarker, sizeBytes }) => (deleteMarker ? mark("quiet", "Deleted") : formatBytes(sizeBytes)),
        },
        { title: "Modified", cell: ({ modifiedAt }) => time(modifiedAt) },
      ],
    })}
  </section>`;
}
