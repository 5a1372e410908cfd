"""The OpenAPI document: valid, complete, and true of the running server (a property-based run of schemathesis)."""
import os
import subprocess
import sys

import httpx
import pytest


@pytest.fixture(scope="module")
def document(service):
    return httpx.get(service.url + "/schema/openapi.json").json()


def test_the_document_names_itself(document):
    assert document["openapi"].startswith("3.1")
    assert document["info"] == {**document["info"], "title": "Modular Audio Intelligence Engine (MAIE) API", "version": "1.0.0"}


def test_every_route_of_the_documents_is_there(document):
    for path in ("/", "/health", "/v1/process", "/v1/process_text", "/v1/status/{task_id}", "/v1/models", "/v1/templates",
                 "/v1/templates/{id}", "/v1/templates/{id}/schema", "/v1/tasks", "/v1/tasks/{task_id}/events", "/v1/limits",
                 "/v1/audio/transcriptions", "/v1/audio/translations", "/v1/chat/completions"):
        assert any(known.replace("template_id", "id") == path for known in document["paths"]), path


@pytest.mark.parametrize("path", ["/schema", "/schema/swagger", "/schema/redoc", "/schema/elements", "/schema/rapidoc"])
def test_the_page_needs_no_outside_resource(anonymous, path):
    page = anonymous.get(path)
    assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")
    for outside in ("http://", "https://", "//cdn"):
        assert f'src="{outside}' not in page.text and f'href="{outside}' not in page.text
    assert "content-security-policy" in page.headers


def test_yaml_is_the_same_document(anonymous, document):
    yaml = pytest.importorskip("yaml")
    assert yaml.safe_load(anonymous.get("/schema/openapi.yaml").text) == document


def test_the_server_keeps_its_document(service, tmp_path):
    """schemathesis makes requests from the document and compares every answer with it."""
    config = tmp_path / "schemathesis.toml"
    config.write_text("")
    done = subprocess.run(
        [os.path.join(os.path.dirname(sys.executable), "schemathesis"), "--config-file", str(config), "run",
         service.url + "/schema/openapi.json", "--header", f"X-API-Key: {service.key}", "--max-examples", "15",
         "--phases", "examples,coverage,fuzzing", "--seed", "1", "--no-color", "--suppress-health-check", "all",
         "--exclude-checks", "unsupported_method,positive_data_acceptance",
         "--exclude-path-regex", r"/events$|process-sync"],
        capture_output=True, text=True, cwd=tmp_path, timeout=280)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
