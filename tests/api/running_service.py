"""Starts and ends the service as its operators do: `maie serve` in a folder of its own, on a free port.

Used by the tests here and by bench/service.py. Everything that is started is ended, by its process id.
"""
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODELS = ROOT / "models" / "mini"
SAMPLES = ROOT / "samples"


def program():
    """The program under test: $MAIE_BINARY, else the release build."""
    return pathlib.Path(os.environ.get("MAIE_BINARY", ROOT / "build" / "release" / "bin" / "maie"))


def settings_of(overrides):
    """Command-line form of {"api.port": 0}."""
    arguments = []
    for key, value in overrides.items():
        text = json.dumps(value) if isinstance(value, (list, dict)) else str(value)
        if isinstance(value, bool):
            text = text.lower()
        arguments += ["--set", f"{key}={text}"]
    return arguments


DEFAULTS = {
    "api.host": "127.0.0.1",
    "api.port": 0,
    "asr.model": MODELS / "asr",
    "asr.threads": 1,
    "llm.model": MODELS / "lm",
    "llm.threads": 1,
    "rate_limit.enabled": False,
}


def children_of(pid):
    """Process ids of the direct children, from /proc."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if int(fields[1]) == pid and fields[0] != "Z":
                found.append(int(entry.name))
    return found


def resident_bytes(pid):
    """Anonymous and file pages in memory now."""
    pages = int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def peak_bytes(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise ValueError("no VmHWM")


def open_files(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


class RunningService:
    """`maie serve` with the mini models. A context manager; `start` may be called again after `kill` or `stop`."""

    def __init__(self, folder=None, settings=None, environment=None, ready_within_s=30):
        self._own_folder = tempfile.TemporaryDirectory(prefix="maie-service-") if folder is None else None
        self.folder = pathlib.Path(folder or self._own_folder.name)
        self.settings = {**DEFAULTS, **(settings or {})}
        self.environment = {**os.environ, **(environment or {})}
        self.ready_within_s = ready_within_s
        self.process = None
        self.log = self.folder / "serve.log"

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
        if self._own_folder:
            self._own_folder.cleanup()

    def start(self, wait=True):
        assert self.process is None
        (self.folder / "server.json").unlink(missing_ok=True)
        command = [program(), "serve", "--data-dir", self.folder, *settings_of(self.settings)]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([str(part) for part in command], stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL, env=self.environment)
        if wait:
            self.wait_until_ready()

    def wait_until_ready(self):
        deadline = time.monotonic() + self.ready_within_s
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"maie serve ended with {self.process.returncode}:\n{self.log_text()}")
            facts = self.folder / "server.json"
            if facts.exists():
                self.url = json.loads(facts.read_text())["url"]
                try:
                    with urllib.request.urlopen(self.url + "/livez", timeout=5):
                        return
                except (urllib.error.URLError, ConnectionError, TimeoutError):
                    pass
            time.sleep(0.02)
        raise RuntimeError(f"maie serve was not ready in {self.ready_within_s} s:\n{self.log_text()}")

    def log_text(self):
        return self.log.read_text(errors="replace")[-4000:]

    @property
    def key(self):
        return self.settings.get("api.secret_key") or (self.folder / "api.key").read_text().strip()

    @property
    def headers(self):
        return {"X-API-Key": self.key}

    @property
    def pid(self):
        return self.process.pid

    def workers(self):
        return children_of(self.pid)

    def stop(self, within_s=40):
        """SIGTERM and the exit code; 0 is a clean end."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(within_s)
            except subprocess.TimeoutExpired:
                self.kill()
                raise
        code, self.process = self.process.returncode, None
        return code

    def kill(self, workers=True):
        """SIGKILL to the server, and to its workers unless they are to find out by themselves."""
        family = self.workers() if workers else []
        self.process.kill()
        for pid in family:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()
        self.process = None
