// The console: a client of /v1 and nothing more. It starts here, in the browser.

import type { ApiFailure } from "./api/client.ts";
import { h, html, type View } from "./html.ts";
import { LoginPage, pageOf } from "./pages/index.ts";
import { startLive } from "./state/live.ts";
import { route, startNavigation } from "./state/navigation.ts";
import { resumeSession, session } from "./state/session.ts";
import { guardUnload } from "./state/transfers.ts";
import { failureBox } from "./ui/bits.ts";
import { Frame, OpenFrame } from "./ui/frame.ts";
import { failureFrom } from "./ui/load.ts";
import { render } from "./vendor/preact.js";
import { type Signal, signal } from "./vendor/signals.js";

const startFailure: Signal<ApiFailure | undefined> = signal<ApiFailure | undefined>(undefined);

function Console(): View {
  const current = session.value;
  // The server is not asked for anything by this page, so it is shown to everybody.
  const isOpen = route.value.page === "sim" && (current === null || startFailure.value !== undefined);
  if (isOpen) return h(OpenFrame, { page: pageOf(route.value) });
  if (current === null) return h(LoginPage, {});
  if (current !== undefined) return h(Frame, { route: route.value, user: current.name, page: pageOf(route.value) });
  return html`<main id="main" class="login"><h1>Ashlar</h1>${failureBox(startFailure.value, start)}</main>`;
}

function start(): void {
  startFailure.value = undefined;
  resumeSession().catch((error: unknown) => {
    startFailure.value = failureFrom(error);
  });
}

startNavigation();
startLive();
guardUnload();
start();
render(h(Console, {}), document.getElementById("console")!);
