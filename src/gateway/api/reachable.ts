import type { ClientOrigin } from "../http/index.ts";

/** The address that stands for all of a machine's: something listens there, and nobody can be sent there. */
const ANY_ADDRESS = /^(https?:\/\/)(?:0\.0\.0\.0|\[::\])(?=[:/]|$)/;

/**
 * The URLs as this client reaches them. Where a gateway listens on every address of the machine, it is found under the host
 * name that the client called us by, on the gateway's own port.
 */
export function reachable(
  endpoints: Readonly<Record<string, string>>,
  { host }: Pick<ClientOrigin, "host">,
): Readonly<Record<string, string>> {
  const name = hostNameOf(host) ?? "localhost";
  const entries = Object.entries(endpoints).map(([gateway, url]) => {
    return [gateway, url.replace(ANY_ADDRESS, (_, scheme: string) => scheme + name)] as const;
  });
  return Object.fromEntries(entries);
}

/** Without the port; undefined where the header names nothing that leads anywhere. */
function hostNameOf(host: string | undefined): string | undefined {
  if (host === undefined || !/^[\w.:[\]-]+$/.test(host)) return undefined;
  const url = URL.parse(`http://${host}`);
  return url === null || ANY_ADDRESS.test(url.origin) ? undefined : url.hostname;
}
