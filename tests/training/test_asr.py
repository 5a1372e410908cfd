"""The recogniser's parts on made-up speech; no espeak-ng, no GPU, seconds."""

import random

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("tokenizers", reason="tokenizers is not installed")

from training.asr import generate, scene, tokens as token_sets  # noqa: E402
from training.asr.examine import segment_starts  # noqa: E402
from training.asr.features import log_mel  # noqa: E402
from training.asr.material import Placed, Slot  # noqa: E402
from training.asr.network import Config, Whisper  # noqa: E402
from training.asr.windows import IGNORED, Planner, Shape  # noqa: E402

TEXTS = [
    "Good morning, everyone.",
    "The budget is ready.",
    "Xin chào mọi người.",
    "Nguyễn Văn Nam trình bày.",
] * 20


@pytest.fixture(scope="module")
def tokens():
    return token_sets.train(TEXTS, 320)


@pytest.fixture(scope="module")
def shelf(tokens):
    rng = np.random.default_rng(1)
    shelves = {}
    for number, language in enumerate(token_sets.LANGUAGES):
        lengths = [int(n) for n in rng.integers(8000, 48000, 32)]
        offsets = np.cumsum([0, *lengths[:-1]]).tolist()
        ids = [tokens.encode(TEXTS[number * 2 + k % 2]) for k in range(32)]
        slot = Slot(language, np.zeros(0, np.int16), offsets, lengths, [0.1] * 32, ids, [(0, 16), (16, 32)])
        shelves[language] = [Placed(slot, number)]
    return shelves


def test_tokens_have_whisper_names_and_give_text_back(tokens):
    for text in TEXTS[:4]:
        assert tokens.decode(tokens.encode(text)) == text
    assert tokens.tokenizer.id_to_token(tokens.size - 1) == "<|30.00|>"
    assert tokens.time(1.27) == tokens.first_time + round(1.27 / 0.02)


def test_times_in_labels_are_those_of_the_sound(tokens, shelf):
    shape = Shape(30, 16, 448, 260)
    plan = Planner(shelf, tokens, shape, 3, 0.2).plan()
    wave = scene.assemble(plan, torch.full((2 * 300 * 16000,), 3000, dtype=torch.int16))
    assert plan.speech.any() and not plan.speech.all()
    for b in range(shape.batch):
        heard = torch.nonzero(wave[b]).flatten()
        outputs = [i for i in plan.outputs[b].tolist() if i != IGNORED]
        times = [(i - tokens.first_time) * 0.02 for i in outputs if i >= tokens.first_time]
        if not plan.speech[b]:
            assert len(heard) == 0 and outputs == [tokens.no_speech, tokens.end]
        elif times:
            assert abs(times[0] - heard[0] / 16000) < 0.02
            assert times == sorted(times)


def test_no_text_comes_twice_from_one_speaker(tokens, shelf):
    plan = Planner(shelf, tokens, Shape(30, 8, 448, 260), 5, 0.0).plan()
    for b in range(8):
        inside = (plan.target >= b * 480000) & (plan.target < (b + 1) * 480000)
        assert len(set(plan.source[inside].tolist())) >= 0.5 * inside.sum()


def test_caches_do_not_change_the_logits(tokens):
    torch.manual_seed(1)
    model = Whisper(Config(tokens.size, 64, 1, 2, 128, 128), tokens.text_size).eval()
    ids = torch.randint(tokens.text_size, (2, 9))
    with torch.no_grad():
        encoded = model.encoder(torch.randn(2, 80, 200))
        cache = generate._Cache(model, encoded, 16)
        steps = [generate._advance(model, ids[:, a:b], cache) for a, b in ((0, 1), (1, 4), (4, 5), (5, 9))]
        assert torch.allclose(torch.cat(steps, 1), model.decoder(ids, encoded), atol=1e-5)


def test_written_times_follow_the_rules(tokens):
    torch.manual_seed(2)
    model = Whisper(Config(tokens.size, 64, 1, 1, 128, 128), tokens.text_size).eval()
    for found in generate.greedy(model, tokens, torch.randn(2, 80, 3000), timestamps=True, most=24):
        times = [i for i in found.ids if i >= tokens.first_time]
        assert times == sorted(times)
        assert not found.ids or found.ids[0] >= tokens.first_time


def test_starts_are_times_before_text(tokens):
    a, b, c = (tokens.time(s) for s in (0.5, 2.0, 2.4))
    assert segment_starts([a, 5, 6, b, c, 7, b], tokens) == pytest.approx([0.5, 2.4])


def test_features_agree_with_the_published_extractor():
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    wave = np.random.default_rng(1).normal(0, 0.1, 480000).astype(np.float32)
    wave[100000:] *= 1e-3
    extractor = transformers.WhisperFeatureExtractor(feature_size=80)
    expected = extractor(wave, sampling_rate=16000, return_tensors="pt").input_features
    assert torch.allclose(log_mel(torch.from_numpy(wave)[None]), expected, atol=1e-4)


def test_features_behind_the_end_are_one_of_three_kinds():
    banks = type("Banks", (), {"generator": torch.Generator().manual_seed(1)})
    wave = torch.randn(32, 80000, generator=banks.generator) * 0.1
    x = scene.to_features(wave, torch.full((32,), 40000), banks, random.Random(1), mask=False)
    kinds = {
        "noise" if m > 0.1 else "zeros" if m == 0 else "silence" for m in x[:, :, 300:].mean((1, 2)).tolist()
    }
    assert "zeros" in kinds and len(kinds) >= 2
