"""Utterances made by background processes: sentence, voice, samples, tokens. No PyTorch in here.

Work is cut into slots: about five minutes of speech of one language, several speakers, sixteen
utterances each. A slot is what travels between processes and what the pool on the GPU replaces at once.
"""

from __future__ import annotations

import multiprocessing
import os
import queue
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from training.asr import tokens as token_sets
from training.corpus import sentences
from training.speech import voices
from training.speech.espeak import RATE_HZ, Word

PER_SPEAKER = 16
SLOT_SAMPLES = 300 * RATE_HZ
_LONGEST_S, _SHORTEST_S = 28.0, 0.15


@dataclass(frozen=True)
class SlotJob:
    """What to make: language, splits of the text and of the voices, seed of everything."""

    language: str
    text_split: str
    voice_split: str
    seed: int
    samples: int = SLOT_SAMPLES
    keep_text: bool = False  # also text and word times, for evaluation
    source: str = "all"  # of the sentences


@dataclass
class Slot:
    """Utterances end to end in `samples` (int16). Utterances of one speaker follow each other."""

    language: str
    samples: np.ndarray
    offsets: list[int]
    lengths: list[int]
    rms: list[float]  # of full scale
    tokens: list[list[int]]
    speakers: list[tuple[int, int]]  # first utterance and one past the last
    texts: list[str] = field(default_factory=list)
    words: list[list[Word]] = field(default_factory=list)
    voices: list[str] = field(default_factory=list)


@dataclass
class Placed:
    """A slot and where its samples begin in the pool. Its own samples may be gone."""

    slot: Slot
    index: int

    @property
    def start(self) -> int:
        return self.index * SLOT_SAMPLES


_tokens: token_sets.Tokens | None = None


def prepare_process(tokenizer: str, nice: int) -> None:
    """Runs once in each background process."""
    global _tokens
    os.nice(nice)
    _tokens = token_sets.load(tokenizer)


def make_slot(job: SlotJob) -> Slot:
    """One slot, in this process."""
    slot = Slot(job.language, np.zeros(0, np.int16), [], [], [], [], [])
    stream = sentences(job.language, job.text_split, job.seed, source=job.source)
    pieces: list[np.ndarray] = []
    used = speaker_number = 0
    full = False
    while not full:
        speaker = voices.speaker(job.language, job.voice_split, job.seed * 1000 + speaker_number)
        speaker_number += 1
        first = len(slot.lengths)
        for _ in range(PER_SPEAKER):
            text = next(stream)
            speech = speaker.speak(text)
            count = len(speech.samples)
            if not _SHORTEST_S * RATE_HZ <= count <= _LONGEST_S * RATE_HZ:
                continue
            if used + count > job.samples:
                full = True
                break
            slot.offsets.append(used)
            slot.lengths.append(count)
            slot.rms.append(
                float(np.sqrt(np.square(speech.samples.astype(np.float32) / 32768).mean())) + 1e-6
            )
            slot.tokens.append(_tokens.encode(text))
            if job.keep_text:
                slot.texts.append(text)
                slot.words.append(speech.words)
                slot.voices.append(speaker.voice)
            pieces.append(speech.samples)
            used += count
        if len(slot.lengths) > first:
            slot.speakers.append((first, len(slot.lengths)))
    slot.samples = np.concatenate(pieces)
    return slot


def training_jobs(seed: int) -> Iterator[SlotJob]:
    """Endless jobs, the languages in turn."""
    number = seed * 1_000_000
    while True:
        for language in token_sets.LANGUAGES:
            yield SlotJob(language, "train", "train", number)
            number += 1


class Producer:
    """Background processes that keep making slots; `take` never waits."""

    def __init__(self, tokenizer: Path, processes: int, nice: int = 10) -> None:
        context = multiprocessing.get_context("spawn")
        self._pool = context.Pool(processes, prepare_process, (str(tokenizer), nice))
        self._ready: queue.SimpleQueue[Slot | BaseException] = queue.SimpleQueue()
        self._jobs: Iterator[SlotJob] | None = None
        self._most_ahead = 2 * processes
        self._failures = 0

    def make(self, jobs: list[SlotJob], patience_s: float = 120) -> Iterator[tuple[SlotJob, Slot]]:
        """Each job with its slot. A job whose process died (espeak-ng can) never answers: it is left out."""
        waiting = [self._pool.apply_async(make_slot, (job,)) for job in jobs]
        until = time.monotonic() + patience_s
        for job, result in zip(jobs, waiting):
            try:
                yield job, result.get(max(0.0, until - time.monotonic()))
            except multiprocessing.TimeoutError:
                continue

    def start(self, jobs: Iterator[SlotJob]) -> None:
        """Begins the endless production."""
        self._jobs = jobs
        for _ in range(self._most_ahead):
            self._submit()

    def _submit(self) -> None:
        put: Callable = self._ready.put
        self._pool.apply_async(make_slot, (next(self._jobs),), callback=put, error_callback=put)

    def take(self, wait: bool = False) -> Slot | None:
        """A finished slot, or None."""
        try:
            slot = self._ready.get(block=wait, timeout=300 if wait else None)
        except queue.Empty:
            return None
        self._submit()
        if isinstance(slot, BaseException):
            # One bad slot in hundreds is no reason to stop; many are.
            self._failures += 1
            if wait or self._failures > 20:
                raise slot
            return None
        return slot

    def close(self) -> None:
        self._pool.terminate()
        self._pool.join()
