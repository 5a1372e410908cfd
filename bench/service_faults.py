"""The rows of bench/service.py in which the machine misbehaves: full and read-only disk, jumping clock, locked and
damaged database. Each ends with the service working again and everything that was accepted still there."""
import json
import os
import pathlib
import random
import sqlite3
import subprocess
import tempfile
import time

import httpx

from running_service import ROOT, RunningService, SAMPLES

FINAL = {"COMPLETE", "FAILED", "CANCELLED"}
RECORDING = (SAMPLES / "dictation.mp3").read_bytes()[:48_000]


class FaultFailed(Exception):
    """What the row promises did not hold."""


def require(condition, what):
    if not condition:
        raise FaultFailed(what)


def faults_library():
    """machine_faults.c, compiled once."""
    source = ROOT / "tests" / "api" / "machine_faults.c"
    library = ROOT / "build" / "bench" / "machine_faults.so"
    if not library.exists() or library.stat().st_mtime < source.stat().st_mtime:
        library.parent.mkdir(parents=True, exist_ok=True)
        part = library.with_suffix(f".{os.getpid()}")
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", part, source, "-ldl"], check=True)
        part.rename(library)
    return library


class FaultyService(RunningService):
    """A service whose disk and clock obey the test."""

    def __init__(self, settings=None):
        self.controls = tempfile.TemporaryDirectory(prefix="maie-faults-")
        folder = tempfile.mkdtemp(prefix="maie-service-")
        self.switch = pathlib.Path(self.controls.name) / "disk"
        self.clock = pathlib.Path(self.controls.name) / "clock"
        super().__init__(folder=folder, settings={"cleanup.min_free_mb": 0, "queue.max_depth": 1000, **(settings or {})},
                         environment={"LD_PRELOAD": str(faults_library()), "MAIE_FAULT_FOLDER": folder,
                                      "MAIE_FAULT_SWITCH": str(self.switch), "MAIE_FAULT_CLOCK": str(self.clock)})

    def __exit__(self, *arguments):
        self.switch.unlink(missing_ok=True)
        super().__exit__(*arguments)
        subprocess.run(["rm", "-rf", self.folder], check=True)
        self.controls.cleanup()


def client_of(service):
    return httpx.Client(base_url=service.url, headers=service.headers, timeout=60)


def submit(client):
    return client.post("/v1/process", files={"file": ("a.mp3", RECORDING, "audio/mpeg")}, data={"features": "raw_transcript"})


def end_of(client, task_id, within_s=60):
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        answer = client.get(f"/v1/status/{task_id}")
        require(answer.status_code == 200, f"the task is gone: {answer.status_code} {answer.text[:200]}")
        if answer.json()["status"] in FINAL:
            return answer.json()["status"]
        time.sleep(0.1)
    return answer.json()["status"]


def is_error_with(answer, statuses):
    """A clear refusal: one of the statuses, the error object, and nothing of this machine in it."""
    require(answer.status_code in statuses, f"{answer.status_code} instead of {statuses}: {answer.text[:300]}")
    body = answer.json()
    require(body["error"]["message"] and body["error"]["code"], f"no reason: {body}")
    for secret in ("/tmp/", "/work", "queue.db", ".cpp"):
        require(secret not in answer.text, f"the answer shows {secret}: {answer.text[:300]}")
    return body["error"]["code"]


def disk_fault(mode, statuses):
    with FaultyService() as service, client_of(service) as client:
        before = [submit(client).json()["task_id"] for _ in range(3)]
        service.switch.write_text(mode)
        codes = {is_error_with(submit(client), statuses) for _ in range(5)}
        codes |= {is_error_with(client.post("/v1/process_text", json={"text": "x", "features": ["clean_transcript"]}), statuses)}
        require(client.get("/livez").status_code == 200, "the server does not live")
        readable = sum(client.get(f"/v1/status/{task_id}").status_code == 200 for task_id in before)
        time.sleep(2)  # the worker meets the fault too
        service.switch.unlink()
        time.sleep(1)
        after = submit(client)
        require(after.status_code == 202, f"after the fault: {after.status_code} {after.text[:300]}")
        states = [end_of(client, task_id) for task_id in [*before, after.json()["task_id"]]]
        row = {"refused_with": sorted(codes), "readable_meanwhile": readable, "accepted": len(states),
               "complete": states.count("COMPLETE"), "lost": len(states) - sum(s in FINAL for s in states)}
        leftovers = [p.name for p in (service.folder / "audio" / ".spool").iterdir()]
        row["leftovers"] = len(leftovers)
        require(row["lost"] == 0 and row["complete"] == len(states) and readable == len(before) and not leftovers,
                json.dumps(row))
        return row


def disk_full(_):
    return disk_fault("full", {507})


def read_only(_):
    return disk_fault("readonly", {503, 507})


def clock_jump(_):
    """A day forward, two days back, a year forward, while tasks run: none is offered twice, none expires early."""
    settings = {"queue.lease_s": 5, "queue.heartbeat_s": 1, "worker.result_ttl_s": 3600}
    with FaultyService(settings) as service, client_of(service) as client:
        ids = []
        for offset in (0, 86_400, -2 * 86_400, 365 * 86_400, 0):
            for _ in range(3):
                answer = submit(client)
                require(answer.status_code == 202, f"clock off by {offset} s: {answer.status_code} {answer.text[:200]}")
                ids.append(answer.json()["task_id"])
            service.clock.write_text(str(offset))
            time.sleep(3)
        states = [end_of(client, task_id) for task_id in ids]
        attempts = [client.get(f"/v1/tasks/{task_id}").json()["attempts"] for task_id in ids]
        row = {"jumps": 4, "tasks": len(ids), "complete": states.count("COMPLETE"), "most_attempts": max(attempts),
               "lost": sum(state not in FINAL for state in states)}
        require(row["complete"] == len(ids) and row["most_attempts"] == 1, json.dumps(row))
        return row


def db_locked(_):
    """Somebody else holds the write lock of the database for 8 seconds: readers go on, writers are told."""
    with RunningService() as service, client_of(service) as client:
        before = submit(client).json()["task_id"]
        require(end_of(client, before) == "COMPLETE", "the first task")
        other = sqlite3.connect(service.folder / "queue.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        begun = time.monotonic()
        code = is_error_with(submit(client), {503})
        waited = time.monotonic() - begun
        readable = client.get(f"/v1/status/{before}").status_code == 200
        other.execute("ROLLBACK")
        other.close()
        after = submit(client)
        require(after.status_code == 202, f"after the lock: {after.status_code}")
        row = {"refused_with": code, "refused_after_s": round(waited, 1), "readable_meanwhile": readable,
               "complete": int(end_of(client, before) == "COMPLETE") + int(end_of(client, after.json()["task_id"]) == "COMPLETE")}
        require(readable and row["complete"] == 2, json.dumps(row))
        return row


def corrupt_db(options):
    """Bytes of the database are overwritten while the service is down: it starts, says so, and saves what it can."""
    random.seed(options.seed)
    with RunningService(settings={"queue.max_depth": 1000}, ready_within_s=60) as service:
        with client_of(service) as client:
            ids = [submit(client).json()["task_id"] for _ in range(20)]
            for task_id in ids:
                require(end_of(client, task_id) == "COMPLETE", "a task before the damage")
        service.stop()
        database = service.folder / "queue.db"
        size = database.stat().st_size
        with open(database, "r+b") as file:
            for _ in range(3):  # a page each, not the first
                file.seek(4096 * random.randrange(1, max(2, size // 4096)))
                file.write(random.randbytes(4096))
        service.start()
        with client_of(service) as client:
            kept = sum(client.get(f"/v1/status/{task_id}").status_code == 200 for task_id in ids)
            after = submit(client)
            require(after.status_code == 202, f"after the damage: {after.status_code} {after.text[:200]}")
            works = end_of(client, after.json()["task_id"]) == "COMPLETE"
        log = service.log_text()
        aside = [path.name for path in service.folder.glob("queue.db.corrupt-*")]
        row = {"tasks": len(ids), "kept": kept, "set_aside": len(aside), "said_so": "corrupt" in log or "damaged" in log,
               "works_again": works}
        require(works and (kept == len(ids) or (aside and row["said_so"])), json.dumps(row))
        return row


def destroy(folder, name):
    """Overwrites the page where a table or index of queue.db begins, under the feet of all who have it open."""
    database = sqlite3.connect(folder / "queue.db", isolation_level=None, timeout=10)
    page = database.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (name,)).fetchone()[0]
    # A change, so that nobody goes on with the pages that they have read before.
    database.execute("UPDATE meta SET value = value + 1 WHERE name = 'live_epoch'")
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    with open(folder / "queue.db", "r+b") as file:
        file.seek(4096 * (page - 1))
        file.write(b"\x5a" * 4096)


def damaged_in_use(_):
    """Pages are overwritten while server and worker have the database open: both let go of it, it is repaired, and they
    go on without a new start. Indexes are destroyed, so that nothing of the tasks may be lost."""
    with RunningService(settings={"queue.max_depth": 1000}) as service, client_of(service) as client:
        ids = [submit(client).json()["task_id"]]
        require(end_of(client, ids[0]) == "COMPLETE", "the task before the damage")
        workers, refused, longest_s = service.workers(), 0, 0.0
        for name in ("sqlite_autoindex_task_1", "task_change", "task_lease"):
            ids += [submit(client).json()["task_id"] for _ in range(2)]
            time.sleep(3)  # the worker has taken one, and the repair before was a while ago
            destroy(service.folder, name)
            begun = time.monotonic()
            answers = [client.get(f"/v1/status/{task_id}") for task_id in ids]
            answers.append(submit(client))
            longest_s = max(longest_s, time.monotonic() - begun)
            for answer in answers:
                require(answer.status_code in (200, 202, 503), f"{answer.status_code} {answer.text[:200]}")
                refused += answer.status_code == 503
            if answers[-1].status_code == 202:
                ids.append(answers[-1].json()["task_id"])
            require(end_of(client, ids[-1]) == "COMPLETE", f"the service does not go on after {name}")
        states = [end_of(client, task_id) for task_id in ids]
        attempts = [client.get(f"/v1/tasks/{task_id}").json()["attempts"] for task_id in ids]
        row = {"tasks": len(ids), "complete": states.count("COMPLETE"), "most_attempts": max(attempts), "refused": refused,
               "longest_s": round(longest_s, 2), "same_processes": service.workers() == workers and service.process.poll() is None,
               "set_aside": len([p for p in service.folder.glob("queue.db.corrupt-*") if not p.name.endswith("-wal")])}
        require(row["complete"] == len(ids) and row["most_attempts"] == 1 and row["same_processes"] and row["set_aside"] >= 1,
                json.dumps(row))
        return row


FAULTS = {"disk_full": disk_full, "read_only": read_only, "clock_jump": clock_jump, "db_locked": db_locked,
          "corrupt_db": corrupt_db, "damaged_in_use": damaged_in_use}
