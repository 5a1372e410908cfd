"""Training examples as tokens, made by worker processes while the network trains.

A shard is a few hundred documents, known by its number alone: any worker can make it again. The trainer
takes shards in order, keeps a window of the last ones, and draws batches from the window: every example is
used a few times, and which batch comes when depends on the seed and not on how fast the workers are.

Examples of like length make up a batch, padded on the right; a sequence holds one example, so attention
cannot cross from one to another.
"""

import collections
import concurrent.futures
import dataclasses
import multiprocessing
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.corpus import document
from training.corpus.writer import Style
from training.lm import chat, jobs

BUCKETS = (128, 192, 256, 384, 512, 640, 768, 896, 1024, 1280, 1536, 1792, 2048, 2560, 3072, 4096)
ANSWER, PROMPT = 255, 25  # weight of a token in the loss, in 1/255: what is asked for, and what is given
WINDOW = 24  # shards to draw from
LOWERED = 0.06  # share of the transcripts to sum up that nobody has restored
RESTORED = 0.06  # share of the transcripts to restore where nothing is left to do


@dataclass
class Shard:
    """Examples one behind the other: `tokens` and `weights` are flat, example i ends at `ends[i]`."""

    number: int
    tokens: np.ndarray  # uint16
    weights: np.ndarray  # uint8, of the token as something to predict
    ends: np.ndarray  # int64


_tokenizer = None  # of a worker process


def _start_worker(tokenizer_file: str) -> None:
    global _tokenizer
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    from tokenizers import Tokenizer

    _tokenizer = Tokenizer.from_file(tokenizer_file)


def examples_of(number: int, documents: int, seed: int) -> list[jobs.Example]:
    """The examples of shard `number`: of every document a summary, and one or two pieces to restore."""
    found = []
    for index in range(number * documents, (number + 1) * documents):
        rng = random.Random(f"lm|{seed}|{index}")
        style = Style(invented=rng.choice([0.1, 0.4, 0.8]), brief=0.3, long=0.08)
        kinds = ["meeting"] if rng.random() < 0.3 else None
        made = document(rng.choice(["en", "vi"]), "train", seed, index, kinds, style)
        errors = rng.choice([0.0, 0.0, rng.uniform(0.005, 0.09)])
        template = jobs.own_template(made) if rng.random() < 0.75 else rng.choice(sorted(made.facts))
        asked = jobs.summary(made, template, rng, errors)
        if rng.random() < LOWERED:
            lines = map(jobs.lowered, asked.transcript.split("\n"))
            asked = dataclasses.replace(asked, transcript="\n".join(lines))
        found.append(asked)
        for _ in range(rng.randint(1, 2)):
            most_words = rng.choice([20, 60, 120, 200, 450])
            asked = jobs.restoring(made, rng, errors, most_words)
            if rng.random() < RESTORED:
                asked = dataclasses.replace(asked, transcript=asked.answer)
            found.append(asked)
    return found


def make_shard(number: int, documents: int, seed: int) -> Shard:
    """@param documents  how many documents a shard is made of"""
    rng = random.Random(f"shard|{seed}|{number}")
    examples = examples_of(number, documents, seed)
    prompts = [chat.prompt(e.job, e.transcript, rng.random() < 0.5) for e in examples]
    answers = [e.answer + "<|im_end|>" for e in examples]
    tokens, weights, ends, total = [], [], [], 0
    for asked, answered in zip(_tokenizer.encode_batch(prompts), _tokenizer.encode_batch(answers)):
        size = len(asked.ids) + len(answered.ids)
        if size > BUCKETS[-1]:
            continue
        tokens += asked.ids + answered.ids
        weights += [PROMPT] * len(asked.ids) + [ANSWER] * len(answered.ids)
        total += size
        ends.append(total)
    return Shard(number, np.array(tokens, np.uint16), np.array(weights, np.uint8), np.array(ends, np.int64))


class Stream:
    """Shards in order, made ahead by `workers` processes. One thread at a time; close it when done."""

    def __init__(self, tokenizer_file: Path, documents: int, seed: int, workers: int, first: int = 0):
        self._job = (documents, seed)
        self._next = first
        self._pool = concurrent.futures.ProcessPoolExecutor(
            workers, multiprocessing.get_context("spawn"), _start_worker, (str(tokenizer_file),)
        )
        self._ahead: collections.deque = collections.deque()
        self._depth = 2 * workers + WINDOW
        self._fill()

    def _fill(self) -> None:
        while len(self._ahead) < self._depth:
            self._ahead.append(self._pool.submit(make_shard, self._next, *self._job))
            self._next += 1

    def __iter__(self) -> Iterator[Shard]:
        while True:
            shard = self._ahead.popleft().result()
            self._fill()
            yield shard

    def close(self) -> None:
        for future in self._ahead:
            future.cancel()
        self._pool.shutdown(wait=False, cancel_futures=True)


@dataclass
class Batch:
    """Right-padded sequences: `tokens[:, :-1]` is read, `tokens[:, 1:]` is predicted with `weights[:,
    1:]`."""

    tokens: np.ndarray  # [B, T] int64
    weights: np.ndarray  # [B, T] float32, 0 on padding


class Batches:
    """Draws batches of about `batch_tokens` tokens from a sliding window of shards.

    A shard stays for `WINDOW` turns; a turn ends when `uses / WINDOW` of the window's tokens were drawn.
    """

    def __init__(
        self, shards: Iterator[Shard], batch_tokens: int, uses: float, seed: int, window: int = WINDOW
    ):
        self._shards = shards
        self._batch_tokens = batch_tokens
        self._uses = uses
        self._rng = np.random.default_rng(seed)
        self._window: collections.deque[Shard] = collections.deque(maxlen=window)
        self._drawn = 0
        for _ in range(window):
            self._window.append(next(shards))
        self._index()

    @property
    def oldest(self) -> int:
        """The number of the first shard that is still needed; training resumes there."""
        return self._window[0].number

    def _index(self) -> None:
        """Sorts the window's examples into buckets of like length, in random order."""
        ends = [shard.ends for shard in self._window]
        starts = [np.concatenate([[0], shard.ends[:-1]]) for shard in self._window]
        places = [np.full(len(shard.ends), place) for place, shard in enumerate(self._window)]
        spans = np.stack([np.concatenate(part) for part in (places, starts, ends)], axis=1)  # [examples, 3]
        sizes = spans[:, 2] - spans[:, 1]
        bucket_of = np.searchsorted(BUCKETS, sizes)
        self._tokens = int(sizes.sum())
        self._buckets = {
            size: self._rng.permutation(spans[bucket_of == number]) for number, size in enumerate(BUCKETS)
        }
        self._places = dict.fromkeys(BUCKETS, 0)

    def draw(self, longest: int) -> Batch:
        """A batch of examples of at most `longest` tokens."""
        if self._drawn >= self._uses * self._tokens / self._window.maxlen:
            self._window.append(next(self._shards))
            self._drawn = 0
            self._index()
        allowed = [size for size in BUCKETS if size <= longest and len(self._buckets[size])]
        shares = np.array([size * len(self._buckets[size]) for size in allowed], float)
        bucket = allowed[self._rng.choice(len(allowed), p=shares / shares.sum())]
        examples = self._buckets[bucket]
        chosen = []
        for _ in range(max(1, self._batch_tokens // bucket)):
            chosen.append(examples[self._places[bucket] % len(examples)])
            self._places[bucket] += 1
        # One more column, so that what is read, all but the last, is a round number.
        tokens = np.zeros((len(chosen), bucket + 1), np.int64)
        weights = np.zeros((len(chosen), bucket + 1), np.float32)
        for row, (place, start, end) in enumerate(chosen):
            shard = self._window[place]
            tokens[row, : end - start] = shard.tokens[start:end]
            weights[row, : end - start] = shard.weights[start:end] / 255.0
            self._drawn += int(end - start)
        return Batch(tokens, weights)
