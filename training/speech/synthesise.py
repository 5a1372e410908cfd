"""Speech in bulk: many processes, one espeak-ng in each.

The processes are spawned, not forked, so that this is safe after a GPU was used; they never import PyTorch.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Sequence
from multiprocessing.pool import Pool

import numpy as np

from training.speech import espeak, voices

Job = tuple[str, str, int, str]  # text, language, seed of the speaker, split of the voices


def synthesise(job: Job) -> espeak.Speech:
    """One job, in this process. A text without a sound gives empty samples."""
    text, language, seed, split = job
    return voices.speaker(language, split, seed).speak(text)


def _low_priority(step: int) -> None:
    os.nice(step)


def process_pool(processes: int | None = None, nice: int = 0) -> Pool:
    """A pool of synthesising processes (default: one per core this process may use)."""
    processes = processes or len(os.sched_getaffinity(0))
    context = multiprocessing.get_context("spawn")
    return context.Pool(processes, initializer=_low_priority, initargs=(nice,))


def synthesise_many(
    jobs: Sequence[Job], processes: int | None = None, pool: Pool | None = None
) -> list[espeak.Speech]:
    """All jobs, in their order. Speakers follow from the seeds; samples up to what `espeak` says."""
    if pool is not None:
        return pool.map(synthesise, jobs, chunksize=16)
    if len(jobs) < 8:
        return [synthesise(job) for job in jobs]
    with process_pool(processes) as own:
        return own.map(synthesise, jobs, chunksize=16)


def total_seconds(speeches: Sequence[espeak.Speech]) -> float:
    """Seconds of speech in all."""
    return float(np.sum([len(speech.samples) for speech in speeches])) / espeak.RATE_HZ
