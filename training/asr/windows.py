"""Which utterances go where in a window, and the tokens that should come out of it.

A plan is made from lengths and tokens alone, in processes of their own (`planners`; no PyTorch in
here); `scene` turns it into sound on the device.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np

from training.asr.material import Placed
from training.asr.tokens import LANGUAGES, STEP_S, Tokens

RATE_HZ = 16000
IGNORED = -100


@dataclass(frozen=True)
class Shape:
    """Sizes of a batch."""

    window_s: int
    batch: int
    positions: int  # tokens in a sequence
    pieces: int  # CTC targets in a window


@dataclass
class Window:
    """One window under construction. Parts: (place in the pool, samples, start in the window, gain)."""

    parts: list[tuple[int, int, int, float]]
    texts: list[list[int]]
    times: list[tuple[float, float]]  # of each text, in seconds
    open_time: float | None  # start of a last utterance that the window's end cuts off
    language: str
    speech: bool
    end_s: float


@dataclass
class Plan:
    """A batch: flat arrays of its parts, and its labels."""

    shape: Shape
    source: np.ndarray  # [M] int64, first sample in the pool
    length: np.ndarray  # [M] int64
    target: np.ndarray  # [M] int64, first sample in the flattened batch
    gain: np.ndarray  # [M] float32
    inputs: np.ndarray  # [B, L] int32 tokens
    outputs: np.ndarray  # [B, L] int32 next tokens, IGNORED where nothing is asked
    pieces: np.ndarray  # [B, S] int32 CTC targets
    piece_counts: np.ndarray  # [B] int64
    speech: np.ndarray  # [B] bool
    end: np.ndarray  # [B] int64, sample after which only silence follows
    shift: np.ndarray  # [B] int64, encoder frame at which the window begins


Shelf = dict[str, list[Placed]]  # by language, what may be drawn


class Planner:
    """Draws windows of one shape from a shelf."""

    def __init__(self, shelf: Shelf, tokens: Tokens, shape: Shape, seed: int, silent_share: float) -> None:
        self.shelf, self.tokens, self.shape = shelf, tokens, shape
        self.silent_share = silent_share
        self.r = random.Random(seed)
        self._open_share = 0.1 if shape.window_s <= 5 else 0.3  # of the windows that have room for a piece

    def plan(self) -> Plan:
        r, shape = self.r, self.shape
        batch, samples = shape.batch, shape.window_s * RATE_HZ
        inputs = np.full((batch, shape.positions), self.tokens.end, np.int32)
        outputs = np.full((batch, shape.positions), IGNORED, np.int32)
        pieces = np.zeros((batch, shape.pieces), np.int32)
        counts, speech, ends, shifts, parts = [], [], [], [], []
        # Short windows stand anywhere in the 30 s, so that every position and time is seen from the start.
        latest = (30 - shape.window_s) * 50
        for b in range(batch):
            shift = r.randint(0, latest) if latest and r.random() < 0.85 else 0
            window = self._silent() if r.random() < self.silent_share else self._talk()
            ids, asked_from, skip = self._sequence(window, shift)
            n = len(ids) - 1
            inputs[b, :n] = ids[:-1]
            outputs[b, asked_from:n] = ids[asked_from + 1 :]
            for position in skip:
                outputs[b, position] = IGNORED
            if not window.speech:
                outputs[b, asked_from] = self.tokens.no_speech
            target = [i for text in window.texts for i in text][: shape.pieces]
            if window.open_time is not None:
                target = []  # speech without text at its end: no target for CTC
            pieces[b, : len(target)] = target
            counts.append(len(target))
            speech.append(window.speech)
            ends.append(min(samples, int(window.end_s * RATE_HZ)))
            shifts.append(shift)
            parts += [(source, length, b * samples + at, gain) for source, length, at, gain in window.parts]
        source, length, target, gain = zip(*parts) if parts else ([],) * 4
        return Plan(
            shape,
            np.array(source, np.int64),
            np.array(length, np.int64),
            np.array(target, np.int64),
            np.array(gain, np.float32),
            inputs,
            outputs,
            pieces,
            np.array(counts, np.int64),
            np.array(speech, bool),
            np.array(ends, np.int64),
            np.array(shifts, np.int64),
        )

    def _silent(self) -> Window:
        end_s = self.shape.window_s * (self.r.random() if self.r.random() < 0.4 else 1.0)
        return Window([], [], [], None, self.r.choice(LANGUAGES), False, end_s)

    def _talk(self) -> Window:
        """Utterances of one to four speakers of one language, with pauses."""
        r, window_s = self.r, self.shape.window_s
        language = r.choice(LANGUAGES)
        slots = self.shelf[language]
        count = 1 if window_s <= 5 else r.choices((1, 2, 3, 4), (4, 3, 2, 1))[0]
        turns = [_Turns(r.choice(slots), r) for _ in range(count)]
        level = min(max(r.gauss(-26, 6), -42), -12)
        levels = [level - r.uniform(0, 8) * (k > 0) for k in range(count)]
        most = 99 if r.random() < 0.7 else r.randint(1, 6)
        room = self.shape.positions - 16
        window = Window([], [], [], None, language, True, 0.0)
        clock = self._first_pause()
        speaker = 0
        tries = 0
        while len(window.texts) < most:
            if r.random() < 0.6:
                speaker = r.randrange(count)
            slot, u = turns[speaker].next()
            length_s = slot.slot.lengths[u] / RATE_HZ
            ids = slot.slot.tokens[u]
            gain = 10 ** ((levels[speaker] + r.uniform(-1.5, 1.5)) / 20) / slot.slot.rms[u]
            at = int(clock * RATE_HZ)
            source = slot.start + slot.slot.offsets[u]
            room_left = room - len(ids) - 2 * len(window.texts)
            too_long = room_left < 0 or self._pieces(window) + len(ids) > self.shape.pieces
            if clock + length_s > window_s - 0.02 or too_long:
                tries += 1
                if not window.texts and tries < 60:  # a window without any utterance teaches nothing
                    turns[speaker] = _Turns(r.choice(slots), r)
                    clock = self._first_pause() if tries < 20 else 0.1
                    continue
                rest_s = window_s - clock
                if window.texts and rest_s > 0.4 and not too_long and r.random() < self._open_share:
                    window.open_time = clock
                    kept = min(int(rest_s * RATE_HZ), slot.slot.lengths[u])
                    window.parts.append((source, kept, at, gain))
                    window.end_s = window_s
                break
            window.parts.append((source, slot.slot.lengths[u], at, gain))
            room -= len(ids)
            window.texts.append(ids)
            start = max(clock, window.times[-1][1]) if window.times else clock
            window.times.append((start, max(clock + length_s, start)))
            window.end_s = clock + length_s + r.uniform(0.05, 1.0)
            clock = max(clock + length_s + self._pause(), start)
        if not window.texts:
            return self._silent()
        return window

    @staticmethod
    def _pieces(window: Window) -> int:
        return sum(len(text) for text in window.texts)

    def _first_pause(self) -> float:
        r, kind = self.r, self.r.random()
        if kind < 0.25:
            return r.uniform(0, 0.1)
        if kind < 0.85:
            return r.uniform(0, 0.8)
        return r.uniform(0, self.shape.window_s / 3)

    def _pause(self) -> float:
        r, kind = self.r, self.r.random()
        if kind < 0.55:
            return r.uniform(0.05, 0.6)
        if kind < 0.85:
            return r.expovariate(1.4) + 0.1
        if kind < 0.96:
            return r.uniform(1, 5)
        return -r.uniform(0, 0.25)

    def _sequence(self, window: Window, shift: int) -> tuple[list[int], int, list[int]]:
        """Tokens of a window; the position of <|startoftranscript|>; positions without a loss."""
        t, r = self.tokens, self.r
        with_times = r.random() < 0.5 or window.open_time is not None
        body = [t.start, t.language[window.language], t.transcribe]
        skip = [1]  # the task is the caller's choice
        if not with_times:
            body.append(t.no_timestamps)
            skip.append(2)
        for text, (start, end) in zip(window.texts, window.times):
            if with_times:
                body += [t.time(start + shift * STEP_S), *text, t.time(end + shift * STEP_S)]
            else:
                body += text
        if window.open_time is not None:
            body.append(t.time(max(window.open_time, window.times[-1][1]) + shift * STEP_S))
        body.append(t.end)
        room = min(self.shape.positions + 1 - len(body) - 1, 223)
        before: list[int] = []
        if self.shape.window_s > 5 and room > 8 and r.random() < 0.3:
            before = self._earlier_text(window.language, r.randint(4, room), with_times and r.random() < 0.5)
            before = [t.previous, *before]
        at = len(before)
        return before + body, at, [at + p for p in skip]

    def _earlier_text(self, language: str, count: int, with_times: bool) -> list[int]:
        """The last `count` tokens of some text that might have come before."""
        turns = _Turns(self.r.choice(self.shelf[language]), self.r)
        ids: list[int] = []
        clock = self.r.uniform(0, 2)
        for _ in range(12):
            slot, u = turns.next()
            end = clock + slot.slot.lengths[u] / RATE_HZ
            if end > 30 or len(ids) > count:
                break
            text = slot.slot.tokens[u]
            ids += [self.tokens.time(clock), *text, self.tokens.time(end)] if with_times else text
            clock = end + self.r.uniform(0.05, 1)
        return ids[-count:]


class _Turns:
    """The utterances of one speaker, one after the other, from a random one on; then those of another.

    None comes twice in a window: that would teach the decoder to repeat itself.
    """

    def __init__(self, placed: Placed, r: random.Random) -> None:
        self.placed, self.r = placed, r
        self._change()

    def _change(self) -> None:
        first, last = self.r.choice(self.placed.slot.speakers)
        self.first, self.left = first, last - first
        self.count = self.left
        self.at = self.r.randrange(self.count)

    def next(self) -> tuple[Placed, int]:
        if self.left == 0:
            self._change()
        self.left -= 1
        self.at += 1
        return self.placed, self.first + self.at % self.count
