import { readOptionalDocument } from "./document.ts";
import { emptyReply, type Operator, operator, type Ports } from "./operator.ts";
import { aclNotSupported } from "./refused-headers.ts";
import { type S3Reply, type S3Request, versionIdOf } from "./request.ts";
import { textOf, type XmlElement, XmlReply } from "./xml.ts";

// Access is granted by policies. What an ACL can say here is what is so anyway: the bucket's owner has full control.

const ACL_BYTES_MAX = 64 * 1024;

interface AclRequest {
  readonly bucket: string;
  /** Undefined where the ACL is the bucket's. */
  readonly key: string | undefined;
  readonly versionId: string | undefined;
}

export const getAcl: Operator = operator({
  parse: aclRequestOf,
  handle: ownerOf,
  encode: (owner): S3Reply => {
    const xml = new XmlReply("AccessControlPolicy");
    xml.owner(owner);
    xml.open("AccessControlList").open("Grant");
    xml.openTyped("Grantee", "CanonicalUser").text("ID", owner).text("DisplayName", owner).close();
    xml.text("Permission", "FULL_CONTROL").close().close();
    return xml.reply();
  },
});

/** The header x-amz-acl has been looked at already; a document may grant the owner full control and nothing else. */
export const putAcl: Operator = operator({
  parse: async (input: S3Request, ports: Ports) => ({
    ...aclRequestOf(input),
    document: await readOptionalDocument(input, ports, {
      root: "AccessControlPolicy",
      children: ["Owner", "AccessControlList"],
      bytesMax: ACL_BYTES_MAX,
    }),
  }),
  handle: async (request, ports) => {
    const owner = await ownerOf(request, ports);
    if (request.document !== undefined) checkGrants(request.document, owner);
  },
  encode: () => emptyReply(200),
});

function aclRequestOf(input: S3Request): AclRequest {
  const { bucket, key, address } = input;
  return { bucket, key: address.level === "object" ? key : undefined, versionId: versionIdOf(input) };
}

async function ownerOf({ bucket, key, versionId }: AclRequest, { objects }: Ports): Promise<string> {
  if (key !== undefined) await objects.stat({ bucket, key, versionId });
  return (await objects.headBucket(bucket)).owner;
}

function checkGrants(document: XmlElement, owner: string): void {
  const grants = document.optional("AccessControlList")?.all("Grant") ?? [];
  // Without a grant it would take the owner's own control away.
  if (grants.length === 0) throw aclNotSupported();
  for (const grant of grants) {
    const grantee = grant.optional("Grantee");
    if (grantee === undefined || textOf(grantee, "ID") !== owner || textOf(grant, "Permission") !== "FULL_CONTROL")
      throw aclNotSupported();
  }
}
