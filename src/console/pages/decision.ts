import { urlOf } from "../api/operations.ts";
import type { Decision, Explanation } from "../api/shapes.ts";
import { h, html, type View } from "../html.ts";
import { COMMON_ACTIONS } from "../model/policy-text.ts";
import { type Route, routeHref } from "../model/route.ts";
import { client } from "../state/session.ts";
import { failureBox, mark, type Tone } from "../ui/bits.ts";
import { SelectField, TextField } from "../ui/fields.ts";
import { useAction } from "../ui/load.ts";
import { Page, trailOf } from "../ui/page.ts";
import { table } from "../ui/table.ts";
import { useState } from "../vendor/preact-hooks.js";

const TONES: Readonly<Record<Decision, Tone>> = { allow: "good", deny: "bad", "implicit-deny": "bad" };
const WORDS: Readonly<Record<Decision, string>> = {
  allow: "Allowed",
  deny: "Denied",
  "implicit-deny": "Denied, because nothing allows it",
};
const WHO = [
  { value: "user", name: "A user" },
  { value: "accessKeyId", name: "An access key" },
  { value: "anonymous", name: "Nobody (anonymous)" },
] as const;

/** Whether a request would be allowed, and what decides. */
export function DecisionPage({ route }: { readonly route: Extract<Route, { page: "decision" }> }): View {
  const [kind, setKind] = useState<string>("user");
  const [name, setName] = useState(route.user ?? "");
  const [action, setAction] = useState("s3:GetObject");
  const [resource, setResource] = useState("");
  const [answer, setAnswer] = useState<Explanation | undefined>(undefined);
  const ask = useAction(async () => {
    const who = kind === "user" ? { user: name.trim() } : kind === "accessKeyId" ? { accessKeyId: name.trim() } : {};
    setAnswer(undefined);
    setAnswer(await client.call("explainAccess", { body: { ...who, action: action.trim(), resource } }));
  });
  const onSubmit = (event: Event): void => {
    event.preventDefault();
    ask.start();
  };
  const nameLabel = kind === "user" ? "User" : "Access key id";
  const content = html`<div>
    <form class="narrow" onSubmit=${onSubmit}>
      ${h(SelectField, { label: "Who asks", value: kind, onValue: setKind, choices: WHO })}
      ${kind !== "anonymous" && h(TextField, { label: nameLabel, value: name, onValue: setName, required: true })}
      ${h(TextField, { label: "Action", value: action, onValue: setAction, required: true, suggestions: COMMON_ACTIONS })}
      ${h(TextField, { label: "Resource", value: resource, onValue: setResource, required: true, hint: "bucket, bucket/key, or an ARN" })}
      ${failureBox(ask.failure)}
      <div class="buttons"><button type="submit" class="primary" aria-disabled=${ask.busy}>Check</button></div>
    </form>
    <div role="status">${
      answer &&
      html`<p class="sentence">${mark(TONES[answer.decision], WORDS[answer.decision])}
      <span>${answer.decidedBy === undefined ? "" : `Decided by ${answer.decidedBy}.`}</span></p>`
    }</div>
    ${answer && statements(answer)}
  </div>`;
  const trail = trailOf([
    { name: "Policies", href: routeHref({ page: "policies" }) },
    { name: "Check a request", href: undefined },
  ]);
  return h(Page, { route, title: "Check a request", trail, json: urlOf("listPolicies", {}), content });
}

function statements({ policies }: Explanation): View {
  const rows = policies.flatMap(({ source, policy, statements: each }) =>
    each.map((statement) => ({ ...statement, source, policy, id: `${source} ${policy} ${statement.index}` })),
  );
  return html`<section aria-labelledby="statements">
    <h2 id="statements">Statements that were looked at</h2>
    ${table({
      caption: "Statements",
      rows,
      keyOf: ({ id }) => id,
      empty: "None: no policy has anything to say about this.",
      columns: [
        {
          title: "Policy",
          head: true,
          cell: ({ policy, source }) => html`${policy} <span class="quiet">${source}</span>`,
        },
        { title: "Statement", cell: ({ sid, index }) => sid ?? String(index) },
        { title: "Effect", cell: ({ effect }) => effect },
        {
          title: "Applies",
          cell: ({ applies, failed }) =>
            applies ? mark("good", "Yes") : mark("quiet", `No${failed === undefined ? "" : `: ${failed} differs`}`),
        },
      ],
    })}
  </section>`;
}
