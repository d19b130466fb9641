import { urlOf } from "../api/operations.ts";
import { h, html, type View } from "../html.ts";
import { starterPolicy } from "../model/policy-text.ts";
import { type Route, routeHref } from "../model/route.ts";
import { navigate } from "../state/navigation.ts";
import { tell } from "../state/notices.ts";
import { client } from "../state/session.ts";
import { failureBox, link, time } from "../ui/bits.ts";
import { TextField } from "../ui/fields.ts";
import { useLoad } from "../ui/load.ts";
import { Page, trailOf } from "../ui/page.ts";
import { pager } from "../ui/pager.ts";
import { table } from "../ui/table.ts";
import { useState } from "../vendor/preact-hooks.js";
import { PolicyEditor } from "./policy-editor.ts";
import { NAME_HINT } from "./users.ts";

const LIMIT = 100;

/** Policies by name; they hold for the users to whom they are attached. */
export function PoliciesPage({ route }: { readonly route: Extract<Route, { page: "policies" }> }): View {
  const { after } = route;
  const query = { after, limit: LIMIT };
  const policies = useLoad(after ?? "", (signal) => client.call("listPolicies", { query, signal }));
  const next = policies.value?.next;
  const actions = html`<a href=${routeHref({ page: "decision" })}>Check a request</a>
    <a class="button primary" href=${routeHref({ page: "new-policy" })}>Create policy</a>`;
  const content = html`<div>
    ${failureBox(policies.failure, policies.reload)}
    ${
      policies.value &&
      table({
        caption: "Policies",
        rows: policies.value.items,
        keyOf: ({ name }) => name,
        empty: "There is no policy.",
        columns: [
          { title: "Name", head: true, cell: ({ name: policy }) => link({ page: "policy", policy }, policy) },
          { title: "Kind", cell: ({ canned }) => (canned ? "Built in" : "Own") },
          { title: "Changed", cell: ({ updatedAt }) => (updatedAt === undefined ? "never" : time(updatedAt)) },
        ],
      })
    }
    ${pager("policies", after !== undefined && { page: "policies" }, next && { page: "policies", after: next })}
  </div>`;
  return h(Page, { route, title: "Policies", actions, json: urlOf("listPolicies", { query }), content });
}

export function NewPolicyPage({ route }: { readonly route: Route }): View {
  const [policy, setPolicy] = useState("");
  const save = async (document: string): Promise<void> => {
    await client.call("putPolicy", { path: { policy }, body: { document, create: true } });
    tell(`Policy ${policy} was created.`);
    navigate({ page: "policy", policy });
  };
  const trail = trailOf([
    { name: "Policies", href: routeHref({ page: "policies" }) },
    { name: "Create policy", href: undefined },
  ]);
  const content = html`<div>
    ${h(TextField, { label: "Name", value: policy, onValue: setPolicy, hint: NAME_HINT, lengthMax: 128, first: true })}
    ${h(PolicyEditor, { label: "Document (JSON)", document: starterPolicy(), onSave: save })}
  </div>`;
  return h(Page, { route, title: "Create policy", trail, json: urlOf("listPolicies", {}), content });
}
