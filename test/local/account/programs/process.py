"""A small processing program: copies its input to its output, talks to Amazon S3 as a role could, and tells what it was given."""
from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import boto3

source, target, seconds = Path(sys.argv[1]), Path(sys.argv[2].removeprefix("--output=")), float(sys.argv[3])
print(f"process {os.getpid()}", flush=True)
time.sleep(seconds)
(target / "deep").mkdir()
for path in sorted(source.rglob("*.csv")):
    (target / "deep" / path.name).write_text(path.read_text().upper())
buckets = [bucket["Name"] for bucket in boto3.client("s3").list_buckets()["Buckets"]]
config = json.loads((Path(os.environ["FOLDER"]).parent / "config/processingjobconfig.json").read_text())
(target / "told.json").write_text(json.dumps({"buckets": buckets, "config": config, "folder": os.environ["FOLDER"], "cwd": os.getcwd()}))
(Path(os.environ["FOLDER"]).parent / "output/message").write_text("all well")
