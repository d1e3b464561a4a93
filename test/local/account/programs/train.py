"""A small training program in script mode: counts epochs, keeps a checkpoint after each, and writes what it saw into its model."""
from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int, default=1)
parser.add_argument("--seconds", type=float, default=0.0)
parser.add_argument("--fail", default="")
parser.add_argument("--reason", default="")
parser.add_argument("--deaf", default="")
parser.add_argument("--checkpoints", default="/opt/ml/checkpoints")
arguments = parser.parse_args()

model = Path(os.environ["SM_MODEL_DIR"])
if arguments.deaf:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
else:
    signal.signal(signal.SIGTERM, lambda *_: ((model / "stopped.txt").write_text("saved"), sys.exit(1)))
checkpoints = Path(arguments.checkpoints)
checkpoints.mkdir(parents=True, exist_ok=True)
progress = checkpoints / "progress.json"
state = json.loads(progress.read_text()) if progress.exists() else {"epochs": 0, "pids": []}
resumed_at = state["epochs"]
state["pids"].append(os.getpid())
print(f"process {os.getpid()} resumes at epoch {resumed_at}", flush=True)
trained = 0
while state["epochs"] < arguments.epochs:
    time.sleep(arguments.seconds)
    trained += 1
    state["epochs"] += 1
    # Whole or not at all: what lies in the folder is copied at any moment.
    part = checkpoints.with_name("progress.part")
    part.write_text(json.dumps(state))
    os.replace(part, progress)
if arguments.reason:
    (Path(os.environ["SM_OUTPUT_DIR"]) / "failure").write_text(arguments.reason)
if arguments.fail:
    sys.exit(f"cannot go on: {arguments.fail}")
channel = os.environ.get("SM_CHANNEL_TRAIN")
files = {str(path.relative_to(channel)): path.read_text() for path in sorted(Path(channel).rglob("*")) if path.is_file()} if channel else {}
seen = {
    "files": files, "resumedAt": resumed_at, "trainedHere": trained, "pids": state["pids"], "arguments": sys.argv[1:],
    "environment": {name: value for name, value in os.environ.items() if name.startswith(("SM_", "AWS_", "TRAINING_", "OWN", "HOME"))},
    "config": {path.name: json.loads(path.read_text()) for path in Path(os.environ["SM_INPUT_CONFIG_DIR"]).iterdir()},
}  # fmt: skip
(model / "seen.json").write_text(json.dumps(seen))
(Path(os.environ["SM_OUTPUT_DATA_DIR"]) / "report.txt").write_text("report")
