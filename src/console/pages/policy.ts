import { urlOf } from "../api/operations.ts";
import type { PolicyDocument } from "../api/shapes.ts";
import { h, html, type View } from "../html.ts";
import { prettyDocument } from "../model/policy-text.ts";
import { type Route, routeHref } from "../model/route.ts";
import { navigate } from "../state/navigation.ts";
import { tell } from "../state/notices.ts";
import { client } from "../state/session.ts";
import { failureBox } from "../ui/bits.ts";
import { DocumentField } from "../ui/fields.ts";
import { useLoad } from "../ui/load.ts";
import { Page, trailOf } from "../ui/page.ts";
import { PolicyEditor } from "./policy-editor.ts";

/** One policy's document. What somebody else changed meanwhile is not overwritten. */
export function PolicyPage({ route }: { readonly route: Extract<Route, { page: "policy" }> }): View {
  const { policy } = route;
  const path = { policy };
  const found = useLoad(policy, (signal) => client.call("getPolicy", { path, signal }));
  const trail = trailOf([
    { name: "Policies", href: routeHref({ page: "policies" }) },
    { name: policy, href: undefined },
  ]);
  const content = html`<div>
    ${failureBox(found.failure, found.reload)}
    ${found.value && h(Document, { key: found.value.revision, policy: found.value, reload: found.reload })}
  </div>`;
  return h(Page, { route, title: policy, trail, json: urlOf("getPolicy", { path }), content });
}

function Document({ policy, reload }: { readonly policy: PolicyDocument; readonly reload: () => void }): View {
  const { name, canned, revision } = policy;
  const document = prettyDocument(policy.document);
  if (canned) {
    const hint = "This policy is built in: it can be attached, but not changed.";
    return h(DocumentField, { label: "Document (JSON)", value: document, onValue: () => {}, readOnly: true, hint });
  }
  const onSave = async (text: string): Promise<void> => {
    await client.call("putPolicy", { path: { policy: name }, body: { document: text, ifRevision: revision } });
    tell(`Policy ${name} was saved. It holds at once for all users that it is attached to.`);
    reload();
  };
  const run = async (): Promise<void> => {
    await client.call("deletePolicy", { path: { policy: name } });
    tell(`Policy ${name} was deleted.`);
    navigate({ page: "policies" });
  };
  const question = `The policy ${name} is deleted. It must not be attached to any user.`;
  return h(PolicyEditor, {
    label: "Document (JSON)",
    document,
    onSave,
    remove: { name: "Delete policy", question, run },
  });
}
