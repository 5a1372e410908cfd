"""A bank of clean utterances that lives on the training device, and recordings assembled from it.

Which samples are voice is decided on the clean speech, before any noise (`training.speech.activity`), and
travels with every change of pace.
"""

import itertools
import math
import random
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from training.corpus import sentences
from training.speech.activity import voice_samples
from training.vad import voices
from training.vad.network import WINDOW

RATE_HZ = 16000
_EN_SHARE = 0.6


@dataclass
class Bank:
    """Utterances one after another on a device."""

    samples: Tensor  # int16 [total]
    voiced: Tensor  # uint8 [total], 1 where there is voice
    starts: list[int]
    lengths: list[int]
    gains: list[float]  # factor from int16 to an active level of -20 dB of full scale

    @property
    def hours(self) -> float:
        """Length of all utterances together."""
        return sum(self.lengths) / RATE_HZ / 3600


def texts(split: str, seed: int, count: int) -> list[tuple[str, str]]:
    """`count` pairs (text, language) from the corpus, both languages mixed."""
    dice = random.Random(f"vad texts {split} {seed}")
    streams = {language: sentences(language, split, seed) for language in ("en", "vi")}
    languages = ["en" if dice.random() < _EN_SHARE else "vi" for _ in range(count)]
    return [(next(streams[language]), language) for language in languages]


def bank_of(utterances: list[np.ndarray], device: torch.device | str) -> Bank:
    """Puts clean utterances (int16 at 16 kHz) on the device; those under 0.1 s are left out."""
    utterances = [u for u in utterances if len(u) >= RATE_HZ // 10 and np.abs(u).max() > 100]
    masks = [voice_samples(u) for u in utterances]
    gains = []
    for samples, mask in zip(utterances, masks):
        power = np.square(samples[mask].astype(np.float64)).mean()
        gains.append(0.1 / math.sqrt(power))
    lengths = [len(u) for u in utterances]
    starts = [0, *itertools.accumulate(lengths)][:-1]
    return Bank(
        torch.from_numpy(np.concatenate(utterances)).to(device),
        torch.from_numpy(np.concatenate(masks).astype(np.uint8)).to(device),
        starts,
        lengths,
        gains,
    )


def make_bank(
    split: str, seed: int, count: int, device: torch.device | str, processes: int | None = None
) -> Bank:
    """Speaks `count` sentences of the corpus, each in a voice of its own."""
    jobs = [
        (text, language, seed * 1_000_003 + i, split)
        for i, (text, language) in enumerate(texts(split, seed, count))
    ]
    return bank_of(voices.speak_many(jobs, processes), device)


@dataclass
class Piece:
    """An utterance, or a part of it, at a place of a recording."""

    row: int
    at: int  # first sample in the row
    source: int  # first sample in the bank
    length: int  # samples in the row
    speed: float  # samples of the bank per sample of the row: pitch, formants and pace move together
    gain: float
    wobble: float  # amplitude in samples and angular frequency per sample of an unsteady pitch
    wobble_rate: float


@dataclass(frozen=True)
class Style:
    """How recordings are assembled from utterances."""

    speed: float = 0.25  # utterances are played 1 - speed ... 1 + speed times as fast
    wobble: float = 0.04  # largest relative deviation of the pitch within an utterance
    level_db: float = 4.0  # standard deviation between utterances of a recording
    overlap: float = 0.08  # share of utterances that begin before the one before has ended


PLAIN = Style(speed=0.0, wobble=0.0, level_db=2.0, overlap=0.0)


def plan(bank: Bank, rows: int, samples: int, style: Style, dice: random.Random) -> list[Piece]:
    """Chooses utterances and pauses for `rows` recordings of `samples` samples."""
    pieces = []
    for row in range(rows):
        pause_s = dice.choice((0.25, 0.6, 1.5, 4.0))  # mean; some recordings are dense, some nearly empty
        at = int(dice.uniform(-1.0, pause_s) * RATE_HZ)
        while at < samples:
            k = dice.randrange(len(bank.starts))
            speed = 1 + dice.uniform(-style.speed, style.speed)
            length = int((bank.lengths[k] - 1) / speed)
            rate = 2 * math.pi * dice.uniform(3, 14) / RATE_HZ
            wobble = dice.uniform(0, style.wobble) / rate
            cut = max(0, -at)  # a recording may begin in the middle of a word
            heard = min(length, samples - at) - cut
            if heard > 0:
                gain = bank.gains[k] * 10 ** (dice.gauss(0, style.level_db) / 20)
                first = bank.starts[k] + int(cut * speed)
                pieces.append(Piece(row, at + cut, first, heard, speed, gain, wobble, rate))
            at += length
            if dice.random() < style.overlap:
                at -= int(dice.uniform(0, 1) * RATE_HZ)
            else:
                at += int((0.16 + dice.expovariate(1 / pause_s)) * RATE_HZ)
    return pieces


def assemble(bank: Bank, pieces: list[Piece], rows: int, samples: int) -> tuple[Tensor, Tensor]:
    """Clean recordings float32 [rows, samples] and which samples are voice, float32 0 or 1, same shape.

    All pieces at once, as one long list of (place in the bank, place in the recordings): on a GPU thousands
    of copies would cost more than the network.
    """
    device = bank.samples.device
    speech = torch.zeros(rows * samples, device=device)
    voiced = torch.zeros(rows * samples, device=device)
    if not pieces:
        return speech.view(rows, samples), voiced.view(rows, samples)

    def values(of, dtype: torch.dtype) -> Tensor:
        return torch.tensor([of(p) for p in pieces], dtype=dtype, device=device)

    lengths = values(lambda p: p.length, torch.int64)
    which = torch.repeat_interleave(torch.arange(len(pieces), device=device), lengths)
    begins = lengths.cumsum(0) - lengths
    inside = torch.arange(which.numel(), device=device) - begins[which]
    target = values(lambda p: p.row * samples + p.at, torch.int64)[which] + inside

    # In double: float32 has too few digits for a place between two of a hundred thousand samples.
    local = inside.double()
    wobble = values(lambda p: p.wobble, torch.float64)[which]
    turn = values(lambda p: p.wobble_rate, torch.float64)[which] * local
    place = local * values(lambda p: p.speed, torch.float64)[which] + wobble * torch.sin(turn)
    place = place.clamp(min=0) + values(lambda p: p.source, torch.float64)[which]
    whole = place.floor().long().clamp(max=bank.samples.numel() - 2)
    part = (place - whole).float()
    sample = bank.samples[whole].float() * (1 - part) + bank.samples[whole + 1].float() * part
    speech.index_add_(0, target, sample * values(lambda p: p.gain, torch.float32)[which])
    voiced.index_add_(0, target, bank.voiced[whole].float())
    return speech.view(rows, samples), voiced.clamp(max=1).view(rows, samples)


def window_labels(voiced: Tensor) -> Tensor:
    """Share of voice [B, W] in each window of 512 samples of voiced [B, 512 W]."""
    return voiced.reshape(voiced.shape[0], -1, WINDOW).mean(-1)
