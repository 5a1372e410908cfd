"""What both benchmarks share: running a program, the peer's process, what this machine is."""
import json
import os
import pathlib
import platform
import statistics
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent


class RowFailed(Exception):
    """One row has no result; the message says why."""


class PeerProcess:
    """The other side, a process of its own that answers a JSON line for a JSON line; loaded once."""

    def __init__(self, command, threads):
        environment = dict(os.environ, OMP_NUM_THREADS=str(threads), HF_HUB_OFFLINE="1")
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env=environment)

    def ask(self, row):
        """The answer to {"row": row}."""
        self.process.stdin.write(json.dumps({"row": row}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RowFailed(f"the peer's process ended with status {self.process.wait()}")
        answer = json.loads(line)
        if "error" in answer:
            raise RowFailed("peer: " + answer["error"])
        return answer

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def run(command):
    """Runs a program to its end and returns its standard output."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise RowFailed(f"{' '.join(command)}: status {done.returncode}: {done.stderr.strip()[-300:]}")
    return done.stdout


def spread(values):
    return (max(values) - min(values)) / statistics.median(values)


def first_line(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, cwd=ROOT).stdout.splitlines()[0]
    except (OSError, IndexError):
        return "unknown"


def cpu_name():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        return next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")),
                    platform.machine())
