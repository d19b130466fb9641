"""boto3's everyday round trip: small files, one of 200 MB by multipart, metadata, listing, presigned links, delete."""

import hashlib
import pathlib
import sys
import urllib.request

import boto3

endpoint, folder = sys.argv[1], pathlib.Path(sys.argv[2])
s3 = boto3.client("s3", endpoint_url=endpoint)
bucket = "boto3-bucket"
s3.create_bucket(Bucket=bucket)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
for name in names:
    s3.upload_file(str(folder / name), bucket, name, ExtraArgs={"Metadata": {"origin": "boto3"}})

listed = []
for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, PaginationConfig={"PageSize": 33}):
    listed += [item["Key"] for item in page["Contents"]]
assert listed == sorted(names, key=lambda name: name.encode()), "listing"

for name in names:
    got = s3.get_object(Bucket=bucket, Key=name)
    assert digest(got["Body"].read()) == digest((folder / name).read_bytes()), name
    assert got["Metadata"] == {"origin": "boto3"}, name

link = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "one"}, ExpiresIn=60)
assert urllib.request.urlopen(link).read() == (folder / "one").read_bytes()

s3.put_object(Bucket=bucket, Key="conditional", Body=b"1", IfNoneMatch="*")
try:
    s3.put_object(Bucket=bucket, Key="conditional", Body=b"2", IfNoneMatch="*")
    raise SystemExit("a conditional write went through")
except s3.exceptions.ClientError as error:
    assert error.response["Error"]["Code"] == "PreconditionFailed"

everything = [{"Key": name} for name in [*names, "conditional"]]
result = s3.delete_objects(Bucket=bucket, Delete={"Objects": everything})
assert len(result["Deleted"]) == len(everything) and "Errors" not in result
s3.delete_bucket(Bucket=bucket)
print("round trip: ok")
