import { urlOf } from "../api/operations.ts";
import type { Versioning } from "../api/shapes.ts";
import { h, html, type View } from "../html.ts";
import type { Route } from "../model/route.ts";
import { navigate } from "../state/navigation.ts";
import { tell } from "../state/notices.ts";
import { client } from "../state/session.ts";
import { failureBox, link, time } from "../ui/bits.ts";
import { FormDialog } from "../ui/dialog.ts";
import { checkField, TextField } from "../ui/fields.ts";
import { useLoad } from "../ui/load.ts";
import { Page } from "../ui/page.ts";
import { pager } from "../ui/pager.ts";
import { table } from "../ui/table.ts";
import { useState } from "../vendor/preact-hooks.js";

const LIMIT = 100;

export const VERSIONING_WORDS: Readonly<Record<Versioning, string>> = {
  off: "Off",
  enabled: "On",
  suspended: "Suspended",
};

/** All buckets that there are. */
export function BucketsPage({ route }: { readonly route: Extract<Route, { page: "buckets" }> }): View {
  const { after } = route;
  const [creating, setCreating] = useState(false);
  const query = { after, limit: LIMIT };
  const buckets = useLoad(after ?? "", (signal) => client.call("listBuckets", { query, signal }));
  const actions = html`<button type="button" class="primary" onClick=${() => setCreating(true)}>Create bucket</button>`;
  const content = html`<div>
    ${failureBox(buckets.failure, buckets.reload)}
    ${buckets.failure?.code === "ACCESS_DENIED" && h(OpenBucketForm, {})}
    ${
      buckets.value &&
      table({
        caption: "Buckets",
        rows: buckets.value.items,
        keyOf: ({ name }) => name,
        empty: "There is no bucket yet. Create one, and any S3 client can store objects in it.",
        columns: [
          {
            title: "Name",
            head: true,
            cell: ({ name: bucket }) => link({ page: "objects", bucket, prefix: "" }, bucket),
          },
          { title: "Versioning", cell: ({ versioning }) => VERSIONING_WORDS[versioning] },
          { title: "Owner", cell: ({ owner }) => owner },
          { title: "Created", cell: ({ createdAt }) => time(createdAt) },
          {
            ...{ title: "Settings", titleHidden: true },
            cell: ({ name: bucket }) =>
              link({ page: "bucket", bucket }, html`Settings<span class="hidden"> of ${bucket}</span>`),
          },
        ],
      })
    }
    ${pager("buckets", after !== undefined && { page: "buckets" }, buckets.value?.next && { page: "buckets", after: buckets.value.next })}
    ${creating && h(CreateBucketDialog, { onClose: () => setCreating(false) })}
  </div>`;
  return h(Page, { route, title: "Buckets", actions, json: urlOf("listBuckets", { query }), content });
}

/** For whoever may use a bucket, and not see which there are. */
function OpenBucketForm(): View {
  const [bucket, setBucket] = useState("");
  const onSubmit = (event: Event): void => {
    event.preventDefault();
    navigate({ page: "objects", bucket, prefix: "" });
  };
  return html`<div>
    <p>A bucket that your policies let you use can be opened by its name.</p>
    <form class="line" onSubmit=${onSubmit}>
      ${h(TextField, { label: "Bucket", value: bucket, onValue: setBucket, required: true, lengthMax: 63 })}
      <button type="submit" class="primary">Open</button>
    </form>
  </div>`;
}

function CreateBucketDialog({ onClose }: { readonly onClose: () => void }): View {
  const [bucket, setBucket] = useState("");
  const [versioned, setVersioned] = useState(false);
  const onSubmit = async (): Promise<void> => {
    await client.call("createBucket", { path: { bucket }, body: versioned ? { versioning: "enabled" } : {} });
    tell(`Bucket ${bucket} was created.`);
    navigate({ page: "objects", bucket, prefix: "" });
  };
  const hint = "3 to 63 lower-case letters, digits, dots and hyphens. It can not be changed later.";
  const content = html`<div>
    ${h(TextField, { label: "Name", value: bucket, onValue: setBucket, hint, required: true, lengthMax: 63, first: true })}
    ${checkField({ label: "Keep older versions of objects", checked: versioned, onChecked: setVersioned })}
  </div>`;
  return h(FormDialog, { title: "Create bucket", submit: "Create", content, onSubmit, onClose });
}
