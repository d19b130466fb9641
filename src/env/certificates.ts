// The cluster's own certificate authority (X.509, RFC 5280; keys on P-256): its nodes know each other by what it has signed.
// A node makes its key itself and only its public half leaves it.

import { X509Certificate } from "node:crypto";
import { fromBase64, toBase64 } from "../std/bytes.ts";

type Key = Awaited<ReturnType<typeof crypto.subtle.importKey>>;

export interface Authority {
  readonly name: string;
  /** PEM. */
  readonly certificate: string;
  /** PKCS #8, PEM. */
  readonly privateKey: string;
}

export interface NodeKey {
  /** PKCS #8, PEM. */
  readonly privateKey: string;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array<ArrayBuffer>;
}

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256" } as const;
const DIGEST = "SHA-256";
const DAY_MILLIS = 86_400_000;
const AUTHORITY_DAYS = 3650;
export const CERTIFICATE_DAYS = 365;
/** Clocks of nodes differ. */
const EARLIER_MILLIS = 60 * 60 * 1000;

/** pkijs is loaded by clusters only. */
const library = () => Promise.all([import("pkijs"), import("asn1js")]);

export async function createAuthority(name: string, nowMillis: number): Promise<Authority> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const certificate = await signed({
    ...{ issuer: name, subject: name, isAuthority: true, names: [] },
    ...{ publicKey: keys.publicKey, signer: keys.privateKey },
    ...{ fromMillis: nowMillis - EARLIER_MILLIS, toMillis: nowMillis + AUTHORITY_DAYS * DAY_MILLIS },
  });
  return { name, certificate, privateKey: await exported(keys.privateKey) };
}

export async function createNodeKey(): Promise<NodeKey> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const publicKey = new Uint8Array(await crypto.subtle.exportKey("spki", keys.publicKey));
  return { privateKey: await exported(keys.privateKey), publicKey };
}

/** A certificate (PEM) of who holds the private half of the key, and when it ends. */
export async function issueCertificate(
  authority: Authority,
  publicKey: Uint8Array<ArrayBuffer>,
  names: readonly string[],
  nowMillis: number,
): Promise<{ readonly certificate: string; readonly endMillis: number }> {
  const signer = await crypto.subtle.importKey("pkcs8", derOf(authority.privateKey), ALGORITHM, false, ["sign"]);
  // Whole seconds: a certificate has no finer times.
  const endMillis = Math.floor(nowMillis / 1000) * 1000 + CERTIFICATE_DAYS * DAY_MILLIS;
  const certificate = await signed({
    ...{ issuer: authority.name, subject: names[0]!, isAuthority: false, names, signer },
    publicKey: await crypto.subtle.importKey("spki", publicKey, ALGORITHM, true, ["verify"]),
    ...{ fromMillis: nowMillis - EARLIER_MILLIS, toMillis: endMillis },
  });
  return { certificate, endMillis };
}

/** When a certificate (PEM) ends. */
export function certificateEnd(certificate: string): number {
  return new X509Certificate(certificate).validToDate.getTime();
}

interface Fields {
  readonly issuer: string;
  readonly subject: string;
  readonly isAuthority: boolean;
  /** DNS names of the subject. */
  readonly names: readonly string[];
  readonly publicKey: Key;
  readonly signer: Key;
  readonly fromMillis: number;
  readonly toMillis: number;
}

async function signed(fields: Fields): Promise<string> {
  const [pki, asn1] = await library();
  const { issuer, subject, isAuthority, names, publicKey, signer, fromMillis, toMillis } = fields;
  const certificate = new pki.Certificate();
  const named = (value: string) =>
    new pki.AttributeTypeAndValue({ type: COMMON_NAME, value: new asn1.Utf8String({ value }) });
  const extension = (extnID: string, critical: boolean, value: { toBER(): ArrayBuffer }) =>
    new pki.Extension({ extnID, critical, extnValue: value.toBER() });
  certificate.version = 2;
  certificate.serialNumber = new asn1.Integer({ valueHex: serialNumber() });
  certificate.issuer.typesAndValues.push(named(issuer));
  certificate.subject.typesAndValues.push(named(subject));
  certificate.notBefore.value = new Date(fromMillis);
  certificate.notAfter.value = new Date(toMillis);
  const usage = new asn1.BitString({ valueHex: Uint8Array.of(isAuthority ? KEY_CERT_SIGN : DIGITAL_SIGNATURE).buffer });
  const constraints = new pki.BasicConstraints(isAuthority ? { cA: true, pathLenConstraint: 0 } : { cA: false });
  certificate.extensions = [
    extension(BASIC_CONSTRAINTS, true, constraints.toSchema()),
    extension(KEY_USAGE, true, usage),
  ];
  if (names.length > 0) {
    const general = new pki.GeneralNames({ names: names.map((value) => new pki.GeneralName({ type: DNS, value })) });
    certificate.extensions.push(extension(ALTERNATIVE_NAMES, false, general.toSchema()));
  }
  await certificate.subjectPublicKeyInfo.importKey(publicKey);
  await certificate.sign(signer, DIGEST);
  return pem("CERTIFICATE", new Uint8Array(certificate.toSchema(true).toBER()));
}

const COMMON_NAME = "2.5.4.3";
const KEY_USAGE = "2.5.29.15";
const ALTERNATIVE_NAMES = "2.5.29.17";
const BASIC_CONSTRAINTS = "2.5.29.19";
/** The choice of a GeneralName. */
const DNS = 2;
const DIGITAL_SIGNATURE = 0x80;
const KEY_CERT_SIGN = 0x04;

/** Positive and never repeated. */
function serialNumber(): ArrayBuffer {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[0] = (bytes[0]! & 0x3f) | 0x40;
  return bytes.buffer;
}

async function exported(privateKey: Key): Promise<string> {
  return pem("PRIVATE KEY", new Uint8Array(await crypto.subtle.exportKey("pkcs8", privateKey)));
}

function pem(label: string, der: Uint8Array): string {
  const lines = toBase64(der).match(/.{1,64}/g)!;
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}

function derOf(text: string): Uint8Array<ArrayBuffer> {
  const base64 = text.replace(/-----[^-]+-----/g, "").replace(/\s/g, "");
  return new Uint8Array(fromBase64(base64)!);
}
