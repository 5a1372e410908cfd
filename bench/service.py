#!/usr/bin/env python3
"""Load and faults of the service, measured on this machine: `make bench-service`.

    bench/service.py [--rows kills watchers ...] [--short]

Starts `maie serve` with the mini models in folders of its own, on free ports of the loopback interface, and writes
build/bench/service.json, an object a row. --short is what the tests run: the same rows with fewer rounds and clients.
A row fails (and the program ends with 1) when something was lost or went wrong, not when it is slow.
"""
import argparse
import asyncio
import json
import os
import pathlib
import random
import signal
import sqlite3
import sys
import threading
import time

import httpx

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "api"))
from peers import ROOT, cpu_name, first_line  # noqa: E402
from running_service import RunningService, SAMPLES, open_files, peak_bytes, resident_bytes  # noqa: E402

MB = 1 << 20
FINAL = {"COMPLETE", "FAILED", "CANCELLED"}


class RowFailed(Exception):
    """What the row promises did not hold."""


def short_recording():
    """Three seconds of speech: an MP3 may be cut anywhere."""
    return (SAMPLES / "dictation.mp3").read_bytes()[:48_000]


def wait_for_end(service, ids, within_s):
    """Polls the list of tasks until all of `ids` are final; returns {id: status}. Missing ones are left out."""
    deadline = time.monotonic() + within_s
    states = {}
    with httpx.Client(base_url=service.url, headers=service.headers, timeout=30) as client:
        while True:
            for task_id in ids:
                if states.get(task_id) in FINAL:
                    continue
                answer = client.get(f"/v1/status/{task_id}")
                if answer.status_code == 200:
                    states[task_id] = answer.json()["status"]
            if all(states.get(task_id) in FINAL for task_id in ids) or time.monotonic() > deadline:
                return states
            time.sleep(0.2)


# --- kills -----------------------------------------------------------------------------------------------------------

# queue::TaskState: 2 succeeded, 3 failed, 4 cancelled. The trigger writes down every end, whoever causes it.
AUDIT = """
CREATE TABLE IF NOT EXISTS audit_ends (id TEXT, state INTEGER);
CREATE TRIGGER IF NOT EXISTS audit_end AFTER UPDATE OF state ON task
WHEN NEW.state >= 2 AND OLD.state <> NEW.state
BEGIN INSERT INTO audit_ends VALUES (NEW.id, NEW.state); END;
"""


class Submitter(threading.Thread):
    """Keeps `target` tasks waiting or running until told to stop; remembers the id of every 202."""

    def __init__(self, service, target):
        super().__init__(daemon=True)
        self.service, self.target = service, target
        self.accepted, self.ended = [], set()
        self.stopping = threading.Event()
        self.recording = short_recording()

    def run(self):
        while not self.stopping.is_set():
            try:
                with httpx.Client(base_url=self.service.url, headers=self.service.headers, timeout=10) as client:
                    self.top_up(client)
            except (httpx.HTTPError, OSError, AttributeError, json.JSONDecodeError):
                pass  # the server was killed: it will be back
            time.sleep(0.05)

    def top_up(self, client):
        while not self.stopping.is_set():
            counts = client.get("/v1/tasks", params={"limit": 1000, "state": "PENDING"}).json()
            missing = self.target - len(counts.get("tasks", []))
            for _ in range(max(0, min(missing, 20))):
                answer = client.post("/v1/process", files={"file": ("three_seconds.mp3", self.recording, "audio/mpeg")},
                                     data={"features": "raw_transcript"})
                if answer.status_code == 202:
                    self.accepted.append(answer.json()["task_id"])
            time.sleep(0.1)


def kills(options):
    rounds = 20 if options.short else 500
    tasks = 10 if options.short else 200
    random.seed(options.seed)
    settings = {"queue.max_depth": 10_000, "queue.lease_s": 4, "queue.heartbeat_s": 1, "queue.max_attempts": 100,
                "queue.retry_delay_s": 0.1, "worker.concurrency": 2}
    service = RunningService(settings=settings)
    service.start()
    with sqlite3.connect(service.folder / "queue.db", timeout=30) as database:
        database.executescript(AUDIT)
    submitter = Submitter(service, tasks)
    submitter.start()
    slowest_start = 0.0
    for _ in range(rounds):
        time.sleep(random.uniform(0.05, 1.0))
        if random.random() < 0.5:  # the worker alone: the server starts another
            for pid in service.workers():
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        else:
            service.kill(workers=random.random() < 0.5)
            begun = time.monotonic()
            service.start()
            slowest_start = max(slowest_start, time.monotonic() - begun)
    submitter.stopping.set()
    submitter.join(30)
    states = wait_for_end(service, submitter.accepted, 600)
    code = service.stop()
    with sqlite3.connect(service.folder / "queue.db", timeout=30) as database:
        twice = database.execute("SELECT count(*) FROM (SELECT id FROM audit_ends WHERE state = 2 "
                                 "GROUP BY id HAVING count(*) > 1)").fetchone()[0]
        ends = database.execute("SELECT count(*) FROM (SELECT id FROM audit_ends GROUP BY id HAVING count(*) > 1)"
                                ).fetchone()[0]
        integrity = database.execute("PRAGMA integrity_check").fetchone()[0]
        used = database.execute("SELECT max(attempts) FROM task").fetchone()[0]
    row = {"rounds": rounds, "tasks": len(submitter.accepted),
           "lost": sum(1 for task_id in submitter.accepted if task_id not in states),
           "unfinished": sum(1 for state in states.values() if state not in FINAL),
           "complete": sum(1 for state in states.values() if state == "COMPLETE"),
           "failed": sum(1 for state in states.values() if state == "FAILED"),
           "twice": twice, "ended_twice": ends, "most_attempts": used, "slowest_start_s": round(slowest_start, 3),
           "integrity": integrity, "exit_code": code}
    if row["lost"] or row["twice"] or row["ended_twice"] or row["unfinished"] or integrity != "ok" or code != 0:
        raise RowFailed(json.dumps(row))
    return row


# --- watchers --------------------------------------------------------------------------------------------------------

async def open_stream(service, task_id):
    host, port = service.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=4096)
    writer.write(f"GET /v1/tasks/{task_id}/events HTTP/1.1\r\nHost: {host}\r\nX-API-Key: {service.key}\r\n"
                 "Accept: text/event-stream\r\n\r\n".encode())
    await writer.drain()
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
    if b" 200 " not in head.split(b"\r\n", 1)[0]:
        writer.close()
        raise RowFailed(f"an event stream was answered {head[:60]!r}")
    return reader, writer


async def watch(service, task_id, streams, pollers, seconds):
    errors, times = 0, []
    opened = []
    for first in range(0, streams, 100):
        group = await asyncio.gather(*(open_stream(service, task_id) for _ in range(min(100, streams - first))),
                                     return_exceptions=True)
        errors += sum(isinstance(one, BaseException) for one in group)
        opened += [one for one in group if not isinstance(one, BaseException)]
    deadline = time.monotonic() + seconds

    async def drain(reader):
        while await reader.read(4096):
            pass
        return time.monotonic() < deadline  # closed early: an error

    drains = [asyncio.create_task(drain(reader)) for reader, _ in opened]

    async def poll(client):
        nonlocal errors
        await asyncio.sleep(random.uniform(0, 1))  # pollers do not know of each other
        while time.monotonic() < deadline:
            begun = time.perf_counter()
            answer = await client.get(f"/v1/status/{task_id}")
            times.append(time.perf_counter() - begun)
            errors += answer.status_code != 200
            await asyncio.sleep(random.uniform(0.5, 1.5))

    async with httpx.AsyncClient(base_url=service.url, headers=service.headers, timeout=30,
                                 limits=httpx.Limits(max_connections=pollers)) as client:
        await asyncio.gather(*(poll(client) for _ in range(pollers)))
    rss = resident_bytes(service.pid)
    for one in drains:
        if one.done() and one.result():
            errors += 1
        one.cancel()
    for _, writer in opened:
        writer.close()
    return errors, sorted(times), rss


def watchers(options):
    streams, pollers, seconds = (200, 10, 4) if options.short else (2000, 50, 20)
    with RunningService(settings={"queue.max_depth": 10_000}) as service:
        idle = resident_bytes(service.pid)
        with httpx.Client(base_url=service.url, headers=service.headers, timeout=60) as client:
            # Enough work for the whole time; the last one is watched, so that its streams are idle.
            for _ in range(max(4, seconds * 2)):
                task_id = client.post("/v1/process", files={"file": ("manual.flac", (SAMPLES / "manual.flac").read_bytes())},
                                      data={"features": "raw_transcript"}).json()["task_id"]
        errors, times, rss = asyncio.run(watch(service, task_id, streams, pollers, seconds))
    row = {"streams": streams, "pollers": pollers, "errors": errors, "requests": len(times),
           "p50_ms": round(times[len(times) // 2] * 1e3, 2), "p99_ms": round(times[int(len(times) * 0.99)] * 1e3, 2),
           "rss_mb": round(rss / MB, 1), "idle_rss_mb": round(idle / MB, 1)}
    if errors:
        raise RowFailed(json.dumps(row))
    return row


# --- uploads ---------------------------------------------------------------------------------------------------------

def wav_of(size_bytes):
    """A valid WAV file of that size, silent: the server has to store it, not to like it."""
    data = size_bytes - 44
    return (b"RIFF" + (data + 36).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little") +
            b"\x01\x00\x01\x00" + (16000).to_bytes(4, "little") + (32000).to_bytes(4, "little") + b"\x02\x00\x10\x00" +
            b"data" + data.to_bytes(4, "little"))


async def upload(service, size_bytes, rate):
    """One upload over a raw socket, at `rate` bytes a second (0: as fast as it goes); returns the status code."""
    host, port = service.url.removeprefix("http://").split(":")
    boundary = "maie-bench"
    before = (f'--{boundary}\r\nContent-Disposition: form-data; name="features"\r\n\r\nraw_transcript\r\n'
              f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="long.wav"\r\n'
              "Content-Type: audio/wav\r\n\r\n").encode()
    after = f"\r\n--{boundary}--\r\n".encode()
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"POST /v1/process HTTP/1.1\r\nHost: {host}\r\nX-API-Key: {service.key}\r\n"
                 f"Content-Type: multipart/form-data; boundary={boundary}\r\n"
                 f"Content-Length: {len(before) + size_bytes + len(after)}\r\nConnection: close\r\n\r\n".encode())
    writer.write(before + wav_of(size_bytes))
    left = size_bytes - 44
    block = bytes(min(65536, rate // 4) if rate else 65536)
    begun, sent = time.monotonic(), 0
    while left > 0:
        piece = block[:left]
        writer.write(piece)
        await writer.drain()
        left -= len(piece)
        sent += len(piece)
        if rate:
            await asyncio.sleep(max(0, begun + sent / rate - time.monotonic()))
    writer.write(after)
    await writer.drain()
    line = await asyncio.wait_for(reader.readline(), 120)
    writer.close()
    return int(line.split()[1])


async def upload_all(service, count, size_bytes, rate):
    peak = 0

    async def follow_memory():
        nonlocal peak
        while True:
            peak = max(peak, resident_bytes(service.pid))
            await asyncio.sleep(0.2)

    follower = asyncio.create_task(follow_memory())
    codes = await asyncio.gather(*(upload(service, size_bytes, rate if i % 2 else 0) for i in range(count)),
                                 return_exceptions=True)
    follower.cancel()
    return codes, peak


def uploads(options):
    count, size, rate = (20, 4 * MB, 1_000_000) if options.short else (100, 50 * MB, 100_000)
    with RunningService(settings={"queue.max_depth": 10_000, "worker.processes": 0}) as service:
        idle = resident_bytes(service.pid)
        begun = time.monotonic()
        codes, peak = asyncio.run(upload_all(service, count, size, rate))
        seconds = time.monotonic() - begun
        stored = sum(path.stat().st_size == size for path in (service.folder / "audio").glob("*/raw.wav"))
    row = {"uploads": count, "mb_each": size // MB, "slow_bytes_per_s": rate, "seconds": round(seconds, 1),
           "errors": sum(code != 202 for code in codes), "stored_whole": stored,
           "idle_rss_mb": round(idle / MB, 1), "peak_over_idle_mb": round((peak - idle) / MB, 1)}
    if row["errors"] or stored != count:
        raise RowFailed(json.dumps(row) + " " + str([code for code in codes if code != 202][:3]))
    return row


# --- submit ----------------------------------------------------------------------------------------------------------

def fsyncs_of(pid):
    """System calls are not counted without tracing; what the kernel does count are write-backs."""
    for line in pathlib.Path(f"/proc/{pid}/io").read_text().splitlines():
        if line.startswith("syscw:"):
            return int(line.split()[1])
    return 0


def submit_rate(service, clients, seconds):
    counted, stop = [0] * clients, time.monotonic() + seconds

    def work(index):
        with httpx.Client(base_url=service.url, headers=service.headers, timeout=30) as client:
            while time.monotonic() < stop:
                answer = client.post("/v1/process_text", json={"text": "A short note.", "features": ["clean_transcript"]})
                if answer.status_code != 202:
                    raise RowFailed(f"process_text: {answer.status_code} {answer.text[:200]}")
                counted[index] += 1

    threads = [threading.Thread(target=work, args=(i,)) for i in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counted) / seconds


def submit(options):
    seconds = 2 if options.short else 10
    with RunningService(settings={"queue.max_depth": 1_000_000, "worker.processes": 0}) as service:
        one = submit_rate(service, 1, seconds)
        eight = submit_rate(service, 8, seconds)
        journal = sqlite3.connect(service.folder / "queue.db", timeout=30)
        stored = journal.execute("SELECT count(*) FROM task").fetchone()[0]
        mode = journal.execute("PRAGMA journal_mode").fetchone()[0]
        journal.close()
    begun = time.monotonic()
    probe = 0
    with open(service_probe := pathlib.Path("/var/tmp") / f"maie-fsync-{os.getpid()}", "wb") as file:
        while time.monotonic() < begun + 1:
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())
            probe += 1
    service_probe.unlink()
    return {"per_s_1_client": round(one, 1), "per_s_8_clients": round(eight, 1), "stored": stored, "journal": mode,
            "fsyncs_per_s_of_the_disk": probe}


# --- soak ------------------------------------------------------------------------------------------------------------

def soak(options):
    tasks = 100 if options.short else 5000
    warm_up = tasks // 5
    settings = {"queue.max_depth": 10_000, "worker.result_ttl_s": 2, "cleanup.audio_interval_s": 10,
                "cleanup.audio_retention_days": 0, "cleanup.failed_retention_days": 0}
    with RunningService(settings=settings) as service:
        recording = short_recording()
        marks, failed = {}, 0
        with httpx.Client(base_url=service.url, headers=service.headers, timeout=60) as client:
            for index in range(tasks):
                made = client.post("/v1/process", files={"file": ("a.mp3", recording, "audio/mpeg")},
                                   data={"features": "raw_transcript"})
                task_id = made.json()["task_id"]
                while (state := client.get(f"/v1/status/{task_id}").json()["status"]) not in FINAL:
                    time.sleep(0.01)
                failed += state != "COMPLETE"
                if (index + 1) % warm_up == 0:
                    time.sleep(3)
                    (worker,) = service.workers()
                    marks[index + 1] = {"server": resident_bytes(service.pid), "worker": resident_bytes(worker),
                                        "server_files": open_files(service.pid), "worker_files": open_files(worker)}
        first, last = marks[warm_up], marks[tasks]
        deadline = time.monotonic() + 30  # what is past its time goes within a round of the cleaner
        while len(left := [path for path in (service.folder / "audio").iterdir() if not path.name.startswith(".")]) > 5:
            if time.monotonic() > deadline:
                break
            time.sleep(0.5)
    row = {"tasks": tasks, "failed": failed,
           "server_growth": round(last["server"] / first["server"] - 1, 4),
           "worker_growth": round(last["worker"] / first["worker"] - 1, 4),
           "server_mb": [round(mark["server"] / MB, 2) for mark in marks.values()],
           "worker_mb": [round(mark["worker"] / MB, 2) for mark in marks.values()],
           "server_files_growth": last["server_files"] - first["server_files"],
           "worker_files_growth": last["worker_files"] - first["worker_files"], "folders_left": len(left)}
    # Twenty tasks are no warm-up: the memory of a short run still settles.
    grew = not options.short and max(row["server_growth"], row["worker_growth"]) > 0.02
    if failed or grew or row["folders_left"] > 5 or row["server_files_growth"] > 2 or row["worker_files_growth"] > 2:
        raise RowFailed(json.dumps(row))
    return row


ROWS = {"kills": kills, "watchers": watchers, "uploads": uploads, "submit": submit, "soak": soak}


def main():
    from service_faults import FAULTS  # the rows in which the machine misbehaves
    rows = {**ROWS, **FAULTS}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", nargs="+", choices=list(rows), default=list(rows))
    parser.add_argument("--short", action="store_true", help="fewer rounds and clients, for the tests")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "bench")
    options = parser.parse_args()
    options.build.mkdir(parents=True, exist_ok=True)
    file = options.build / ("service_short.json" if options.short else "service.json")
    result = {"machine": {"cpu": cpu_name(), "cores": os.cpu_count(), "commit": first_line("git", "rev-parse", "HEAD"),
                          "seed": options.seed}}
    failed = False
    for name in options.rows:
        begun = time.monotonic()
        try:
            row = rows[name](options)
        except Exception as error:  # a row that fails does not take the others
            row, failed = {"error": f"{type(error).__name__}: {error}"}, True
        row["took_s"] = round(time.monotonic() - begun, 1)
        result[name] = row
        print(f"{name:<12} " + ", ".join(f"{key} {value}" for key, value in row.items()), flush=True)
        file.write_text(json.dumps(result, indent=1) + "\n")
    print(f"written to {file}")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
