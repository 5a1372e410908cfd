#!/usr/bin/env python3
"""Writes spans.json: speech spans of synthetic probability sequences.

The cutting rule "last silence" comes from faster-whisper itself (pip install faster-whisper), fed with our
probabilities instead of its network. The rule "longest silence" of silero 6.2 is written here from its
description, and where no cut by length happens the two are checked against each other.

Probabilities are stored as integers p, meaning p/1024: exact in float, never equal to 0.35.
"""
import json
import math
import pathlib
import random

import numpy as np
from faster_whisper import vad

WINDOW = 512


def last_silence(probs, length, o):
    vad.get_vad_model = lambda: (lambda audio: np.array(probs, dtype=np.float32) / np.float32(1024))
    spans = vad.get_speech_timestamps(
        np.zeros(length, dtype=np.float32),
        vad.VadOptions(
            threshold=o["threshold"], neg_threshold=o["neg_threshold"], min_speech_duration_ms=o["min_speech_ms"],
            max_speech_duration_s=o["max_speech_s"] or math.inf, min_silence_duration_ms=o["min_silence_ms"],
            speech_pad_ms=o["speech_pad_ms"]))
    return [[s["start"], s["end"]] for s in spans]


def longest_silence(probs, length, o):
    thr = o["threshold"]
    neg = o["neg_threshold"] if o["neg_threshold"] is not None else max(thr - 0.15, 0.01)
    pad = 16.0 * o["speech_pad_ms"]
    longest = 16000 * (o["max_speech_s"] or math.inf) - WINDOW - 2 * pad
    min_speech, min_silence, cut_silence = 16.0 * o["min_speech_ms"], 16.0 * o["min_silence_ms"], 1568.0
    on, start, spans, pauses = False, None, [], []
    temp_end = prev_end = next_start = 0
    for i, value in enumerate(probs):
        p, cur = value / 1024, WINDOW * i
        if p >= thr and temp_end:
            if cur - temp_end > cut_silence:
                pauses.append((temp_end, cur - temp_end))
            temp_end = 0
            if next_start < prev_end:
                next_start = cur
        if p >= thr and not on:
            on, start = True, cur
            continue
        if on and cur - start > longest:
            if pauses:
                prev_end, d = max(pauses, key=lambda pause: pause[1])
                spans.append([start, prev_end])
                start, next_start = None, prev_end + d
                if next_start < prev_end + cur:
                    start = next_start
                else:
                    on = False
                prev_end = next_start = temp_end = 0
                pauses = []
            elif prev_end:
                spans.append([start, prev_end])
                start = None
                if next_start < prev_end:
                    on = False
                else:
                    start = next_start
                prev_end = next_start = temp_end = 0
                pauses = []
            else:
                spans.append([start, cur])
                start, on, pauses = None, False, []
                prev_end = next_start = temp_end = 0
                continue
        if p < neg and on:
            if not temp_end:
                temp_end = cur
            if cur - temp_end < min_silence:
                continue
            if temp_end - start > min_speech:
                spans.append([start, temp_end])
            start, on, pauses = None, False, []
            prev_end = next_start = temp_end = 0
    if start is not None and length - start > min_speech:
        spans.append([start, length])
    for i, span in enumerate(spans):
        if i == 0:
            span[0] = int(max(0, span[0] - pad))
        if i == len(spans) - 1:
            span[1] = int(min(length, span[1] + pad))
            break
        gap = spans[i + 1][0] - span[1]
        if gap < 2 * pad:
            span[1] += int(gap // 2)
            spans[i + 1][0] = int(max(0, spans[i + 1][0] - gap // 2))
        else:
            span[1] = int(min(length, span[1] + pad))
            spans[i + 1][0] = int(max(0, spans[i + 1][0] - pad))
    return spans


def sequence(rng, kind):
    if kind == "noise":
        return [rng.randrange(0, 1025) for _ in range(rng.randrange(0, 160))]
    if kind == "walk":
        out, value = [], rng.randrange(1025)
        for _ in range(rng.randrange(1, 220)):
            value = min(1024, max(0, value + rng.randrange(-260, 261)))
            out.append(value)
        return out
    out, speech = [], rng.random() < 0.5  # runs of clear speech and clear silence, some windows in between
    for _ in range(rng.randrange(1, 14)):
        length = rng.choice([1, 2, 3, 4, 5, 6, 8, 12, 20, 40, 70])
        low, high = (512, 1024) if speech else (0, 340)
        out += [rng.choice([rng.randrange(low, high + 1), 512, 430]) if rng.random() < 0.15
                else rng.randrange(low, high + 1) for _ in range(length)]
        speech = not speech
    return out


def main():
    rng = random.Random(20)
    cases = []
    fixed = [[], [0], [1024], [512], [511], [0, 1024], [1024, 0], [1024] * 100, [0] * 50 + [1024] * 3,
             [0] + [0] * 6 + [1024] * 40, [1024] * 40 + [0] * 4 + [1024] * 40 + [0] * 7 + [1024] * 60,
             [1024] * 40 + [0] * 5 + [1024] * 20 + [0] * 5 + [1024] * 60]
    for number in range(420):
        probs = fixed[number] if number < len(fixed) else sequence(rng, rng.choice(["noise", "walk", "runs", "runs", "runs"]))
        windows = len(probs)
        length = max(0, windows * WINDOW - rng.choice([0, 0, 1, 100, 511, 512]))
        options = {
            "threshold": rng.choice([0.5, 0.5, 0.5, 0.25, 0.75]),
            "neg_threshold": rng.choice([None, None, None, 0.3, 0.125]),
            "min_speech_ms": rng.choice([0, 0, 100, 250]),
            "max_speech_s": rng.choice([None, 1, 1.5, 2.3, 5, 30]),
            "min_silence_ms": rng.choice([0, 32, 100, 160, 500, 2000]),
            "speech_pad_ms": rng.choice([0, 30, 100, 400]),
        }
        case = dict(options, p=probs, length=length)
        case["last"] = last_silence(probs, length, options)
        case["longest"] = longest_silence(probs, length, options)
        if options["max_speech_s"] is None:
            assert case["last"] == case["longest"], case
        cases.append(case)
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    pathlib.Path(__file__).with_name("spans.json").write_text("[\n" + lines + "\n]\n")
    print(len(cases), "cases,", sum(c["last"] != c["longest"] for c in cases), "differ between the rules,",
          sum(len(c["last"]) > 1 for c in cases), "with several spans")


if __name__ == "__main__":
    main()
