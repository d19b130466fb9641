import { getAcl, putAcl } from "./acl.ts";
import { getObjectAttributes } from "./attributes.ts";
import { createBucket, deleteBucket, getBucketLocation, headBucket } from "./bucket.ts";
import { copyObject, uploadPartCopy } from "./copy.ts";
import { corsPreflight, deleteBucketCors, getBucketCors, putBucketCors } from "./cors.ts";
import { deleteObjects } from "./delete-many.ts";
import { listObjects, listObjectsV2 } from "./listing.ts";
import {
  abortMultipartUpload,
  completeMultipartUpload,
  createMultipartUpload,
  listParts,
  uploadPart,
} from "./multipart.ts";
import { getObject, headObject } from "./object-read.ts";
import { deleteObject, putObject } from "./object-write.ts";
import type { ServedName } from "./operations/index.ts";
import type { Operator } from "./operator.ts";
import { getBucketOwnershipControls } from "./ownership.ts";
import { deleteBucketPolicy, getBucketPolicy, getBucketPolicyStatus, putBucketPolicy } from "./policy.ts";
import { postObject } from "./post-form.ts";
import { listBuckets } from "./service.ts";
import {
  deleteBucketTagging,
  deleteObjectTagging,
  getBucketTagging,
  getObjectTagging,
  putBucketTagging,
  putObjectTagging,
} from "./tagging.ts";
import { listMultipartUploads } from "./upload-listing.ts";
import { listObjectVersions } from "./version-listing.ts";
import { getBucketVersioning, putBucketVersioning } from "./versioning.ts";

/** What answers each operation of the table that is built. */
export const HANDLERS: Readonly<Record<ServedName, Operator>> = {
  ListBuckets: listBuckets,

  CreateBucket: createBucket,
  HeadBucket: headBucket,
  DeleteBucket: deleteBucket,
  GetBucketLocation: getBucketLocation,
  ListObjects: listObjects,
  ListObjectsV2: listObjectsV2,
  ListObjectVersions: listObjectVersions,
  ListMultipartUploads: listMultipartUploads,
  DeleteObjects: deleteObjects,
  PostObject: postObject,
  CorsPreflight: corsPreflight,
  GetBucketVersioning: getBucketVersioning,
  PutBucketVersioning: putBucketVersioning,
  GetBucketTagging: getBucketTagging,
  PutBucketTagging: putBucketTagging,
  DeleteBucketTagging: deleteBucketTagging,
  GetBucketCors: getBucketCors,
  PutBucketCors: putBucketCors,
  DeleteBucketCors: deleteBucketCors,
  GetBucketPolicy: getBucketPolicy,
  PutBucketPolicy: putBucketPolicy,
  DeleteBucketPolicy: deleteBucketPolicy,
  GetBucketPolicyStatus: getBucketPolicyStatus,
  GetBucketAcl: getAcl,
  PutBucketAcl: putAcl,
  GetBucketOwnershipControls: getBucketOwnershipControls,

  PutObject: putObject,
  GetObject: getObject,
  HeadObject: headObject,
  DeleteObject: deleteObject,
  CopyObject: copyObject,
  GetObjectAttributes: getObjectAttributes,
  CorsPreflightObject: corsPreflight,
  CreateMultipartUpload: createMultipartUpload,
  UploadPart: uploadPart,
  UploadPartCopy: uploadPartCopy,
  CompleteMultipartUpload: completeMultipartUpload,
  AbortMultipartUpload: abortMultipartUpload,
  ListParts: listParts,
  GetObjectTagging: getObjectTagging,
  PutObjectTagging: putObjectTagging,
  DeleteObjectTagging: deleteObjectTagging,
  GetObjectAcl: getAcl,
  PutObjectAcl: putAcl,
};
