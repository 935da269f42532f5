"""Moto's server on loopback, with accounts whose policies it enforces: an S3 store over real HTTP."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

READING = ["s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket", "s3:ListBucketVersions", "s3:GetBucketVersioning"]
"""The policy of docs/lakes-on-s3.md."""
REGION = "us-east-1"


@dataclass(frozen=True)
class Account:
    """One account's key pair."""

    key_id: str
    secret: str

    def environment(self) -> dict[str, str]:
        """The lake's variables for this account."""
        return {"WINDTUNNEL_LAKE_ACCESS_KEY_ID": self.key_id, "WINDTUNNEL_LAKE_SECRET_ACCESS_KEY": self.secret}


@dataclass(frozen=True)
class Store:
    """A running store, an account that may do everything to objects, and one that may only read."""

    endpoint: str
    admin: Account
    reader: Account

    def client(self, account: Account) -> Any:
        return _client("s3", self.endpoint, account)

    def account(self, name: str, actions: list[str], resources: Sequence[str] = ("*",)) -> Account:
        """A new account that may do ``actions`` on ``resources``, and nothing else."""
        return _make_account(_client("iam", self.endpoint, self.admin), name, actions, resources)

    def bucket(self, name: str, *, has_versions: bool = True) -> str:
        """A new bucket."""
        client = self.client(self.admin)
        client.create_bucket(Bucket=name)
        if has_versions:
            client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        return name

    def upload(self, folder: Path, bucket: str, prefix: str) -> None:
        """Every file below ``folder``, under the same path below ``prefix``."""
        client = self.client(self.admin)
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                client.put_object(Bucket=bucket, Key=f"{prefix}/{file.relative_to(folder).as_posix()}", Body=file.read_bytes())


@cache
def _client(service: str, endpoint: str, account: Account) -> Any:
    session = boto3.session.Session(account.key_id, account.secret, region_name=REGION)
    config = Config(retries={"total_max_attempts": 1}, request_checksum_calculation="when_required")
    return session.client(service, endpoint_url=endpoint, config=config)


def _make_account(iam: Any, name: str, actions: list[str], resources: Sequence[str] = ("*",)) -> Account:
    iam.create_user(UserName=name)
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": list(resources)}]}
    iam.put_user_policy(UserName=name, PolicyName="only", PolicyDocument=json.dumps(policy))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return Account(key["AccessKeyId"], key["SecretAccessKey"])


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def serve() -> Iterator[Store]:
    """A store that enforces its accounts' policies, until the context ends."""
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    # Until it is told otherwise it lets everybody do everything: that is when the first accounts are made.
    env = {**os.environ, "INITIAL_NO_AUTH_ACTION_COUNT": "1000000"}
    with tempfile.TemporaryFile() as log:
        command = [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        process = subprocess.Popen(command, env=env, stdout=log, stderr=log)
        try:
            _wait(endpoint, process)
            iam = _client("iam", endpoint, Account("anybody", "anything"))
            admin = _make_account(iam, "admin", ["s3:*", "iam:*"])
            reader = _make_account(iam, "reader", READING)
            _enforce(endpoint)
            yield Store(endpoint, admin, reader)
        finally:
            process.terminate()
            process.wait(timeout=20)


def _enforce(endpoint: str) -> None:
    request = urllib.request.Request(f"{endpoint}/moto-api/reset-auth", data=b"0", headers={"Content-Type": "text/plain"})
    urllib.request.urlopen(request, timeout=10).close()


def _wait(endpoint: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(1800):  # a machine that is busy takes its time
        if process.poll() is not None:
            raise RuntimeError(f"moto's server ended with {process.returncode}")
        try:
            urllib.request.urlopen(f"{endpoint}/moto-api/", timeout=5).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("moto's server did not answer")
