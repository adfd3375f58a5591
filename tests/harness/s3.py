"""A real S3 API on the loopback interface that checks signatures and policies, as AWS would."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any

import boto3

REGION = "us-east-2"
ROLE = "arn:aws:iam::123456789012:role/clickhouse"
"""May do the same as the key, for those who have no key."""
PATH_STYLE = "https://storage.googleapis.com,https://store.example.internal:9000"
"""Hosts that take the bucket from the path; every other one with a dot takes it from its own name."""
ABSENT = "absent"
"""A bucket that there is not."""
SECONDS = 60
"""The longest that the server may take to start."""


@dataclass(frozen=True, kw_only=True)
class Store:
    """A store with one bucket, and a key that may do what ClickHouse needs below `prefix` and nothing else."""

    endpoint: str
    bucket: str
    access_key: str
    secret_key: str
    temporary: Mapping[str, str]
    """Credentials of the role, as AWS hands them out: AccessKeyId, SecretAccessKey, SessionToken."""

    def environment(self) -> dict[str, str]:
        """What a pod's environment would have."""
        keys = {"AWS_ACCESS_KEY_ID": self.access_key, "AWS_SECRET_ACCESS_KEY": self.secret_key}
        return keys | {"AWS_DEFAULT_REGION": REGION, "AWS_REGION": REGION, "AWS_EC2_METADATA_DISABLED": "true"}

    @property
    def client(self) -> Any:
        """S3's client with the key."""
        return _client("s3", self.endpoint, self.access_key, self.secret_key)

    def names(self) -> list[str]:
        """The names of all objects."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        return [found["Key"] for page in pages for found in page.get("Contents", [])]

    def head(self, name: str) -> dict[str, Any]:
        """What the store knows about one object."""
        return self.client.head_object(Bucket=self.bucket, Key=name)

    def put(self, name: str) -> None:
        """An object that nobody's server has written."""
        self.client.put_object(Bucket=self.bucket, Key=name, Body=b"stray")

    def empty(self) -> None:
        """Deletes every object."""
        for name in self.names():
            self.client.delete_object(Bucket=self.bucket, Key=name)


@contextlib.contextmanager
def store(bucket: str, prefix: str) -> Generator[Store]:
    """A running store, stopped at the end. Raises TimeoutError when it does not start."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    endpoint = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    environment = os.environ | {"MOTO_S3_CUSTOM_ENDPOINTS": PATH_STYLE}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait(endpoint)
        yield _prepare(endpoint, bucket, prefix)
    finally:
        process.terminate()
        process.wait(10)


def policy(bucket: str, prefix: str) -> dict[str, Any]:
    """The least that ClickHouse needs."""
    of_bucket = ["s3:ListBucket", "s3:GetBucketLocation", "s3:ListBucketMultipartUploads"]
    of_objects = ["GetObject", "PutObject", "DeleteObject", "AbortMultipartUpload", "ListMultipartUploadParts"]
    arn = f"arn:aws:s3:::{bucket}"
    # moto asks for the deletion of many at the bucket, AWS at each object
    statements = [
        {"Effect": "Allow", "Action": [*of_bucket, "s3:DeleteObject"], "Resource": arn},
        {"Effect": "Allow", "Action": [f"s3:{name}" for name in of_objects], "Resource": f"{arn}/{prefix}*"},
    ]
    return {"Version": "2012-10-17", "Statement": statements}


def _prepare(endpoint: str, bucket: str, prefix: str) -> Store:
    s3, iam = (_client(name, endpoint, "setup", "setup") for name in ("s3", "iam"))
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    iam.create_user(UserName="clickhouse")
    key = iam.create_access_key(UserName="clickhouse")["AccessKey"]
    allowed = policy(bucket, prefix)
    # moto asks for the right before it looks for the bucket, AWS the other way round
    anything = {"Effect": "Allow", "Action": "s3:*", "Resource": [f"arn:aws:s3:::{ABSENT}", f"arn:aws:s3:::{ABSENT}/*"]}
    document = json.dumps({**allowed, "Statement": [*allowed["Statement"], anything]})
    iam.put_user_policy(UserName="clickhouse", PolicyName="clickhouse", PolicyDocument=document)
    role = ROLE.rpartition("/")[2]
    iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": []}))
    iam.put_role_policy(RoleName=role, PolicyName=role, PolicyDocument=document)
    taken = _client("sts", endpoint, "setup", "setup").assume_role(RoleArn=ROLE, RoleSessionName="clickhouse")
    # from here on signatures and policies count
    urllib.request.urlopen(
        urllib.request.Request(f"{endpoint}/moto-api/reset-auth", b"0", {"Content-Type": "text/plain"})
    )
    return Store(
        endpoint=endpoint,
        bucket=bucket,
        access_key=key["AccessKeyId"],
        secret_key=key["SecretAccessKey"],
        temporary={name: value for name, value in taken["Credentials"].items() if name != "Expiration"},
    )


@functools.cache
def _client(service: str, endpoint: str, access_key: str, secret_key: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
    )


def _wait(endpoint: str) -> None:
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            urllib.request.urlopen(f"{endpoint}/moto-api/", timeout=2).close()
        except (OSError, urllib.error.URLError) as error:
            if time.monotonic() > deadline:
                raise TimeoutError(f"the S3 server did not answer within {SECONDS} seconds") from error
            time.sleep(0.1)
        else:
            return
