"""Test sets: folders of short recordings with the truth beside each (see `scene.write`), from the test split.

A set is a condition: language, noise, room, and whether the voice variants were heard in training. The
sounds of `non_speech` have an empty text and an empty RTTM file.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from training.corpus import Document, Turn, sentences
from training.speech import effects, scene, sounds
from training.speech.scene import Setting


@dataclass(frozen=True)
class Condition:
    """What the recordings of a set have in common."""

    language: str
    setting: Setting
    voices: str = "train"  # split of the voice variants; texts are always of the test split
    kind: str = "sentences"  # of documents; "words": random grammar and found text; or a kind of document


_QUIET = Setting(snr_db=40.0, rt60_s=None)
_NOISY = Setting(snr_db=15.0, rt60_s=None, noise=effects.NOISE_KINDS)
_TEN = Setting(snr_db=10.0, rt60_s=None, noise=effects.NOISE_KINDS)

SETS: dict[str, Condition | None] = {
    "asr-en": Condition("en", _QUIET),
    "asr-vi": Condition("vi", _QUIET),
    "noise15-en": Condition("en", _NOISY),
    "noise15-vi": Condition("vi", _NOISY),
    "words-en": Condition("en", _QUIET, kind="words"),
    "words-vi": Condition("vi", _QUIET, kind="words"),
    "unseen-voice-en": Condition("en", _QUIET, "test"),
    "unseen-voice-vi": Condition("vi", _QUIET, "test"),
    "room-en": Condition("en", Setting(), "train"),
    "room-vi": Condition("vi", Setting(), "train"),
    "meeting-en": Condition("en", Setting(), "test", "meeting"),
    "meeting-vi": Condition("vi", Setting(), "test", "meeting"),
    "vad10-en": Condition("en", _TEN, "test"),
    "vad10-vi": Condition("vi", _TEN, "test"),
    "nonspeech": None,
}
_LENGTH_S = (6.0, 24.0)  # of recordings of sentences, about


def _readings(language: str, source: str, seed: int, dice: random.Random) -> Iterator[Document]:
    """Sentences of the test split, read one after another by one speaker."""
    stream = sentences(language, "test", seed, source=source)
    number = 0
    while True:
        words, turns = dice.uniform(*_LENGTH_S) * (2.4 if language == "en" else 3.2), []
        while words > 0:
            turns.append(Turn("S1", next(stream)))
            words -= len(turns[-1].text.split()) + 1
        yield Document(f"reading-{language}-{seed}-{number}", language, "talk", "test", turns)
        number += 1


def make(name: str, count: int, seed: int, folder: Path) -> float:
    """Writes `count` recordings of a set into `folder`; returns their seconds."""
    condition = SETS[name]
    folder.mkdir(parents=True, exist_ok=True)
    if condition is None:
        return _make_non_speech(count, seed, folder)
    dice = random.Random(f"test set {name} {seed}")
    if condition.kind in ("sentences", "words"):
        source = "words" if condition.kind == "words" else "documents"
        documents = _readings(condition.language, source, seed, dice)
    else:
        documents = scene.documents(condition.language, "test", seed, [condition.kind])
    total = 0.0
    for index, document in zip(range(count), documents):
        made = scene.render(document, condition.setting, condition.voices, seed * 100_003 + index)
        scene.write(made, document, folder / f"{name}_{index:04}.wav")
        total += made.duration_s
    return total


def _make_non_speech(count: int, seed: int, folder: Path, seconds: float = 12.0) -> float:
    """Sounds of every kind in turn."""
    import soundfile

    g = torch.Generator().manual_seed(seed)
    samples = int(seconds * scene.RATE_HZ)
    kinds = list(sounds.KINDS)
    for index in range(count):
        kind = kinds[index % len(kinds)]
        level = effects.uniform(g, -40, -3, 1)
        hiss = 1e-4 * effects.normal(g, 1, samples)
        x = effects.clip(effects.gain(sounds.KINDS[kind](1, samples, g), level) + hiss)
        path = folder / f"nonspeech_{kind}_{index:04}.wav"
        soundfile.write(str(path), np.round(x[0].numpy() * 32767).astype(np.int16), scene.RATE_HZ)
        path.with_suffix(".txt").write_text("")
        path.with_suffix(".rttm").write_text("")
        truth = {"language": None, "kind": kind, "duration_s": seconds, "turns": []}
        path.with_suffix(".json").write_text(json.dumps(truth) + "\n")
    return count * seconds
