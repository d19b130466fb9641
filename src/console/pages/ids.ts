import { urlOf } from "../api/operations.ts";
import type { GeneratorInUse, IdsStatus, TagInUse } from "../api/shapes.ts";
import { h, html, type View } from "../html.ts";
import { formatCount } from "../model/format.ts";
import { aheadMark, idsSentence, troubleName } from "../model/ids.ts";
import type { Route } from "../model/route.ts";
import { freshMillis } from "../state/live.ts";
import { client } from "../state/session.ts";
import { copyable, factList, failureBox, mark, time } from "../ui/bits.ts";
import { useLoad } from "../ui/load.ts";
import { Page } from "../ui/page.ts";
import { pager } from "../ui/pager.ts";
import { table } from "../ui/table.ts";

const LIMIT = 100;

/** What this node makes ids of, what is wrong with that, and which tags there are. */
export function IdsPage({ route }: { readonly route: Extract<Route, { page: "ids" }> }): View {
  const content = html`<div>${h(OnThisNode, {})} ${h(Tags, { after: route.after })}</div>`;
  return h(Page, { route, title: "Ids", json: urlOf("getIdsStatus", {}), content });
}

/** As fresh as the status. */
function OnThisNode(): View {
  const load = (signal: AbortSignal): Promise<IdsStatus> => client.call("getIdsStatus", { signal });
  const { value, failure, loading, reload } = useLoad("ids", load, freshMillis.value);
  return html`<div>
    ${failureBox(failure, reload)}
    ${value === undefined ? loading && html`<p class="quiet">Loading</p>` : statusView(value)}
  </div>`;
}

function statusView(status: IdsStatus): View {
  return html`<div>
    <p class="sentence">${mark(status.troubles.length > 0 ? "warning" : "good", idsSentence(status))}</p>
    ${status.troubles.map(
      (trouble) => html`<p key=${troubleName(trouble)}>
        ${mark("warning", `${troubleName(trouble)}: ${trouble.what}`)} Since ${time(trouble.since)}
      </p>`,
    )}
    <section>
      <h2>Generators in use on this node</h2>
      ${generatorsView(status.generators)}
    </section>
    <section>
      <h2>Tags in use on this node</h2>
      ${tagsInUseView(status.tags)}
    </section>
  </div>`;
}

function generatorsView(generators: readonly GeneratorInUse[]): View {
  return table({
    caption: "Generators in use on this node",
    rows: generators,
    keyOf: ({ generator }) => generator,
    empty: "This node takes a worker number when it is first asked for an id.",
    columns: [
      { title: "Generator", head: true, cell: ({ generator }) => generator },
      { title: "Worker number", numeric: true, cell: ({ worker }) => worker ?? "none" },
      { title: "Reserved until", cell: ({ reservedUntil }) => reservedUntil && time(reservedUntil) },
      { title: "Ids made", numeric: true, cell: ({ made }) => formatCount(made) },
      { title: "Ahead of the clock", cell: ahead },
      { title: "Waiting", numeric: true, cell: ({ waiting }) => formatCount(waiting) },
    ],
  });
}

function ahead(generator: GeneratorInUse): View {
  const { tone, word } = aheadMark(generator);
  return mark(tone, word);
}

function tagsInUseView(tags: readonly TagInUse[]): View {
  return table({
    caption: "Tags in use on this node",
    rows: tags,
    keyOf: ({ tag }) => tag,
    empty: "This node holds numbers of no tag.",
    columns: [
      { title: "Tag", head: true, cell: ({ tag }) => tag },
      { title: "Order", cell: ({ order }) => (order === "global" ? "over all nodes" : "on each node") },
      { title: "Handed out", numeric: true, cell: ({ handedOut }) => formatCount(handedOut) },
      { title: "Held", numeric: true, cell: ({ available }) => formatCount(available) },
      { title: "Block", numeric: true, cell: ({ blockSize }) => formatCount(blockSize) },
      { title: "Waiting", numeric: true, cell: ({ waiting }) => formatCount(waiting) },
    ],
  });
}

function Tags({ after }: { readonly after: string | undefined }): View {
  const query = { after, limit: LIMIT };
  const tags = useLoad(`tags ${after ?? ""}`, (signal) => client.call("listTags", { query, signal }));
  return html`<section>
    <h2>Tags</h2>
    ${failureBox(tags.failure, tags.reload)}
    ${
      tags.value &&
      table({
        caption: "Tags",
        rows: tags.value.items,
        keyOf: ({ name }) => name,
        empty: "There is no tag. Each counts by itself, from 1 on or from where one says.",
        columns: [
          { title: "Name", head: true, cell: ({ name }) => name },
          { title: "Next number to fetch", numeric: true, cell: ({ next }) => html`<code>${next}</code>` },
          { title: "Step", numeric: true, cell: ({ step }) => formatCount(step) },
          { title: "Description", cell: ({ description }) => description },
          { title: "Changed", cell: ({ updatedAt }) => time(updatedAt) },
        ],
      })
    }
    ${pager("tags", after !== undefined && { page: "ids" }, tags.value?.next && { page: "ids", after: tags.value.next })}
    ${factList([
      { name: "Add a tag", value: copyable("ashlar id tag add NAME", "command that adds a tag") },
      { name: "See the generators", value: copyable("ashlar id generators", "command that lists generators") },
    ])}
  </section>`;
}
