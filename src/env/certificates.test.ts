import { equal, ok } from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { describe, test } from "node:test";
import { CERTIFICATE_DAYS, createAuthority, createNodeKey, issueCertificate } from "./certificates.ts";

const NOW = Date.UTC(2026, 10, 22, 10, 0, 0, 123);
const DAY = 86_400_000;

describe("the cluster's certificate authority", () => {
  test("signs certificates with these names, for a key whose private half it never saw", async () => {
    const authority = await createAuthority("ashlar east", NOW);
    const key = await createNodeKey();
    const { certificate, endMillis } = await issueCertificate(authority, key.publicKey, ["node-3", "any-node"], NOW);
    const [parent, child] = [new X509Certificate(authority.certificate), new X509Certificate(certificate)];
    equal(child.subjectAltName, "DNS:node-3, DNS:any-node");
    equal(child.subject, "CN=node-3");
    ok(child.verify(parent.publicKey) && child.checkIssued(parent));
    ok(child.checkPrivateKey(createPrivateKey(key.privateKey)));
    equal(child.ca, false);
    equal(child.validToDate.getTime(), endMillis);
    ok(endMillis > NOW + (CERTIFICATE_DAYS - 1) * DAY && endMillis <= NOW + CERTIFICATE_DAYS * DAY);
    ok(child.validFromDate.getTime() < NOW, "a clock that is a little behind takes it as well");
  });

  test("has a certificate of its own, by which nothing but certificates is signed", async () => {
    const authority = await createAuthority("ashlar east", NOW);
    const parent = new X509Certificate(authority.certificate);
    ok(parent.ca && parent.verify(parent.publicKey));
    equal(parent.subject, "CN=ashlar east");
    ok(parent.checkPrivateKey(createPrivateKey(authority.privateKey)));
  });

  test("gives no serial number twice, and does not vouch for another authority's certificates", async () => {
    const [one, other] = [await createAuthority("one", NOW), await createAuthority("one", NOW)];
    const { publicKey } = await createNodeKey();
    const first = new X509Certificate((await issueCertificate(one, publicKey, ["node-1"], NOW)).certificate);
    const second = new X509Certificate((await issueCertificate(one, publicKey, ["node-1"], NOW)).certificate);
    ok(first.serialNumber !== second.serialNumber && /^[4-7]/.test(first.serialNumber));
    equal(first.verify(new X509Certificate(other.certificate).publicKey), false);
  });
});
