import { urlOf } from "../api/operations.ts";
import type { Bucket, BucketPolicy } from "../api/shapes.ts";
import { h, html, type View } from "../html.ts";
import { prettyDocument, publicReadPolicy } from "../model/policy-text.ts";
import { type Route, routeHref } from "../model/route.ts";
import { navigate } from "../state/navigation.ts";
import { tell } from "../state/notices.ts";
import { client } from "../state/session.ts";
import { factList, failureBox, mark, time } from "../ui/bits.ts";
import { FormDialog } from "../ui/dialog.ts";
import { useAction, useLoad } from "../ui/load.ts";
import { Page, trailOf } from "../ui/page.ts";
import { useState } from "../vendor/preact-hooks.js";
import { VERSIONING_WORDS } from "./buckets.ts";
import { PolicyEditor } from "./policy-editor.ts";

/** A bucket's settings, and its end. */
export function BucketPage({ route }: { readonly route: Extract<Route, { page: "bucket" }> }): View {
  const { bucket } = route;
  const path = { bucket };
  const [deleting, setDeleting] = useState(false);
  const info = useLoad(bucket, (signal) => client.call("getBucket", { path, signal }));
  const policy = useLoad(bucket, (signal) => client.call("getBucketPolicy", { path, signal }));
  const trail = trailOf([
    { name: "Buckets", href: routeHref({ page: "buckets" }) },
    { name: bucket, href: routeHref({ page: "objects", bucket, prefix: "" }) },
    { name: "Settings", href: undefined },
  ]);
  const content = html`<div>
    ${failureBox(info.failure, info.reload)}
    ${info.value && h(Versioning, { bucket: info.value, reload: info.reload })}
    <section aria-labelledby="policy">
      <h2 id="policy">Bucket policy</h2>
      ${failureBox(policy.failure, policy.reload)}
      ${policy.value && h(BucketPolicyForm, { key: policy.value.document ?? "", bucket, policy: policy.value, reload: policy.reload })}
    </section>
    ${deleting && h(DeleteBucketDialog, { bucket, onClose: () => setDeleting(false) })}
  </div>`;
  const actions = html`<button type="button" class="danger" onClick=${() => setDeleting(true)}>Delete bucket</button>`;
  return h(Page, {
    route,
    title: `Settings of ${bucket}`,
    trail,
    actions,
    json: urlOf("getBucket", { path }),
    content,
  });
}

interface VersioningProps {
  readonly bucket: Bucket;
  readonly reload: () => void;
}

function Versioning({ bucket: { name, versioning, createdAt, owner }, reload }: VersioningProps): View {
  const next = versioning === "enabled" ? "suspended" : "enabled";
  const action = useAction(async () => {
    await client.call("putVersioning", { path: { bucket: name }, body: { versioning: next } });
    tell(`Versioning of ${name} is ${next === "enabled" ? "on" : "suspended"}.`);
    reload();
  });
  const meaning = {
    off: "An object that is overwritten or deleted is gone.",
    enabled: "Overwriting and deleting keep the older versions.",
    suspended: "Versions that there are stay; new writes keep none.",
  }[versioning];
  return html`<div>
    ${factList([
      { name: "Owner", value: owner },
      { name: "Created", value: time(createdAt) },
    ])}
    <section aria-labelledby="versioning">
      <h2 id="versioning">Versioning</h2>
      <p>${mark(versioning === "enabled" ? "good" : "quiet", `${VERSIONING_WORDS[versioning]}.`)} ${meaning}</p>
      ${failureBox(action.failure)}
      <button type="button" aria-disabled=${action.busy} onClick=${action.start}>${next === "enabled" ? "Switch on" : "Suspend"}</button>
    </section>
  </div>`;
}

interface BucketPolicyProps {
  readonly bucket: string;
  readonly policy: BucketPolicy;
  readonly reload: () => void;
}

function BucketPolicyForm({ bucket, policy, reload }: BucketPolicyProps): View {
  const path = { bucket };
  const save = async (document: string): Promise<void> => {
    await client.call("putBucketPolicy", { path, body: { document } });
    tell(`The policy of ${bucket} was saved.`);
    reload();
  };
  const remove = async (): Promise<void> => {
    await client.call("deleteBucketPolicy", { path });
    tell(`The policy of ${bucket} was removed.`);
    reload();
  };
  const { document } = policy;
  const openness = policy.public
    ? mark("warning", "Public: requests without a credential are let in")
    : document === undefined
      ? mark("quiet", "None: users' own policies decide alone")
      : mark("quiet", "Not public");
  return html`<div>
    <p>${openness}</p>
    ${h(PolicyEditor, {
      label: "Document (JSON)",
      document: prettyDocument(document ?? ""),
      bucket,
      example: { name: "Begin with public reading", document: publicReadPolicy(bucket) },
      onSave: save,
      remove:
        document === undefined
          ? undefined
          : { name: "Remove policy", question: `The policy of ${bucket} is removed.`, run: remove },
    })}
  </div>`;
}

function DeleteBucketDialog({ bucket, onClose }: { readonly bucket: string; readonly onClose: () => void }): View {
  const onSubmit = async (): Promise<void> => {
    await client.call("deleteBucket", { path: { bucket } });
    tell(`Bucket ${bucket} was deleted.`);
    navigate({ page: "buckets" });
  };
  const content = html`<p>The bucket <strong>${bucket}</strong> is deleted with its settings. It has to be empty, older versions included;
    unfinished uploads to it are aborted.</p>`;
  return h(FormDialog, {
    title: `Delete bucket ${bucket}?`,
    submit: "Delete bucket",
    dangerous: true,
    content,
    onSubmit,
    onClose,
  });
}
