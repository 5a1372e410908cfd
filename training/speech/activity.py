"""Where a clean utterance is voice: the truth that detectors are trained on and measured against."""

import itertools

import numpy as np

RATE_HZ = 16000
_FRAME = RATE_HZ // 100
_FLOOR_DB = 40.0
_BRIDGED = 15  # frames of 10 ms: pauses up to this long, such as the closure of a stop, belong to the voice


def voice_samples(samples: np.ndarray) -> np.ndarray:
    """[N] of bool for a clean utterance, int16 [N] at 16 kHz.

    Voice are the 10 ms frames within 40 dB of the loudest and the pauses of at most 150 ms between them.
    espeak-ng is silent between its words, so longer pauses are truly no voice.
    """
    count = -(-len(samples) // _FRAME)
    padded = np.zeros(count * _FRAME, np.float32)
    padded[: len(samples)] = samples
    power = np.square(padded).reshape(count, _FRAME).mean(1)
    voiced = power > max(power.max(initial=0) * 10 ** (-_FLOOR_DB / 10), 1.0)
    for before, after in itertools.pairwise(np.flatnonzero(voiced)):
        if after - before - 1 <= _BRIDGED:
            voiced[before:after] = True
    return np.repeat(voiced, _FRAME)[: len(samples)]


def stretches(voiced: np.ndarray) -> list[tuple[int, int]]:
    """First and one past the last index of each run of True in [N] of bool."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], voiced, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]
