import type { BucketInfo, ListPage } from "../../service/objects/index.ts";
import { invalidArgument } from "./errors.ts";
import { decodeToken, encodeToken } from "./listing.ts";
import { countOf, LIST_LIMIT_MAX } from "./listing-arguments.ts";
import { type Operator, operator, type Ports } from "./operator.ts";
import type { S3Reply, S3Request } from "./request.ts";
import { XmlReply } from "./xml.ts";

interface BucketListing {
  readonly prefix: string;
  readonly after: string | undefined;
  /** Undefined where the client did not page: then it expects all. */
  readonly limit: number | undefined;
}

export const listBuckets: Operator = operator({
  parse: parseListing,
  handle: listAll,
  encode: (page, request, input, { options }): S3Reply => {
    const xml = new XmlReply("ListAllMyBucketsResult");
    xml.owner(input.caller.owner);
    xml.open("Buckets");
    for (const { name, createdMillis } of page.items) {
      xml.open("Bucket").text("Name", name).time("CreationDate", createdMillis);
      xml.text("BucketRegion", options.region).close();
    }
    xml.close();
    if (request.prefix !== "") xml.text("Prefix", request.prefix);
    if (page.next !== undefined) xml.text("ContinuationToken", encodeToken(page.next));
    return xml.reply();
  },
});

function parseListing({ query }: S3Request): BucketListing {
  const token = query.get("continuation-token");
  const limit = query.get("max-buckets");
  return {
    prefix: query.get("prefix") ?? "",
    after: token === undefined || token === "" ? undefined : decodeToken(token),
    limit: limit === undefined ? undefined : pageSize(limit),
  };
}

function pageSize(text: string): number {
  const limit = countOf(text, "max-buckets");
  if (limit < 1) throw invalidArgument("Argument max-buckets must be at least 1", "max-buckets", text);
  return Math.min(limit, LIST_LIMIT_MAX);
}

async function listAll({ prefix, after, limit }: BucketListing, { objects }: Ports): Promise<ListPage<BucketInfo>> {
  const items: BucketInfo[] = [];
  let from = after;
  for (;;) {
    const page = await objects.listBuckets({
      prefix,
      ...(from !== undefined && { after: from }),
      limit: limit ?? LIST_LIMIT_MAX,
    });
    items.push(...page.items);
    if (page.next === undefined || limit !== undefined || items.length >= BUCKETS_MAX) {
      return { items, commonPrefixes: [], next: page.next };
    }
    from = page.next;
  }
}

/** Of one answer without paging; a client that knows no pages would have no use for more. */
const BUCKETS_MAX = 10_000;
