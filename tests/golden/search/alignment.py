"""Writes alignment.json: the alignment matrix and its path, in plain numpy from the published description
(arXiv:2212.04356; weights over frames, normalised over tokens, median of 7, mean over heads, dynamic time warping).

Scores are not stored: both sides make them from SplitMix64 (table_model.numbers).
"""
import json
import os

import numpy as np

import table_model as tm


def matrix(scores, first, count):
    x = scores - scores.max(-1, keepdims=True)
    x = np.exp(x)
    x /= x.sum(-1, keepdims=True)
    deviation = x.std(1, keepdims=True)
    x = (x - x.mean(1, keepdims=True)) / np.where(deviation > 0, deviation, np.inf)  # no preference: 0
    frames = x.shape[-1]
    if frames > 3:
        padded = np.pad(x, ((0, 0), (0, 0), (3, 3)), mode="reflect")
        x = np.median(np.stack([padded[..., i:i + frames] for i in range(7)]), axis=0)
    return x.mean(0)[first:first + count]


def warp(m):
    n, f = m.shape
    cost = np.full((n + 1, f + 1), np.inf, np.float32)
    move = np.zeros((n + 1, f + 1), int)
    cost[0, 0] = 0
    for i in range(1, n + 1):
        for j in range(1, f + 1):
            c0, c1, c2 = cost[i - 1, j - 1], cost[i - 1, j], cost[i, j - 1]
            best, way = (c0, 0) if c0 < c1 and c0 < c2 else (c1, 1) if c1 < c0 and c1 < c2 else (c2, 2)
            cost[i, j] = np.float32(-m[i - 1, j - 1]) + best
            move[i, j] = way
    move[0, :], move[:, 0] = 2, 1
    path, i, j = [], n, f
    while i > 0 or j > 0:
        path.append((i - 1, j - 1))
        way = move[i, j]
        i, j = (i - 1, j - 1) if way == 0 else (i - 1, j) if way == 1 else (i, j - 1)
    return path[::-1]


out = []
for case, (heads, tokens, frames) in enumerate(
        [(1, 5, 1), (2, 6, 2), (2, 7, 3), (3, 7, 4), (1, 6, 5), (3, 8, 17), (6, 20, 75), (4, 12, 33), (2, 30, 64), (8, 9, 150)]):
    scores = tm.numbers(100 + case, 0, heads * tokens, frames).reshape(heads, tokens, frames) * np.float32(4)
    # A ridge, so that the path is one a real model would give.
    t, f = np.meshgrid(np.arange(tokens), np.arange(frames), indexing="ij")
    scores = (scores + np.float32(3) * (np.abs(f * tokens - t * frames) < 2 * frames)).astype(np.float32)
    first, count = 3, tokens - 4
    m = matrix(scores.astype(np.float64), first, count)
    near = np.round(m, 6)
    out.append(dict(case=case, heads=heads, tokens=tokens, frames=frames, first=first, count=count,
                    matrix=near.ravel().tolist(), path=warp(m.astype(np.float32))))
paths = []
for case, (n, f) in enumerate([(1, 1), (1, 9), (9, 1), (5, 5), (12, 40), (40, 12), (33, 100)]):
    m = tm.numbers(200 + case, 0, n, f)
    if case % 2:
        m = np.round(m * 2) / 2  # many ties
    paths.append(dict(case=case, tokens=n, frames=f, halves=case % 2, path=warp(m)))
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "alignment.json"), "w") as f:
    lines = lambda cases: ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases)
    f.write('{"matrices":[\n' + lines(out) + '\n],"paths":[\n' + lines(paths) + "\n]}\n")
