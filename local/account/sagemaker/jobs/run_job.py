"""Runs one job's program as a child and ends with it. A program of its own: it imports nothing of the bridge.

`python run_job.py EXIT_FILE COMMAND...` leads a process group of its own. When its standard input closes, the account is gone: the whole
group is killed. SIGTERM goes on to the program, as a container's first process gets it. When the program ends, its exit code is written to
EXIT_FILE and whatever it left running is killed with the group, which is this process as well. No more than POSIX is needed.
"""
from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from typing import Any


def end_group() -> None:
    os.killpg(0, signal.SIGKILL)


def end_with_host() -> None:
    while os.read(0, 4096):
        pass
    end_group()


def main() -> None:
    exit_file, command = sys.argv[1], sys.argv[2:]
    # SIGTERM waits until there is somebody to pass it on to; the program starts with its default.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM}))
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr, flush=True)
        return report(exit_file, 127)

    def pass_on(number: int, frame: Any) -> None:
        child.send_signal(signal.SIGTERM)

    signal.signal(signal.SIGTERM, pass_on)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    threading.Thread(target=end_with_host, daemon=True).start()
    code = child.wait()
    report(exit_file, code if code >= 0 else 128 - code)
    end_group()


def report(exit_file: str, code: int) -> None:
    with open(exit_file + ".new", "w", encoding="utf-8") as file:
        file.write(str(code))
    os.replace(exit_file + ".new", exit_file)


if __name__ == "__main__":
    main()
