"""Running the service: start, stop, reload, sockets, service manager, workers, logs, metrics."""
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import threading
import time

import httpx
import pytest

from conftest import SAMPLES, client_of
from running_service import RunningService, program, settings_of


def run_serve(*arguments, environment=None, within_s=20):
    """`maie serve` that is expected not to start: its exit code and what it said."""
    done = subprocess.run([str(program()), "serve", *map(str, arguments)], capture_output=True, text=True,
                          env={**os.environ, **(environment or {})}, timeout=within_s)
    return done.returncode, done.stderr


@pytest.mark.parametrize("key", ["your_secret_api_key_here", "CHANGE_ME_IN_PRODUCTION", "short", "",
                                 "dev_api_key_change_in_production"])
def test_production_wants_a_real_key(tmp_path, key):
    code, said = run_serve("--data-dir", tmp_path, "--set", "api.port=0",
                           environment={"MAIE_ENVIRONMENT": "production", "MAIE_API__SECRET_KEY": key})
    assert code == 78, said
    assert "api.secret_key" in said and (not key or key not in said)


def test_a_taken_port_is_named(service):
    port = service.url.rsplit(":", 1)[1]
    with RunningService(settings={"worker.processes": 0}) as other:
        code, said = run_serve("--data-dir", other.folder / "x", "--set", "api.host=127.0.0.1", "--set", f"api.port={port}")
        assert code != 0 and port in said


def test_one_folder_serves_once(service):
    code, said = run_serve("--data-dir", service.folder, "--set", "api.port=0")
    assert code != 0 and "already" in said, said


def test_a_wrong_value_names_itself_and_the_file(tmp_path):
    file = tmp_path / "maie.toml"
    file.write_text('[api]\nport = "eighty"\n')
    code, said = run_serve("--config", file, "--data-dir", tmp_path)
    assert code == 78 and "api.port" in said and "maie.toml:2" in said


def test_sigterm_is_a_clean_end():
    service = RunningService(settings={"worker.processes": 1})
    service.start()
    workers = service.workers()
    assert len(workers) == 1
    assert service.stop() == 0
    for pid in workers:
        assert not pathlib.Path(f"/proc/{pid}").exists()


def test_a_request_in_work_ends_before_the_server_does():
    with RunningService() as service, client_of(service) as client:
        task_id = client.submit(SAMPLES / "meeting_en.flac").json()["task_id"]
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(40) == 0
        service.process = None
        service.start()
        with client_of(service) as again:
            assert again.wait(task_id)["status"] == "COMPLETE"


def test_keys_are_read_again_on_sighup(tmp_path):
    old, new = "o" * 40, "n" * 40
    file = tmp_path / "maie.toml"
    file.write_text(f'[api]\nsecret_key = "{old}"\n')
    with RunningService(settings={"worker.processes": 0}, environment={"MAIE_CONFIG": str(file)}) as service:
        def status(key):
            return httpx.get(service.url + "/v1/tasks", headers={"X-API-Key": key}).status_code
        assert (status(old), status(new)) == (200, 401)
        file.write_text(f'[api]\nsecret_key = "{new}"\n')
        service.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + 5
        while status(new) != 200 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert (status(old), status(new)) == (401, 200)
        assert old not in service.log_text() and new not in service.log_text()


def test_a_unix_socket(tmp_path):
    path = tmp_path / "maie.sock"
    service = RunningService(settings={"api.unix_socket": path, "worker.processes": 0})
    service.start(wait=False)
    try:
        deadline = time.monotonic() + 20
        while not (service.folder / "server.json").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        with httpx.Client(transport=httpx.HTTPTransport(uds=str(path)), base_url="http://maie") as client:
            assert client.get("/livez").status_code == 200
    finally:
        assert service.stop() == 0


def test_the_service_manager_is_told(tmp_path):
    heard = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(0.2)
        done = threading.Event()

        def listen():
            while not done.is_set():
                try:
                    heard.append(listener.recv(4096).decode())
                except TimeoutError:
                    pass

        thread = threading.Thread(target=listen)
        thread.start()
        try:
            with RunningService(settings={"worker.processes": 0},
                                environment={"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "1000000"}):
                time.sleep(2)
            time.sleep(0.3)
        finally:
            done.set()
            thread.join()
    said = "\n".join(heard)
    assert "READY=1" in said and "STOPPING=1" in said
    assert said.count("WATCHDOG=1") >= 2


def test_a_worker_that_dies_is_replaced_and_its_task_ends(own_service):
    with client_of(own_service) as client:
        task_id = client.submit(SAMPLES / "manual.flac", features="raw_transcript").json()["task_id"]
        deadline = time.monotonic() + 30
        while client.get(f"/v1/status/{task_id}").json()["status"] == "PENDING" and time.monotonic() < deadline:
            time.sleep(0.01)
        (worker,) = own_service.workers()
        os.kill(worker, signal.SIGKILL)
        status = client.wait(task_id, 60)
        assert status["status"] == "COMPLETE", status
        assert own_service.workers() not in ([], [worker])
        page = client.get("/metrics").text
        assert 'maie_job_retries_total{kind="audio",reason="worker_lost"} 1\n' in page, page


def test_workers_die_with_the_server():
    service = RunningService()
    service.start()
    workers = service.workers()
    service.kill(workers=False)
    deadline = time.monotonic() + 5
    while any(pathlib.Path(f"/proc/{pid}").exists() for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(pathlib.Path(f"/proc/{pid}").exists() for pid in workers)


@pytest.mark.settings({"memory.budget": "10MB"})
def test_what_can_never_fit_is_refused_with_the_numbers(own_service):
    with client_of(own_service) as client:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            answer = client.submit()
            if answer.status_code != 202:
                break
            time.sleep(0.2)
        assert answer.status_code == 422, answer.text
        assert answer.json()["error"]["code"] == "MODEL_MEMORY_ERROR"
        assert "9.5 MiB" in answer.json()["detail"]


def test_logs_are_json_and_carry_ids(tmp_path):
    with RunningService(settings={"logging.format": "json", "logging.dir": tmp_path / "logs"}) as service:
        with client_of(service) as client:
            task_id = client.submit(SAMPLES / "dictation.mp3").json()["task_id"]
            client.wait(task_id)
            client.get("/v1/status/nonsense", headers={"X-Request-ID": "find-me"})
        time.sleep(0.3)
        lines = [json.loads(line) for line in (tmp_path / "logs" / "app.log").read_text().splitlines()]
        assert all({"ts", "level", "msg"} <= set(line) for line in lines)
        assert any(line.get("request_id") == "find-me" for line in lines)
        assert any(line.get("task_id") == task_id for line in lines)
        assert service.key not in (tmp_path / "logs" / "app.log").read_text()


def test_metrics_are_there_and_stay_small(service, client, anonymous):
    client.wait(client.submit(SAMPLES / "dictation.mp3").json()["task_id"])
    client.get("/v1/status/00000000-0000-4000-8000-000000000000")
    deadline = time.monotonic() + 10  # ends are counted within about a second
    while "maie_jobs_total{" not in (page := anonymous.get("/metrics")).text and time.monotonic() < deadline:
        time.sleep(0.05)
    assert re.search(r'^maie_build_info{.*commit="([0-9a-f]{12}|unknown)"', page.text, re.MULTILINE), page.text
    assert page.status_code == 200 and page.headers["content-type"].startswith("text/plain; version=0.0.4")
    for name in ("maie_build_info", "maie_http_requests_total", "maie_jobs_total", "maie_jobs",
                 "maie_stage_duration_seconds_bucket", "maie_audio_seconds_total", "maie_model_loaded",
                 "maie_memory_budget_bytes", "maie_queue_backend_up", "process_resident_memory_bytes"):
        assert re.search(rf"^{name}[{{ ]", page.text, re.MULTILINE), name
    assert "00000000-0000" not in page.text and "dictation" not in page.text
    newer = anonymous.get("/metrics", headers={"Accept": "application/openmetrics-text"})
    assert newer.text.endswith("# EOF\n")


def test_status_on_the_command_line(service):
    environment = {**os.environ, "MAIE_API_KEY": service.key}
    done = subprocess.run([str(program()), "status", "--url", service.url, "--json"], capture_output=True, text=True,
                          env=environment, timeout=20)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)
    done = subprocess.run([str(program()), "status", "--url", "http://127.0.0.1:9"], capture_output=True, text=True,
                          env=environment, timeout=30)
    assert done.returncode == 69, done.stderr


def test_a_worker_of_its_own_serves_the_same_queue():
    with RunningService(settings={"worker.processes": 0}) as service, client_of(service) as client:
        task_id = client.submit(SAMPLES / "dictation.mp3").json()["task_id"]
        command = [str(program()), "worker", "--data-dir", str(service.folder), *settings_of(service.settings)]
        worker = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            assert client.wait(task_id)["status"] == "COMPLETE"
        finally:
            worker.send_signal(signal.SIGTERM)
            assert worker.wait(40) == 0
