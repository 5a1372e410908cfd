"""The OpenAI routes with the official client library, unmodified (docs/spec/interfaces.md, sections 2 to 6 and 16)."""
import json
import threading
import time

import openai
import pytest

from conftest import SAMPLES, client_of

SHORT = SAMPLES / "dictation.mp3"


@pytest.fixture(scope="module")
def ai(service):
    with openai.OpenAI(base_url=service.url + "/v1", api_key=service.key, max_retries=0, timeout=120) as made:
        yield made


def transcribe(ai, path=SHORT, model="whisper-1", **options):
    with open(path, "rb") as audio:
        return ai.audio.transcriptions.create(model=model, file=audio, **options)


@pytest.fixture(scope="module")
def plain(ai):
    return transcribe(ai)


def test_json(plain):
    assert len(plain.text) > 100 and plain.text == plain.text.strip()
    assert plain.usage.type == "duration" and plain.usage.seconds > 5


def test_text(ai, plain):
    assert transcribe(ai, response_format="text") == plain.text + "\n"


@pytest.mark.parametrize("form,separator", [("srt", ","), ("vtt", ".")])
def test_subtitles(ai, form, separator):
    text = transcribe(ai, response_format=form)
    assert f"00:00:01{separator}" in text and " --> " in text
    assert text.startswith("WEBVTT\n\n" if form == "vtt" else "1\n")


def test_verbose_json(ai, plain):
    result = transcribe(ai, response_format="verbose_json", timestamp_granularities=["word", "segment"])
    assert result.text == plain.text and result.language == "english" and result.duration > 5
    for number, segment in enumerate(result.segments):
        assert segment.id == number and 0 <= segment.start <= segment.end <= result.duration
        for member in ("seek", "tokens", "temperature", "avg_logprob", "compression_ratio", "no_speech_prob"):
            assert getattr(segment, member) is not None
    assert all(0 <= word.start <= word.end <= result.duration and word.word == word.word.strip() for word in result.words)
    words_only = transcribe(ai, response_format="verbose_json", timestamp_granularities=["word"])
    assert words_only.words and not words_only.segments


def test_streaming_gives_the_same_text(ai, plain):
    deltas, done = [], None
    for event in transcribe(ai, stream=True):
        if event.type == "transcript.text.delta":
            deltas.append(event.delta)
        else:
            assert event.type == "transcript.text.done"
            done = event
    assert "".join(deltas) == done.text == plain.text
    assert done.usage.type == "tokens" and done.usage.total_tokens > 0


@pytest.mark.parametrize("name,value", [("language", "xx"), ("response_format", "yaml"), ("temperature", 7),
                                        ("timestamp_granularities", ["letter"])])
def test_wrong_values_are_named(ai, name, value):
    with pytest.raises(openai.BadRequestError) as caught:
        transcribe(ai, **{name: value})
    assert caught.value.body["param"] == name


def test_streaming_has_two_forms(ai):
    with pytest.raises(openai.BadRequestError) as caught:
        transcribe(ai, stream=True, response_format="srt")
    assert caught.value.body["param"] == "stream" and caught.value.body["code"] == "unsupported_value"


def test_an_unknown_model(ai):
    with pytest.raises(openai.NotFoundError) as caught:
        transcribe(ai, model="nobody/nothing")
    assert caught.value.body["code"] == "model_not_found"


@pytest.mark.parametrize("content", [b"", b"RIFF" + bytes(5000), b"not audio at all"])
def test_what_is_no_audio(ai, content):
    with pytest.raises(openai.BadRequestError) as caught:
        ai.audio.transcriptions.create(model="whisper-1", file=("a.wav", content))
    assert caught.value.body["code"] == "audio_unreadable" and caught.value.body["param"] == "file"


def test_a_wrong_key(service):
    with openai.OpenAI(base_url=service.url + "/v1", api_key="x" * 40, max_retries=0) as stranger:
        with pytest.raises(openai.AuthenticationError) as caught:
            stranger.models.retrieve("nothing") if False else transcribe(stranger)
    assert caught.value.body["code"] == "invalid_api_key"


def test_lists_in_three_dialects(client):
    def answer(data):
        with open(SHORT, "rb") as audio:
            return client.post("/v1/audio/transcriptions", files={"file": ("d.mp3", audio)}, data=data).json()

    base = {"model": "whisper-1", "response_format": "verbose_json"}
    bracketed = answer({**base, "timestamp_granularities[]": ["word", "segment"]})
    repeated = answer({**base, "timestamp_granularities": ["word", "segment"]})
    in_json = answer({**base, "timestamp_granularities": '["word", "segment"]'})
    assert bracketed["words"] == repeated["words"] == in_json["words"]
    assert bracketed["segments"] == repeated["segments"] == in_json["segments"]


def test_translations(ai):
    with open(SHORT, "rb") as audio:
        try:
            assert ai.audio.translations.create(model="whisper-1", file=audio).text
        except openai.BadRequestError as error:  # the mini recogniser does not translate, and says so
            assert error.body["param"] == "model" and error.body["code"] == "unsupported_value"


def test_respond_async_makes_a_job(client):
    with open(SHORT, "rb") as audio:
        answer = client.post("/v1/audio/transcriptions", files={"file": ("d.mp3", audio)}, data={"model": "whisper-1"},
                             headers={"Prefer": "respond-async"})
    assert answer.status_code == 202 and answer.headers["preference-applied"] == "respond-async"
    task_id = answer.headers["location"].rsplit("/", 1)[1]
    assert client.wait(task_id)["status"] == "COMPLETE"
    assert client.get(f"/v1/tasks/{task_id}/result.txt").text.strip()


def test_models(ai):
    models = list(ai.models.list())
    assert models and all(model.object == "model" and model.created > 0 for model in models)
    one = ai.models.retrieve(models[0].id)
    assert one.id == models[0].id
    with pytest.raises(openai.NotFoundError):
        ai.models.retrieve("nobody/nothing")


@pytest.fixture(scope="module")
def chat_model(client_module):
    for model in client_module.get("/v1/models").json()["data"]:
        if model["maie"]["task"] == "chat":
            return model["id"]
    raise AssertionError("no model for chat")


@pytest.fixture(scope="module")
def client_module(service):
    with client_of(service) as made:
        yield made


def test_chat(ai, chat_model):
    answer = ai.chat.completions.create(model=chat_model, max_tokens=24, temperature=0,
                                        messages=[{"role": "user", "content": "Text to enhance:\ngood morning everyone"}])
    choice = answer.choices[0]
    assert answer.object == "chat.completion" and choice.message.role == "assistant" and choice.message.content
    assert choice.finish_reason in ("stop", "length")
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


def test_chat_streams_the_same(ai, chat_model):
    ask = {"model": chat_model, "max_tokens": 24, "temperature": 0,
           "messages": [{"role": "user", "content": "Text to enhance:\nxin chào các bạn hôm nay chúng ta họp"}]}
    whole = ai.chat.completions.create(**ask).choices[0].message.content
    chunks = list(ai.chat.completions.create(**ask, stream=True, stream_options={"include_usage": True}))
    assert chunks[0].choices[0].delta.role == "assistant"
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole
    assert chunks[-1].choices == [] and chunks[-1].usage.completion_tokens > 0
    assert len({chunk.id for chunk in chunks}) == 1
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] in ("stop", "length")


def test_chat_under_a_schema(ai, chat_model):
    schema = {"type": "object", "properties": {"answer": {"type": "string", "maxLength": 20},
                                               "sure": {"type": "boolean"}},
              "required": ["answer", "sure"], "additionalProperties": False}
    answer = ai.chat.completions.create(
        model=chat_model, temperature=0, max_tokens=80, messages=[{"role": "user", "content": "Is it raining?"}],
        response_format={"type": "json_schema", "json_schema": {"name": "reply", "schema": schema, "strict": True}})
    made = json.loads(answer.choices[0].message.content)
    assert set(made) == {"answer", "sure"} and len(made["answer"]) <= 20 and isinstance(made["sure"], bool)
    any_object = ai.chat.completions.create(model=chat_model, temperature=0, max_tokens=60,
                                            messages=[{"role": "user", "content": "Say something."}],
                                            response_format={"type": "json_object"})
    assert isinstance(json.loads(any_object.choices[0].message.content), dict)


@pytest.mark.parametrize("change,param", [
    ({"n": 2}, "n"), ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools"),
    ({"messages": [{"role": "tool", "content": "x", "tool_call_id": "1"}]}, "messages"), ({"temperature": 9}, "temperature"),
    ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://x/y.png"}}]}]}, "messages"),
    ({"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object", "if": {}}}}},
     "response_format"),
    ({"messages": []}, "messages"), ({"max_tokens": 0}, "max_tokens")])
def test_what_chat_refuses(ai, chat_model, change, param):
    with pytest.raises(openai.BadRequestError) as caught:
        ai.chat.completions.create(**{"model": chat_model, "max_tokens": 5,
                                      "messages": [{"role": "user", "content": "x"}], **change})
    assert (caught.value.body["param"] or "").startswith(param), caught.value.body


def test_a_prompt_that_is_too_long(ai, chat_model):
    with pytest.raises(openai.BadRequestError) as caught:
        ai.chat.completions.create(model=chat_model, messages=[{"role": "user", "content": "word " * 60_000}])
    assert caught.value.body["code"] == "context_length_exceeded"


def test_a_client_that_leaves_frees_the_model(service, client, chat_model):
    """The request of a client that went away is stopped within two seconds."""
    def abandoned():
        with client_of(service, ) as leaving:
            leaving.timeout = 0.5
            try:
                with open(SAMPLES / "manual.flac", "rb") as audio:
                    leaving.post("/v1/audio/transcriptions", files={"file": ("m.flac", audio)}, data={"model": "whisper-1"})
            except Exception:
                pass

    thread = threading.Thread(target=abandoned)
    thread.start()
    thread.join()
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline:
        tasks = client.get("/v1/tasks", params={"kind": "transcription", "limit": 1000}).json()["tasks"]
        if all(task["status"] in ("COMPLETE", "CANCELLED", "FAILED") for task in tasks):
            return
        time.sleep(0.1)
    raise AssertionError(tasks)
