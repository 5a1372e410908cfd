"""Fixtures of the black-box tests: a running service, and clients for it."""
import time

import httpx
import pytest

from running_service import RunningService, SAMPLES

FINAL = {"COMPLETE", "FAILED", "CANCELLED"}


class Client(httpx.Client):
    """An httpx client with the few steps that most tests share."""

    def submit(self, path=SAMPLES / "dictation.mp3", name=None, **fields):
        """POST /v1/process; returns the response."""
        with open(path, "rb") as audio:
            return self.post("/v1/process", files={"file": (name or path.name, audio)}, data=fields)

    def wait(self, task_id, within_s=60):
        """Polls a task to its end; returns its status object."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            answer = self.get(f"/v1/status/{task_id}")
            answer.raise_for_status()
            if answer.json()["status"] in FINAL:
                return answer.json()
            time.sleep(0.05)
        raise TimeoutError(f"task {task_id} is {answer.json()['status']} after {within_s} s")


def client_of(service, **options):
    return Client(base_url=service.url, headers=service.headers, timeout=60, **options)


@pytest.fixture(scope="session")
def service():
    """One service for all tests that do not disturb it."""
    with RunningService() as running:
        yield running


@pytest.fixture
def client(service):
    with client_of(service) as made:
        yield made


@pytest.fixture
def anonymous(service):
    with Client(base_url=service.url, timeout=60) as made:
        yield made


@pytest.fixture
def own_service(request):
    """Starts a service with the settings of @pytest.mark.settings({...}) for one test."""
    marker = request.node.get_closest_marker("settings")
    with RunningService(settings=marker.args[0] if marker else None) as running:
        yield running


def pytest_configure(config):
    config.addinivalue_line("markers", "settings(values): settings of own_service")
