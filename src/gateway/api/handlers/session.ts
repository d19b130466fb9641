import type { Session } from "../../../service/access/index.ts";
import { endedCookie, sessionCookie } from "../cookie.ts";
import { apiFailure } from "../errors.ts";
import type { Handlers, Services } from "../handler.ts";
import type { SESSION_OPERATIONS } from "../operations/index.ts";
import { refuseForeignOrigin } from "../origin.ts";
import { instant } from "../status/reporter.ts";

export function sessionHandlers({ access }: Services): Handlers<typeof SESSION_OPERATIONS> {
  return {
    async login({ body, call, replyHeaders }) {
      refuseForeignOrigin(call);
      const userAgent = call.headers.get("user-agent") ?? "";
      const { token, session } = await access.login({ ...body, address: call.origin.address, userAgent });
      call.principal = session.owner;
      replyHeaders.push("Set-Cookie", sessionCookie(token, call.origin.secure));
      return {
        name: session.owner,
        type: (await isRoot(session)) ? "root" : "user",
        accessKeyId: session.accessKeyId,
        expiresAt: instant(session.expiresMillis),
      };
    },

    async getSession({ caller: { principal, session } }) {
      const { name, type, accessKeyId } = principal;
      const expiresAt = session === undefined ? undefined : instant(session.expiresMillis);
      return { name, type, accessKeyId, expiresAt };
    },

    async logout({ caller: { session }, call, replyHeaders }) {
      if (session === undefined)
        throw apiFailure("SIGN_IN_REQUIRED", { what: "The request is signed: it has no session." });
      await access.sessions.revoke(session.owner, session.id);
      replyHeaders.push("Set-Cookie", endedCookie(call.origin.secure));
      return undefined;
    },

    async listSessions({ path: { user } }) {
      const sessions = await access.sessions.listOf(user);
      return {
        items: sessions.map(({ id, accessKeyId, address, userAgent, createdMillis, seenMillis, expiresMillis }) => ({
          ...{ id, accessKeyId, address, userAgent },
          createdAt: instant(createdMillis),
          seenAt: instant(seenMillis),
          expiresAt: instant(expiresMillis),
        })),
      };
    },

    async revokeSession({ path: { user, session } }) {
      await access.sessions.revoke(user, session);
      return undefined;
    },
  };

  async function isRoot(session: Session): Promise<boolean> {
    const credential = await access.findCredential(session.accessKeyId);
    return credential.found && credential.principal.type === "root";
  }
}
