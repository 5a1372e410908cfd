"""Who speaks to the voice detector: more voices than the recogniser needs, since words do not matter here.

Beside the speakers of `training.speech.voices` some come from other languages of Latin script. They read
the same texts with the sounds of their own language, so the detector meets more kinds of speech sounds.
This module never imports PyTorch: the synthesising processes load it.
"""

import random
from collections.abc import Sequence

import numpy as np

from training.speech import espeak, voices
from training.speech.safely import map_safely

OTHER_LANGUAGES = (
    "de",
    "fr",
    "es",
    "it",
    "pt",
    "nl",
    "pl",
    "sv",
    "tr",
    "fi",
    "cs",
    "hu",
    "ro",
    "id",
    "sw",
)
_OTHER_SHARE = 0.4  # of the training utterances

Job = tuple[str, str, int, str]  # text, language, seed of the speaker, split


def speaker(language: str, split: str, seed: int) -> espeak.Synthesiser:
    """A speaker; in training at times of another language, and livelier in speed and pitch."""
    usual = voices.speaker(language, split, seed)
    dice = random.Random(f"vad speaker {language} {split} {seed}")
    if split == "test":
        return usual
    voice = usual.voice
    if dice.random() < _OTHER_SHARE:
        variant = voice.partition("+")[2]
        voice = dice.choice(OTHER_LANGUAGES) + (f"+{variant}" if variant else "")
    return espeak.Synthesiser(voice, dice.randint(115, 225), dice.randint(10, 90), dice.randint(15, 80))


def speak(job: Job) -> np.ndarray:
    """int16 samples at 16 kHz of one job, in this process."""
    text, language, seed, split = job
    return speaker(language, split, seed).speak(text).samples


def speak_many(jobs: Sequence[Job], processes: int | None = None) -> list[np.ndarray]:
    """All jobs, in their order, without those that espeak-ng did not survive."""
    return [samples for samples in map_safely(speak, jobs, processes) if samples is not None]
