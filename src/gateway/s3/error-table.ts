/**
 * The error codes of S3 that this gateway answers with, with their HTTP status. `what` is the message where a failure
 * has no better one; it keeps to S3's wording where clients are known to look at it.
 */
export const S3_ERRORS = {
  AccessControlListNotSupported: {
    status: 400,
    what: "The bucket does not allow ACLs.",
    advice: "Grant access with a bucket policy.",
  },
  AccessDenied: { status: 403, what: "Access Denied", advice: "Ask for a policy that allows the action." },
  AccessForbidden: {
    status: 403,
    what: "CORSResponse: This CORS request is not allowed.",
    advice: "Change the bucket's CORS rules.",
  },
  AuthorizationHeaderMalformed: {
    status: 400,
    what: "The authorization header that you provided is not valid.",
    advice: "Sign again.",
  },
  AuthorizationQueryParametersError: {
    status: 400,
    what: "The authorization query parameters are not valid.",
    advice: "Sign again.",
  },
  BadDigest: {
    status: 400,
    what: "The Content-MD5 or checksum value that you specified did not match what the server received.",
    advice: "Send it again.",
  },
  BadRequest: { status: 400, what: "Bad Request", advice: "Correct the request." },
  BucketAlreadyExists: {
    status: 409,
    what: "The requested bucket name is not available.",
    advice: "Choose another name.",
  },
  BucketAlreadyOwnedByYou: {
    status: 409,
    what: "The bucket that you tried to create already exists, and you own it.",
    advice: "Use it.",
  },
  BucketNotEmpty: {
    status: 409,
    what: "The bucket that you tried to delete is not empty.",
    advice: "Delete its objects and versions first.",
  },
  ConditionalRequestConflict: {
    status: 409,
    what: "A conflicting operation happened during the request.",
    advice: "Try again.",
  },
  EntityTooLarge: {
    status: 400,
    what: "Your proposed upload exceeds the maximum allowed object size.",
    advice: "Upload it in parts.",
  },
  EntityTooSmall: {
    status: 400,
    what: "Your proposed upload is smaller than the minimum allowed object size.",
    advice: "Send larger parts.",
  },
  ExpiredToken: { status: 400, what: "The provided token has expired.", advice: "Ask for a new one." },
  IllegalVersioningConfigurationException: {
    status: 400,
    what: "The versioning configuration is not valid.",
    advice: "Send Enabled or Suspended.",
  },
  IncompleteBody: {
    status: 400,
    what: "You did not provide the number of bytes specified by the Content-Length HTTP header.",
    advice: "Send it again.",
  },
  IncorrectNumberOfFilesInPostRequest: {
    status: 400,
    what: "POST requires exactly one file upload per request.",
    advice: "Send one field named file.",
  },
  InternalError: {
    status: 500,
    what: "We encountered an internal error. Please try again.",
    advice: "Look for the request id in the server's log.",
  },
  InvalidAccessKeyId: {
    status: 403,
    what: "The AWS access key ID that you provided does not exist in our records.",
    advice: "Check the key.",
  },
  InvalidArgument: { status: 400, what: "An argument is not valid.", advice: "Correct it." },
  InvalidBucketName: {
    status: 400,
    what: "The specified bucket is not valid.",
    advice: "Use 3 to 63 lower-case letters, digits, dots, hyphens.",
  },
  InvalidChunkSizeError: {
    status: 403,
    what: "Only the last chunk is allowed to have a size less than 8192 bytes",
    advice: "Send larger chunks.",
  },
  InvalidDigest: {
    status: 400,
    what: "The Content-MD5 that you specified is not valid.",
    advice: "Send the MD5 in base64.",
  },
  InvalidPart: {
    status: 400,
    what: "One or more of the specified parts could not be found.",
    advice: "Upload the part again.",
  },
  InvalidPartOrder: {
    status: 400,
    what: "The list of parts was not in ascending order.",
    advice: "Sort the parts by number.",
  },
  InvalidPolicyDocument: {
    status: 400,
    what: "The form does not meet the conditions of its policy.",
    advice: "Correct the form or the policy.",
  },
  InvalidRange: {
    status: 416,
    what: "The requested range is not satisfiable.",
    advice: "Ask for a range inside the object.",
  },
  InvalidRequest: { status: 400, what: "The request is not valid.", advice: "Correct it." },
  InvalidStorageClass: {
    status: 400,
    what: "The storage class that you specified is not valid.",
    advice: "Use STANDARD.",
  },
  InvalidTag: { status: 400, what: "The tag provided was not a valid tag.", advice: "Correct the tags." },
  InvalidToken: {
    status: 400,
    what: "The provided token is malformed or otherwise not valid.",
    advice: "Ask for a new one.",
  },
  InvalidURI: { status: 400, what: "The specified URI couldn't be parsed.", advice: "Escape the key as UTF-8." },
  KeyTooLongError: { status: 400, what: "Your key is too long.", advice: "Use at most 1,024 bytes." },
  MalformedPOSTRequest: {
    status: 400,
    what: "The body of your POST request is not well-formed multipart/form-data.",
    advice: "Correct the form.",
  },
  MalformedPolicy: { status: 400, what: "The policy is not valid.", advice: "Correct the policy." },
  MalformedTrailerError: {
    status: 400,
    what: "The request contained trailing data that was not well-formed or did not conform to our published schema.",
    advice: "Send each announced trailer once.",
  },
  MalformedXML: {
    status: 400,
    what: "The XML that you provided was not well formed or did not validate against our published schema.",
    advice: "Correct the XML.",
  },
  MaxMessageLengthExceeded: { status: 400, what: "Your request was too large.", advice: "Send less at once." },
  MaxPostPreDataLengthExceededError: {
    status: 400,
    what: "The form fields before the file are too large.",
    advice: "Send smaller fields.",
  },
  MetadataTooLarge: {
    status: 400,
    what: "Your metadata headers exceed the maximum allowed metadata size.",
    advice: "Send less metadata.",
  },
  MethodNotAllowed: {
    status: 405,
    what: "The specified method is not allowed against this resource.",
    advice: "Use another method.",
  },
  MissingContentLength: {
    status: 411,
    what: "You must provide the Content-Length HTTP header.",
    advice: "Send Content-Length.",
  },
  MissingRequestBodyError: { status: 400, what: "Request body is empty.", advice: "Send the document." },
  MissingSecurityHeader: { status: 400, what: "Your request is missing a required header.", advice: "Send it." },
  NoSuchBucket: { status: 404, what: "The specified bucket does not exist", advice: "Create it, or check the name." },
  NoSuchBucketPolicy: { status: 404, what: "The bucket policy does not exist", advice: "Put one." },
  NoSuchCORSConfiguration: { status: 404, what: "The CORS configuration does not exist", advice: "Put one." },
  NoSuchKey: { status: 404, what: "The specified key does not exist.", advice: "Check the key." },
  NoSuchTagSet: { status: 404, what: "The TagSet does not exist", advice: "Put one." },
  NoSuchUpload: {
    status: 404,
    what: "The specified multipart upload does not exist. It may have been aborted or completed.",
    advice: "Begin a new upload.",
  },
  NoSuchVersion: { status: 404, what: "The specified version does not exist.", advice: "Check the version id." },
  NotImplemented: {
    status: 501,
    what: "A header or query that you provided implies functionality that is not implemented.",
    advice: "See docs/protocols/s3.md.",
  },
  NotModified: { status: 304, what: "Not Modified", advice: "Use your copy." },
  OperationAborted: {
    status: 409,
    what: "A conflicting conditional operation is currently in progress against this resource. Try again.",
    advice: "Try again.",
  },
  PreconditionFailed: {
    status: 412,
    what: "At least one of the pre-conditions you specified did not hold",
    advice: "Read the object again.",
  },
  RequestTimeTooSkewed: {
    status: 403,
    what: "The difference between the request time and the server's time is too large.",
    advice: "Set the clock.",
  },
  RequestTimeout: {
    status: 400,
    what: "Your socket connection to the server was not read from or written to within the timeout period.",
    advice: "Send it again.",
  },
  ServiceUnavailable: { status: 503, what: "Service is unable to handle request.", advice: "Try again later." },
  SignatureDoesNotMatch: {
    status: 403,
    what: "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
    advice: "Check the secret key.",
  },
  SlowDown: { status: 503, what: "Please reduce your request rate.", advice: "Try again later, with back-off." },
  StorageFull: {
    status: 507,
    what: "The disk's free-space reserve is reached; nothing can be written. Reads and deletes go on.",
    advice: "Free space.",
  },
  XAmzContentSHA256Mismatch: {
    status: 400,
    what: "The provided 'x-amz-content-sha256' header does not match what was computed.",
    advice: "Send it again.",
  },
} as const;

export type S3ErrorCode = keyof typeof S3_ERRORS;
