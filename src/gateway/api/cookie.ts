// The session's cookie. Scripts can not read it (HttpOnly) and no request that another site causes carries it (SameSite=Strict). Over
// TLS its name has the prefix that lets browsers take it only from this very host, without a Domain and with Path=/.

const NAME = "ashlar-session";
const SECURE_NAME = `__Host-${NAME}`;

export function sessionTokenIn(cookieHeader: string | undefined): string | undefined {
  if (cookieHeader === undefined) return undefined;
  let token: string | undefined;
  for (const pair of cookieHeader.split(/[;,]/)) {
    const equals = pair.indexOf("=");
    const name = pair.slice(0, equals).trim();
    const value = pair.slice(equals + 1).trim();
    if (name === SECURE_NAME) return value;
    if (name === NAME) token = value;
  }
  return token;
}

/** Without Max-Age: the browser drops it when it is closed, and the server ends the session in any case. */
export function sessionCookie(token: string, secure: boolean): string {
  return `${secure ? SECURE_NAME : NAME}=${token}; Path=/; HttpOnly; SameSite=Strict${secure ? "; Secure" : ""}`;
}

export function endedCookie(secure: boolean): string {
  return `${sessionCookie("", secure)}; Max-Age=0`;
}
