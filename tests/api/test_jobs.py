"""The job API from outside: each row of the endpoint table (docs/spec/service.md, 1.1) and of the error table (1.4)."""
import json
import re
import time
import uuid

import pytest

from conftest import FINAL, SAMPLES, client_of

UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}\Z")


def error_of(answer, status, code):
    """The one error object, whose message is also `detail`."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert body["error"]["code"] == code, body
    assert body["error"]["message"] == body["detail"]
    assert body["request_id"] == answer.headers["x-request-id"]
    return body


@pytest.fixture(scope="module")
def finished(service):
    """A recording with its summary, done."""
    with client_of(service) as client:
        answer = client.submit(SAMPLES / "meeting_en.flac",
                               features="raw_transcript,clean_transcript,summary", template_id="meeting_notes_v2")
        assert answer.status_code == 202, answer.text
        assert UUID4.match(answer.json()["task_id"])
        assert answer.json()["status"] == "PENDING"
        status = client.wait(answer.json()["task_id"], 120)
        assert status["status"] == "COMPLETE", status
        return status


# --- the pages without a key

def test_root_is_the_service_card(anonymous):
    body = anonymous.get("/").json()
    assert body["status"] == "running"
    assert body["endpoints"]["process"] == "/v1/process"
    assert body["endpoints"]["status"] == "/v1/status/{task_id}"


def test_health_says_what_works(anonymous):
    answer = anonymous.get("/health")
    assert answer.status_code == 200
    body = answer.json()
    assert body["redis_connected"] is True and body["worker_active"] is True
    assert isinstance(body["queue_depth"], int) and body["version"]


@pytest.mark.parametrize("path", ["/livez", "/healthz", "/readyz", "/startupz", "/v1/health/live", "/v1/health/ready"])
def test_probes_answer_without_key(anonymous, path):
    assert anonymous.get(path).status_code == 200
    assert anonymous.head(path).status_code == 200


def test_models_have_both_forms(anonymous):
    body = anonymous.get("/v1/models").json()
    assert [model["id"] for model in body["models"]][:1] == ["whisper"]
    assert body["models"][0]["type"] == "ASR"
    assert body["object"] == "list" and all(model["object"] == "model" for model in body["data"])
    assert len(body["data"]) >= 2


def test_templates_are_listed_sorted(anonymous):
    items = anonymous.get("/v1/templates").json()["templates"]
    ids = [item["id"] for item in items]
    assert "meeting_notes_v2" in ids and ids == sorted(ids)
    item = items[ids.index("meeting_notes_v2")]
    assert item["schema_url"] == "/v1/templates/meeting_notes_v2/schema"
    assert "thẻ" in item["parameters"] and item["name"] and item["description"]


def test_a_template_has_prompt_and_schema(anonymous):
    detail = anonymous.get("/v1/templates/meeting_notes_v2").json()
    assert detail["parameters"] == {} and detail["prompt_template"]
    assert anonymous.get("/v1/templates/meeting_notes_v2/schema").json() == detail["schema_data"]


def test_a_trailing_slash_is_ignored(anonymous):
    assert anonymous.get("/v1/templates/").json() == anonymous.get("/v1/templates").json()


def test_limits_are_published(client):
    body = client.get("/v1/limits").json()  # 100 MB: the profile is development
    assert body["max_file_bytes"] == 100 * 1048576 and body["max_queued_tasks"] == 10


# --- errors

@pytest.mark.parametrize("method,path", [("POST", "/v1/process"), ("POST", "/v1/process_text"),
                                         ("GET", f"/v1/status/{uuid.uuid4()}"), ("POST", "/v1/templates"),
                                         ("PUT", "/v1/templates/x"), ("DELETE", "/v1/templates/x"),
                                         ("GET", "/v1/tasks"), ("POST", "/v1/chat/completions"),
                                         ("POST", "/v1/audio/transcriptions")])
@pytest.mark.parametrize("key,message", [(None, "API key is required"), ("", "API key is required"),
                                         ("short", "Invalid API key format or length"), ("x" * 40, "Invalid API key")])
def test_routes_with_a_key_refuse_without(anonymous, method, path, key, message):
    answer = anonymous.request(method, path, headers={} if key is None else {"X-API-Key": key})
    assert answer.status_code == 401
    assert answer.json()["detail"] == message
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_bearer_token_is_a_key(service, anonymous):
    assert anonymous.get("/v1/tasks", headers={"Authorization": f"Bearer {service.key}"}).status_code == 200


def test_unknown_paths_and_wrong_methods(client):
    assert client.get("/v1/stream").status_code == 404
    assert client.get("/docs").status_code == 404
    answer = client.get("/v1/process")
    assert answer.status_code == 405 and "POST" in answer.headers["allow"]
    assert client.get("/v1/status/not-a-uuid").status_code == 404


def test_an_unknown_task(client):
    task_id = str(uuid.uuid4())
    body = error_of(client.get(f"/v1/status/{task_id}"), 404, "TASK_NOT_FOUND")
    assert body["detail"] == f"Task {task_id} not found"


@pytest.mark.parametrize("path", ["/v1/templates/nothing", "/v1/templates/nothing/schema",
                                  "/v1/templates/..%2F..%2Fetc", "/v1/templates/a%20b/schema"])
def test_an_unknown_template(client, path):
    answer = client.get(path)
    assert answer.status_code in (400, 404), answer.text
    if "nothing" in path:
        error_of(answer, 404, "TEMPLATE_NOT_FOUND")


@pytest.mark.parametrize("fields,code,words", [
    ({"asr_backend": "nope"}, "UNKNOWN_BACKEND", "asr_backend"),
    ({"features": "summary"}, "VALIDATION_ERROR", "template_id is required when summary is in features"),
    ({"features": "everything"}, "VALIDATION_ERROR", "everything"),
    ({"enable_vad": "perhaps"}, "VALIDATION_ERROR", "enable_vad"),
    ({"vad_threshold": "1.5"}, "VALIDATION_ERROR", "vad_threshold"),
    ({"vad_threshold": "nan"}, "VALIDATION_ERROR", "vad_threshold"),
])
def test_fields_of_process_are_checked(client, fields, code, words):
    body = error_of(client.submit(**fields), 422, code)
    assert words in body["detail"]


def test_a_file_is_needed(client):
    answer = client.post("/v1/process", files={"other": ("a.wav", b"RIFF")})
    error_of(answer, 422, "VALIDATION_ERROR")
    assert "file" in answer.json()["detail"]
    answer = client.post("/v1/process", files={"file": (None, "text and no file")})
    error_of(answer, 422, "VALIDATION_ERROR")


def test_a_form_is_needed(client):
    error_of(client.post("/v1/process", data={"file": "x"}), 400, "VALIDATION_ERROR")
    error_of(client.post("/v1/process", content=b"--x\r\nbroken",
                         headers={"Content-Type": "multipart/form-data; boundary=x"}), 400, "VALIDATION_ERROR")
    error_of(client.post("/v1/process", content=b"x", headers={"Content-Type": "multipart/form-data"}), 400,
             "VALIDATION_ERROR")


@pytest.mark.parametrize("name,kind,content", [
    ("notes.txt", "application/pdf", b"%PDF-1.4"), ("a.wav", "image/png", b"RIFFxxxx"),
    ("a.wav", "audio/wav", b"%PDF-1.4 and so on"), ("a.mp3", "audio/mpeg", b"\x89PNG\r\n\x1a\n" + bytes(64)),
    ("a.wav", "audio/wav", b"A letter, and no sound.\n"), ("a.wav", "audio/wav", b'[{"json": true}]'),
    ("a.wav", "audio/wav", b""), ("a.flac", "audio/flac", b"<html><body>no</body></html>")])
def test_what_is_no_audio_is_refused(client, name, kind, content):
    answer = client.post("/v1/process", files={"file": (name, content, kind)})
    assert answer.status_code in (415, 422), answer.text
    assert answer.json()["error"]["code"] in ("UNSUPPORTED_FORMAT", "VALIDATION_ERROR")


def test_a_broken_recording_fails_with_its_reason(client):
    with open(SAMPLES / "dictation.mp3", "rb") as file:
        head = file.read(2000)
    answer = client.post("/v1/process", files={"file": ("a.wav", b"RIFF" + head, "audio/wav")})
    assert answer.status_code == 202, answer.text
    status = client.wait(answer.json()["task_id"])
    assert status["status"] == "FAILED"
    assert status["error_code"] == "AUDIO_VALIDATION_ERROR" and status["stage"] == "preprocessing"
    assert "/" not in status["error"].replace("and/or", "")
    assert status["completed_at"]


@pytest.mark.parametrize("body,status", [
    ({"text": ""}, 422), ({"text": "   \n"}, 422), ({}, 422), ({"text": 5}, 422),
    ({"text": "a", "features": ["summary"]}, 422), ({"text": "a", "features": ["x"]}, 422)])
def test_process_text_is_checked(client, body, status):
    answer = client.post("/v1/process_text", json=body)
    error_of(answer, status, "VALIDATION_ERROR")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'"x"', b"[" * 1_000_000, b'{"text": "\xff\xfe"}',
                                     b'{"text": "\\ud800", "features": ["clean_transcript"]}'])
def test_process_text_refuses_what_is_no_json_object(client, content):
    answer = client.post("/v1/process_text", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422), answer.text
    assert answer.json()["error"]["code"]


# --- results

def test_a_finished_task_has_its_blocks(finished):
    assert finished["error"] is None and finished["error_code"] is None
    assert finished["submitted_at"].endswith("Z") and finished["completed_at"] >= finished["submitted_at"]
    metrics = finished["metrics"]
    assert 30 < metrics["input_duration_seconds"] < 200
    assert 0 < metrics["vad_coverage"] <= 1 and 0 <= metrics["asr_confidence_avg"] <= 1
    assert metrics["rtf"] > 0 and metrics["vad_segments"] > 0
    results = finished["results"]
    assert "thẻ" in results["summary"] and results["raw_transcript"] and results["clean_transcript"]
    assert results["segments"][0]["end"] > results["segments"][0]["start"] >= 0
    versions = finished["versions"]
    assert versions["asr_backend"]["name"] == "whisper" and len(versions["asr_backend"]["checkpoint_hash"]) >= 16
    assert versions["llm"]["structured_output"]["schema_id"] == "meeting_notes_v2"


def test_older_clients_get_vietnamese_keys(client, finished):
    path = f"/v1/status/{finished['task_id']}"
    old = client.get(path, params={"keys": "vi"}).json()
    assert "results" not in old
    assert old["kết_quả"]["tóm_tắt"] == finished["results"]["summary"]
    assert old["chỉ_số"]["độ_phủ_vad"] == finished["metrics"]["vad_coverage"]
    both = client.get(path, params={"keys": "both"}).json()
    assert both["results"]["raw_transcript"] == both["kết_quả"]["bản_ghi_thô"]


@pytest.mark.parametrize("form,kind,words", [("json", "application/json", '"versions"'), ("txt", "text/plain", " "),
                                             ("srt", "text/plain", " --> "), ("vtt", "text/vtt", "WEBVTT"),
                                             ("tsv", "text/tab-separated-values", "start\tend"), ("md", "text/markdown", "# ")])
def test_results_come_in_every_form(client, finished, form, kind, words):
    answer = client.get(f"/v1/tasks/{finished['task_id']}/result.{form}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith(kind)
    assert words in answer.text


def test_a_result_that_is_not_there_yet(client):
    task_id = client.submit(SAMPLES / "manual.flac").json()["task_id"]
    answer = client.get(f"/v1/tasks/{task_id}/result.txt")
    assert answer.status_code in (200, 409), answer.text
    client.delete(f"/v1/tasks/{task_id}")


def test_a_text_is_cleaned(client):
    text = "good morning everyone we meet on monday at ten"
    answer = client.post("/v1/process_text", json={"text": text, "features": ["clean_transcript", "raw_transcript"]})
    assert answer.status_code == 202
    status = client.wait(answer.json()["task_id"])
    assert status["status"] == "COMPLETE", status
    assert status["results"]["raw_transcript"] == text
    assert status["results"]["clean_transcript"]


def test_features_come_in_many_dialects(client):
    for features in (["raw_transcript", "clean_transcript"], "raw_transcript, clean_transcript",
                     json.dumps(["raw_transcript", "clean_transcript"]),
                     '```json\n["raw_transcript", "clean_transcript"]\n```'):
        answer = client.submit(features=features)
        assert answer.status_code == 202, answer.text
        status = client.wait(answer.json()["task_id"])
        assert status["results"]["raw_transcript"] and status["results"]["clean_transcript"]


# --- the life of a task

def test_tasks_are_listed_and_paged(client, finished):
    page = client.get("/v1/tasks", params={"limit": 2}).json()
    assert len(page["tasks"]) == 2
    seen = [task["task_id"] for task in page["tasks"]]
    following = client.get("/v1/tasks", params={"limit": 2, "after": seen[-1]}).json()
    assert not set(seen) & {task["task_id"] for task in following["tasks"]}
    complete = client.get("/v1/tasks", params={"state": "COMPLETE", "limit": 1000}).json()["tasks"]
    assert finished["task_id"] in {task["task_id"] for task in complete}
    assert all(task["status"] == "COMPLETE" for task in complete)
    assert client.get("/v1/tasks", params={"state": "SOMEHOW"}).status_code == 422
    assert client.get("/v1/tasks", params={"limit": 0}).status_code == 422


def test_tasks_are_filtered_by_owner_and_time(client, finished):
    def ids(**query):
        answer = client.get("/v1/tasks", params={"limit": 1000, **query})
        assert answer.status_code == 200, answer.text
        return {task["task_id"] for task in answer.json()["tasks"]}
    owner = client.get(f"/v1/tasks/{finished['task_id']}").json()["owner"]
    assert finished["task_id"] in ids(owner=owner) and not ids(owner="somebody-else")
    assert finished["task_id"] in ids(created_after="2020-01-01", created_before="2099-12-31T23:59:59+07:00")
    assert finished["task_id"] not in ids(created_after=finished["submitted_at"])
    error_of(client.get("/v1/tasks", params={"created_after": "yesterday"}), 422, "VALIDATION_ERROR")


def test_subtitles_obey_their_options(client, finished):
    path = f"/v1/tasks/{finished['task_id']}/result."
    assert len(re.findall("-->", client.get(path + "srt", params={"max_cue_seconds": 2}).text)) > len(
        re.findall("-->", client.get(path + "srt").text))
    assert client.get(path + "vtt", params={"identifiers": "true"}).text.startswith("WEBVTT\n\n1\n")
    error_of(client.get(path + "srt", params={"min_cue_seconds": "soon"}), 422, "VALIDATION_ERROR")


def test_speakers_are_refused_and_not_ignored(client):
    body = error_of(client.submit(enable_diarization="true"), 422, "VALIDATION_ERROR")
    assert "speakers" in body["detail"]
    assert client.submit(enable_diarization="false").status_code == 202


def test_a_running_task_stops_within_two_seconds(client):
    task_id = client.submit(SAMPLES / "manual.flac", features="summary", template_id="meeting_notes_v2").json()["task_id"]
    deadline = time.monotonic() + 30
    while client.get(f"/v1/status/{task_id}").json()["status"] == "PENDING" and time.monotonic() < deadline:
        time.sleep(0.02)
    begun = time.monotonic()
    answer = client.post(f"/v1/tasks/{task_id}/cancel")
    assert answer.status_code in (200, 202), answer.text
    status = client.wait(task_id, 10)
    assert status["status"] in ("CANCELLED", "COMPLETE")
    assert status["status"] == "COMPLETE" or time.monotonic() - begun < 2.5


def test_a_failed_task_can_be_tried_again_and_removed(client, service):
    answer = client.post("/v1/process", files={"file": ("a.wav", b"RIFF" + bytes(3000), "audio/wav")})
    task_id = answer.json()["task_id"]
    assert client.wait(task_id)["status"] == "FAILED"
    again = client.post(f"/v1/tasks/{task_id}/retry")
    assert again.status_code in (200, 202), again.text
    assert client.wait(task_id)["status"] == "FAILED"
    assert (service.folder / "audio" / task_id).exists()
    assert client.delete(f"/v1/tasks/{task_id}").status_code == 204
    assert client.get(f"/v1/status/{task_id}").status_code == 404
    assert not (service.folder / "audio" / task_id).exists()
    assert client.delete(f"/v1/tasks/{task_id}").status_code == 404
    assert client.post(f"/v1/tasks/{task_id}/retry").status_code == 404


def test_a_finished_task_is_not_tried_again(client, finished):
    answer = client.post(f"/v1/tasks/{finished['task_id']}/retry")
    assert answer.status_code == 409


def test_events_tell_the_whole_story(client, service):
    task_id = client.submit(SAMPLES / "meeting_en.flac", features="raw_transcript").json()["task_id"]
    kinds, segments, fractions = [], [], []
    with client.stream("GET", f"/v1/tasks/{task_id}/events") as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        kind = None
        for line in answer.iter_lines():
            if line.startswith("event:"):
                kind = line.split(":", 1)[1].strip()
                kinds.append(kind)
            elif line.startswith("data:"):
                data = json.loads(line.split(":", 1)[1])
                if kind == "segment":
                    segments.append(data["text"])
                elif kind == "progress":
                    fractions.append(data["fraction"])
    assert kinds[-1] == "done"
    status = client.get(f"/v1/status/{task_id}").json()
    assert [text.strip() for text in segments] == [s["text"].strip() for s in status["results"]["segments"]]
    assert fractions == sorted(fractions)


def test_an_idempotency_key_submits_once(client):
    key = {"Idempotency-Key": str(uuid.uuid4())}
    body = {"text": "The same note.", "features": ["clean_transcript"]}
    first = client.post("/v1/process_text", json=body, headers=key)
    second = client.post("/v1/process_text", json=body, headers=key)
    assert first.status_code == second.status_code == 202
    assert first.json()["task_id"] == second.json()["task_id"]
    other = client.post("/v1/process_text", json={**body, "text": "Another."}, headers=key)
    assert other.status_code == 409 and other.headers["x-should-retry"] == "false"


# --- templates

def test_templates_can_be_made_changed_and_removed(client):
    template_id = f"test_{uuid.uuid4().hex[:8]}"
    schema = {"type": "object", "properties": {"title": {"type": "string", "maxLength": 50},
                                               "tags": {"type": "array", "items": {"type": "string", "maxLength": 20},
                                                        "minItems": 1, "maxItems": 3}},
              "required": ["title", "tags"], "additionalProperties": False}
    made = client.post("/v1/templates", json={"id": template_id, "schema_data": schema, "prompt_template": "Sum up."})
    assert made.status_code == 201, made.text
    assert made.json()["schema_data"] == schema
    error_of(client.post("/v1/templates", json={"id": template_id, "schema_data": schema, "prompt_template": "x"}), 422,
             "INVALID_TEMPLATE")
    changed = client.put(f"/v1/templates/{template_id}", json={"prompt_template": "Sum up well."})
    assert changed.status_code == 200 and changed.json()["prompt_template"] == "Sum up well."
    removed = client.delete(f"/v1/templates/{template_id}")
    assert removed.status_code == 204 and removed.content == b""
    assert client.get(f"/v1/templates/{template_id}").status_code == 404
    assert client.delete(f"/v1/templates/{template_id}").status_code == 404
    assert client.put(f"/v1/templates/{template_id}", json={"prompt_template": "x"}).status_code == 404


@pytest.mark.parametrize("body", [
    {"id": "../etc", "schema_data": {"type": "object"}, "prompt_template": ""},
    {"id": "x1", "schema_data": [], "prompt_template": ""},
    {"id": "x1", "schema_data": {"type": "array"}, "prompt_template": ""},
    {"id": "x1", "schema_data": {"type": "object"}, "prompt_template": "{% for %}"},
    {"id": "x1", "schema_data": {"type": "object"}, "prompt_template": "", "surprise": 1},
    {"id": "x1", "prompt_template": "x"}, {"schema_data": {"type": "object"}, "prompt_template": "x"},
    {"id": "x1", "schema_data": {"type": "object"}, "prompt_template": "{% include '../../../etc/passwd' %}"},
    {"id": "x1", "schema_data": {"type": "object"},
     "prompt_template": "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}"},
])
def test_templates_from_hell_are_refused(client, body):
    answer = client.post("/v1/templates", json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["error"]["code"] in ("INVALID_TEMPLATE", "INVALID_TEMPLATE_SCHEMA", "VALIDATION_ERROR")
    assert client.get("/v1/templates/x1").status_code == 404


# --- correlation

@pytest.mark.parametrize("name", ["X-Request-ID", "X-Correlation-ID"])
def test_the_id_of_a_request_comes_back(client, name):
    answer = client.get("/v1/templates", headers={name: "abc-123"})
    assert answer.headers["x-request-id"] == answer.headers["x-correlation-id"] == "abc-123"


def test_a_request_without_id_gets_one(client):
    assert client.get("/nowhere").headers["x-request-id"]
    assert len(client.get("/v1/templates", headers={"X-Request-ID": "y" * 5000}).headers["x-request-id"]) <= 128


@pytest.mark.settings({"queue.max_depth": 3, "worker.processes": 0})
def test_a_full_queue_says_so(own_service):
    with client_of(own_service) as client:
        body = {"text": "x", "features": ["clean_transcript"]}
        codes = [client.post("/v1/process_text", json={**body, "text": f"x {i}"}).status_code for i in range(4)]
        assert codes == [202, 202, 202, 429]
        answer = client.post("/v1/process_text", json=body)
        error_of(answer, 429, "QUEUE_FULL")
        assert int(answer.headers["retry-after"]) > 0
        assert answer.json()["detail"] == "Queue is full. Please try again later."
        assert client.get("/health").json()["worker_active"] is False


@pytest.mark.settings({"api.max_file_size_mb": 0.1, "worker.processes": 0})
def test_a_large_file_is_refused(own_service):
    with client_of(own_service) as client:
        answer = client.submit(SAMPLES / "manual.flac")
        error_of(answer, 413, "FILE_TOO_LARGE")
        assert list((own_service.folder / "audio" / ".spool").iterdir()) == []


@pytest.mark.settings({"rate_limit.enabled": True, "rate_limit.count": 2, "worker.processes": 0})
def test_the_rate_limit_counts_submissions(own_service):
    with client_of(own_service) as client:
        body = {"text": "x", "features": ["clean_transcript"]}
        first = client.post("/v1/process_text", json=body)
        assert first.headers["ratelimit-limit"] == first.headers["x-ratelimit-limit"] == "2"
        assert first.headers["ratelimit-policy"] == "2; w=60"
        client.post("/v1/process_text", json=body)
        refused = client.post("/v1/process_text", json=body)
        error_of(refused, 429, "API_RATE_LIMIT_ERROR")
        assert int(refused.headers["retry-after"]) > 0 and refused.headers["ratelimit-remaining"] == "0"
        assert client.get("/v1/tasks").status_code == 200


@pytest.mark.settings({"api.process_sync": True})
def test_process_sync_answers_with_the_result(own_service):
    with client_of(own_service) as client:
        with open(SAMPLES / "dictation.mp3", "rb") as audio:
            answer = client.post("/v1/process-sync", files={"file": ("d.mp3", audio)}, data={"features": "raw_transcript"})
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert body["status"] == "COMPLETE" and UUID4.match(body["task_id"])
        assert body["results"]["raw_transcript"] == body["kết_quả"]["bản_ghi_thô"]
        broken = client.post("/v1/process-sync", files={"file": ("a.wav", b"RIFF" + bytes(3000))})
        assert broken.status_code == 422 and broken.json()["error"]["code"] == "AUDIO_VALIDATION_ERROR"


def test_process_sync_is_off_elsewhere(client):
    assert client.post("/v1/process-sync", files={"file": ("a.wav", b"RIFF")}).status_code == 404


def test_final_states_are_those_of_the_documents(client):
    tasks = client.get("/v1/tasks", params={"limit": 1000}).json()["tasks"]
    assert {task["status"] for task in tasks} <= FINAL | {"PENDING", "PREPROCESSING", "PROCESSING_ASR", "PROCESSING_LLM"}
