"""Buckets: the properties that the emulator's CloudFormation handler drops, the refusal to delete a full one, and ranges of versions."""
from __future__ import annotations

import contextvars
import json
from typing import Any

import ministack.services.eventbridge as _eventbridge
import ministack.services.s3 as _s3

from . import aws, cfn

_KEY_HEADER = "x-amz-server-side-encryption-aws-kms-key-id"
_NOT_EMPTY = (
    "The bucket you tried to delete is not empty. You must delete all versions in the bucket. "
    "(Service: S3, Status Code: 409, Error Code: BucketNotEmpty)"
)


def install() -> None:
    """Wraps the bucket's handler."""
    cfn.extend("AWS::S3::Bucket", create=_create, update=_update, delete=_delete, worker=True)
    _s3._resolve_sse_write_headers = _managed_key(_s3._resolve_sse_write_headers)
    _s3._get_object = _slice_versions(_s3._get_object)
    _s3._fire_s3_event = _remember_version(_s3._fire_s3_event)
    _eventbridge._dispatch_event = _name_version(_eventbridge._dispatch_event)


def _slice_versions(original: Any) -> Any:
    """A range of a version; the emulator answers a range with all of it when the request names a version.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
    """

    def get(bucket: str, key: str, headers: dict, query: dict | None = None) -> Any:
        status, answer, body = original(bucket, key, headers, query)
        asked = headers.get("range", "")
        if status != 200 or not asked or not _s3._qp(query or {}, "versionId", ""):
            return status, answer, body
        place = _s3._parse_range(asked, len(body))
        if place is None:
            refused = {"Content-Type": "application/xml", "Content-Range": f"bytes */{len(body)}"}
            return 416, refused, _s3._xml_body(_s3._range_error_xml(bucket, key))
        first, last = place
        # A checksum is that of the whole object.
        kept = {name: value for name, value in answer.items() if not name.lower().startswith("x-amz-checksum-")}
        part = body[first : last + 1]
        return 206, {**kept, "Content-Length": str(len(part)), "Content-Range": f"bytes {first}-{last}/{len(body)}"}, part

    return get


_version: contextvars.ContextVar[str | None] = contextvars.ContextVar("version of the object that an event is about", default=None)


def _remember_version(original: Any) -> Any:
    def fire(*args: Any, version_id: str | None = None, **rest: Any) -> None:
        token = _version.set(version_id)
        try:
            original(*args, version_id=version_id, **rest)
        finally:
            _version.reset(token)

    return fire


def _name_version(original: Any) -> Any:
    """Events about a versioned bucket name the version; the emulator's do not.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
    """

    def dispatch(event: dict, *rest: Any) -> Any:
        version = _version.get()
        if version is not None and event["Source"] == "aws.s3":
            detail = json.loads(event["Detail"])
            detail["object"]["version-id"] = version
            event = {**event, "Detail": json.dumps(detail)}
        return original(event, *rest)

    return dispatch


def _managed_key(original: Any) -> Any:
    """`aws:kms` without a key id means the AWS managed key of S3; the emulator refuses it."""

    def resolve(headers: dict, bucket: str) -> Any:
        if headers.get("x-amz-server-side-encryption") == "aws:kms" and not headers.get(_KEY_HEADER):
            headers = {**headers, _KEY_HEADER: f"arn:aws:kms:{aws.region()}:{aws.ACCOUNT_ID}:alias/aws/s3"}
        return original(headers, bucket)

    return resolve


def _create(original: cfn.Create) -> cfn.Create:
    def create(logical_id: str, props: dict, stack: str) -> cfn.Created:
        name, attributes = original(logical_id, props, stack)
        configure(name, props)
        return name, attributes

    return create


def _update(original: Any) -> Any:
    def update(physical_id: str, old: dict, new: dict, *rest: Any) -> cfn.Created:
        name, attributes = original(physical_id, old, new, *rest)
        configure(name, new)
        if old.get("VersioningConfiguration") and (new.get("VersioningConfiguration") or {}).get("Status") != "Enabled":
            aws.client("s3").put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Suspended"})
        return name, attributes

    return update


def _delete(original: cfn.Delete) -> cfn.Delete:
    def delete(physical_id: str, props: dict) -> None:
        if physical_id in _s3._buckets:
            found = aws.client("s3").list_object_versions(Bucket=physical_id, MaxKeys=1)
            if found.get("Versions") or found.get("DeleteMarkers"):
                raise ValueError(_NOT_EMPTY)
        original(physical_id, props)

    return delete


def configure(name: str, props: dict) -> None:
    """Sets, or clears, everything that the native handler does not."""
    s3 = aws.client("s3")
    _set(props.get("Tags"), lambda tags: s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tags}), lambda: s3.delete_bucket_tagging(Bucket=name))
    encryption = props.get("BucketEncryption") or {"ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
    s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": _encryption_rules(encryption)})
    _set(
        (props.get("LifecycleConfiguration") or {}).get("Rules"),
        lambda rules: s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": _lifecycle_rules(rules)}),
        lambda: s3.delete_bucket_lifecycle(Bucket=name),
    )
    _set(
        props.get("OwnershipControls"),
        lambda controls: s3.put_bucket_ownership_controls(Bucket=name, OwnershipControls=controls),
        lambda: s3.delete_bucket_ownership_controls(Bucket=name),
    )
    logging = props.get("LoggingConfiguration") or {}
    target = {"TargetBucket": logging.get("DestinationBucketName", name), "TargetPrefix": logging.get("LogFilePrefix", "")}
    s3.put_bucket_logging(Bucket=name, BucketLoggingStatus={"LoggingEnabled": target} if logging else {})


def _set(value: Any, put: Any, clear: Any) -> None:
    if value:
        put(value)
    else:
        clear()


def _encryption_rules(encryption: dict) -> list[dict[str, Any]]:
    rules = []
    for rule in encryption["ServerSideEncryptionConfiguration"]:
        default = rule.get("ServerSideEncryptionByDefault") or {}
        out: dict[str, Any] = {"ApplyServerSideEncryptionByDefault": {k: default[k] for k in ("SSEAlgorithm", "KMSMasterKeyID") if k in default}}
        if "BucketKeyEnabled" in rule:
            out["BucketKeyEnabled"] = str(rule["BucketKeyEnabled"]).lower() == "true"
        rules.append(out)
    return rules


def _lifecycle_rules(rules: list[dict]) -> list[dict[str, Any]]:
    return [_lifecycle_rule(rule, f"rule-{index}") for index, rule in enumerate(rules)]


def _lifecycle_rule(rule: dict, default_id: str) -> dict[str, Any]:
    out: dict[str, Any] = {"ID": rule.get("Id", default_id), "Status": rule["Status"], "Filter": _lifecycle_filter(rule)}
    if "ExpirationInDays" in rule:
        out["Expiration"] = {"Days": int(rule["ExpirationInDays"])}
    elif "ExpiredObjectDeleteMarker" in rule:
        out["Expiration"] = {"ExpiredObjectDeleteMarker": str(rule["ExpiredObjectDeleteMarker"]).lower() == "true"}
    if "NoncurrentVersionExpiration" in rule:
        out["NoncurrentVersionExpiration"] = {key: int(value) for key, value in rule["NoncurrentVersionExpiration"].items()}
    elif "NoncurrentVersionExpirationInDays" in rule:
        out["NoncurrentVersionExpiration"] = {"NoncurrentDays": int(rule["NoncurrentVersionExpirationInDays"])}
    if "AbortIncompleteMultipartUpload" in rule:
        out["AbortIncompleteMultipartUpload"] = {key: int(value) for key, value in rule["AbortIncompleteMultipartUpload"].items()}
    if rule.get("Transitions"):
        out["Transitions"] = [{"StorageClass": t["StorageClass"], "Days": int(t["TransitionInDays"])} for t in rule["Transitions"]]
    if rule.get("NoncurrentVersionTransitions"):
        out["NoncurrentVersionTransitions"] = [
            {"StorageClass": t["StorageClass"], "NoncurrentDays": int(t["TransitionInDays"])} for t in rule["NoncurrentVersionTransitions"]
        ]
    return out


def _lifecycle_filter(rule: dict) -> dict[str, Any]:
    tags = rule.get("TagFilters") or []
    conditions: dict[str, Any] = {"Prefix": rule.get("Prefix", "")}
    for key in ("ObjectSizeGreaterThan", "ObjectSizeLessThan"):
        if key in rule:
            conditions[key] = int(rule[key])
    if tags:
        conditions["Tags"] = tags
    return {"And": conditions} if len(conditions) > 1 else conditions
