#!/usr/bin/env python3
"""Writes the log-mel golden files, with transformers' WhisperFeatureExtractor (its numpy path, which
transforms in double) and faster-whisper's FeatureExtractor as the references.

    python3 make_mel.py SPEECH_WAV     # jfk.wav: 16 kHz, 16 bit, mono

Each file holds float32 [frames, mels], little-endian: every STRIDE-th frame of the features. The noise
signals are integer arithmetic, so that mel_test.cpp makes exactly the same samples.
"""
import os
import sys
import wave

import numpy as np
from faster_whisper.feature_extractor import FeatureExtractor
from transformers import WhisperFeatureExtractor

STRIDE = 97
HERE = os.path.dirname(os.path.abspath(__file__))


def white(count, seed):
    """A linear congruential generator; the upper 16 bits are the samples."""
    out = np.empty(count, np.float32)
    state = seed
    for i in range(count):
        state = (state * 1664525 + 1013904223) % 2**32
        out[i] = ((state >> 16) - 32768) / 32768
    return out


def dull(count, seed):
    """White noise through a one-pole low-pass in integers, loud for half of each second."""
    samples = np.round(white(count, seed) * 32768).astype(np.int64)
    out = np.empty(count, np.float32)
    level = 0
    for i in range(count):
        level = (31 * level + int(samples[i])) // 32
        out[i] = (level if i % 16000 < 8000 else level // 64) / 32768
    return out


def speech(path):
    with wave.open(path) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32768


def save(name, features):
    features.T[::STRIDE].astype("<f4").tofile(os.path.join(HERE, name + ".f32"))


def main():
    signals = {
        "white": white(480000, 1),
        "dull": dull(480000, 2),
        "short": dull(48000, 3),
        "silence": np.zeros(16000, np.float32),
        "speech": speech(sys.argv[1]),
    }
    for mels in (80, 128):
        extractor = WhisperFeatureExtractor(feature_size=mels)
        for name, samples in signals.items():
            padded = np.zeros(480000, np.float32)
            padded[: len(samples)] = samples
            save(f"mel_{name}_{mels}", extractor._np_extract_fbank_features(padded[None], "cpu")[0])
    region = FeatureExtractor(feature_size=80)(dull(116800, 4))[:, :-1]
    save("mel_region_80", np.pad(region, ((0, 0), (0, 3000 - region.shape[1]))))


main()
