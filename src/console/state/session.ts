import { Client } from "../api/client.ts";
import type { Session } from "../api/shapes.ts";
import { type Signal, signal } from "../vendor/signals.js";

/** Who is signed in; null: nobody; undefined: the server has not said yet. */
export const session: Signal<Session | null | undefined> = signal<Session | null | undefined>(undefined);

/** Shown above the login, where there is something to say. */
export const loginHint: Signal<string> = signal("");

export const client: Client = new Client({
  fetch: (url, options) => fetch(url, options),
  onSessionEnd: () => {
    if (session.peek()) loginHint.value = "Your session has ended. Sign in again to go on where you were.";
    session.value = null;
  },
});

/** Takes up the session of the browser's cookie, if there is one. Rejects where the server can not be asked. */
export async function resumeSession(): Promise<void> {
  try {
    session.value = await client.call("getSession", {});
  } catch (error) {
    if (session.peek() === undefined) throw error;
  }
}

/** Rejects with what the server says against it. */
export async function login(accessKeyId: string, secret: string): Promise<void> {
  const opened = await client.call("login", { body: { accessKeyId, secret } });
  loginHint.value = "";
  session.value = opened;
}

export async function logout(): Promise<void> {
  await client.call("logout", {});
  loginHint.value = "You are signed out.";
  session.value = null;
}
