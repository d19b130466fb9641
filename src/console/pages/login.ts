import { h, html, type View } from "../html.ts";
import { login, loginHint } from "../state/session.ts";
import { failureBox } from "../ui/bits.ts";
import { TextField } from "../ui/fields.ts";
import { useAction } from "../ui/load.ts";
import { useEffect, useState } from "../vendor/preact-hooks.js";

/** The way in: an access key with its secret. */
export function LoginPage(): View {
  const [accessKeyId, setAccessKeyId] = useState("");
  const [secret, setSecret] = useState("");
  const action = useAction(() => login(accessKeyId.trim(), secret));
  useEffect(() => {
    document.title = "Sign in – Ashlar";
  }, []);
  const onSubmit = (event: Event): void => {
    event.preventDefault();
    action.start();
  };
  return html`<main id="main" class="login">
    <img src="/app/console/mark.svg" alt="" width="40" height="40" />
    <h1>Sign in to Ashlar</h1>
    <p role="status">${loginHint.value}</p>
    <form onSubmit=${onSubmit}>
      ${h(TextField, {
        ...{ label: "Access key", value: accessKeyId, onValue: setAccessKeyId },
        ...{ required: true, autocomplete: "username", first: true },
      })}
      ${h(TextField, {
        ...{ label: "Secret key", type: "password", value: secret, onValue: setSecret },
        ...{ required: true, autocomplete: "current-password" },
      })}
      ${failureBox(action.failure)}
      <button type="submit" class="primary" aria-disabled=${action.busy}>${action.busy ? "Signing in" : "Sign in"}</button>
    </form>
    <p class="quiet">The root key is what <code>ASHLAR_ROOT_ACCESS_KEY</code> and <code>ASHLAR_ROOT_SECRET_KEY</code> are set to on
      the server, else what the first start wrote to <code>root-key.json</code> in the data directory.</p>
  </main>`;
}
