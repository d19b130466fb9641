import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { concatBytes, fromHex, toBase64, utf8 } from "../std/bytes.ts";

// X.509 certificates for tests (RFC 5280), in the few fields that TLS looks at: DER is tag, length, content, and nothing else.

export interface TestAuthority {
  readonly name: string;
  readonly privateKey: KeyObject;
  readonly pem: string;
}

export interface TestTlsFiles {
  readonly certFile: string;
  readonly keyFile: string;
  readonly caFile: string;
}

export function testAuthority(name: string): TestAuthority {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const isAuthority = extension("551d13", sequence(tagged(0x01, Uint8Array.of(0xff))));
  return {
    name,
    privateKey,
    pem: certificate({ issuer: { name, privateKey }, name, publicKey, extensions: [isAuthority] }),
  };
}

/** Writes a certificate with these DNS names, its key and its authority's certificate. */
export function writeTestTls(folder: string, authority: TestAuthority, dnsNames: readonly string[]): TestTlsFiles {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const names = sequence(...dnsNames.map((name) => tagged(0x82, utf8(name))));
  const [name = "nobody"] = dnsNames;
  const pem = certificate({ issuer: authority, name, publicKey, extensions: [extension("551d11", names)] });
  const file = (suffix: string, content: string): string => {
    const path = join(folder, `${name}.${authority.name}.${suffix}.pem`);
    writeFileSync(path, content);
    return path;
  };
  return {
    certFile: file("cert", pem),
    keyFile: file("key", privateKey.export({ type: "pkcs8", format: "pem" }).toString()),
    caFile: file("ca", authority.pem),
  };
}

interface CertificateFields {
  readonly issuer: { readonly name: string; readonly privateKey: KeyObject };
  readonly name: string;
  readonly publicKey: KeyObject;
  readonly extensions: readonly Uint8Array[];
}

function certificate({ issuer, name, publicKey, extensions }: CertificateFields): string {
  const algorithm = sequence(objectId("2a8648ce3d040302"));
  const serial = crypto.getRandomValues(new Uint8Array(8));
  serial[0] = 1;
  const content = sequence(
    tagged(0xa0, tagged(0x02, Uint8Array.of(2))),
    tagged(0x02, serial),
    algorithm,
    distinguishedName(issuer.name),
    sequence(tagged(0x17, utf8("200101000000Z")), tagged(0x17, utf8("491231235959Z"))),
    distinguishedName(name),
    new Uint8Array(publicKey.export({ type: "spki", format: "der" })),
    tagged(0xa3, sequence(...extensions)),
  );
  const signature = sign("sha256", content, issuer.privateKey);
  const whole = sequence(content, algorithm, tagged(0x03, concatBytes([Uint8Array.of(0), signature])));
  const lines = toBase64(whole).match(/.{1,64}/g)!;
  return ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n");
}

function distinguishedName(commonName: string): Uint8Array {
  return sequence(tagged(0x31, sequence(objectId("550403"), tagged(0x0c, utf8(commonName)))));
}

function extension(id: string, value: Uint8Array): Uint8Array {
  return sequence(objectId(id), tagged(0x04, value));
}

function objectId(hex: string): Uint8Array {
  return tagged(0x06, fromHex(hex)!);
}

function sequence(...parts: readonly Uint8Array[]): Uint8Array {
  return tagged(0x30, concatBytes(parts));
}

function tagged(tag: number, content: Uint8Array): Uint8Array {
  const { length } = content;
  if (length < 0x80) return concatBytes([Uint8Array.of(tag, length), content]);
  if (length < 0x100) return concatBytes([Uint8Array.of(tag, 0x81, length), content]);
  return concatBytes([Uint8Array.of(tag, 0x82, length >> 8, length & 0xff), content]);
}
