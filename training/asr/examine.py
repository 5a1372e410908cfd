"""What a recogniser can do, on speech it has never heard: error rates, times, languages, silence.

Test windows are made once, from the test split of the text, and stay on the device as int16.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from training import metrics
from training.asr.features import log_mel
from training.asr.generate import Decoded, greedy
from training.asr.material import SLOT_SAMPLES, Producer, Slot, SlotJob
from training.asr.network import Whisper
from training.asr.tokens import LANGUAGES, STEP_S, Tokens
from training.asr.windows import RATE_HZ
from training.speech import effects, sounds
from training.speech.espeak import Word

WINDOW = 30 * RATE_HZ
LEVEL_RMS = 0.06  # of each utterance in the window


@dataclass
class TestWindow:
    """30 s of sound and what is in it."""

    wave: np.ndarray  # int16
    language: str
    text: str
    starts_s: list[float] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)
    voice: str = ""


@dataclass
class TestSets:
    """Windows by what they test."""

    single: list[TestWindow]  # one sentence of a document, voices that training knows
    unseen: list[TestWindow]  # the same, variants that training does not know
    words: list[TestWindow]  # random grammar, word lists, text from the machine; known voices
    packed: list[TestWindow]  # several sentences and speakers


def make_test_sets(producer: Producer, seed: int, hours: float) -> TestSets:
    """About `hours` of speech for each language and kind of voice."""
    seconds = hours * 3600
    count = max(1, round(seconds * RATE_HZ / SLOT_SAMPLES))
    samples = min(SLOT_SAMPLES, int(seconds * RATE_HZ))
    jobs = []
    for language in LANGUAGES:
        for voice_split, source in (("train", "documents"), ("test", "documents"), ("train", "words")):
            for k in range(count):
                number = 900_000_000 + seed * 10_000 + len(jobs)
                jobs.append(SlotJob(language, "test", voice_split, number, samples, True, source))
    sets = TestSets([], [], [], [])
    for job, slot in producer.make(jobs):
        if job.source == "words":
            sets.words.extend(_single(slot))
        elif job.voice_split == "test":
            sets.unseen.extend(_single(slot))
        else:
            sets.single.extend(_single(slot))
            sets.packed.extend(_packed(slot, random.Random(job.seed)))
    return sets


def _utterance(slot: Slot, u: int) -> np.ndarray:
    samples = slot.samples[slot.offsets[u] : slot.offsets[u] + slot.lengths[u]].astype(np.float32)
    return samples * (LEVEL_RMS / slot.rms[u])


def _window(pieces: list[tuple[float, np.ndarray]]) -> np.ndarray:
    wave = np.zeros(WINDOW, np.float32)
    for start_s, samples in pieces:
        at = int(start_s * RATE_HZ)
        wave[at : at + len(samples)] += samples
    return np.clip(np.rint(wave), -32768, 32767).astype(np.int16)


def _single(slot: Slot) -> list[TestWindow]:
    r = random.Random(len(slot.samples))
    windows = []
    for u, text in enumerate(slot.texts):
        start = r.uniform(0.1, 0.8)
        words = [Word(w.text, w.start_s + start, w.end_s + start) for w in slot.words[u]]
        wave = _window([(start, _utterance(slot, u))])
        windows.append(TestWindow(wave, slot.language, text, [start], words, slot.voices[u]))
    return windows


def _packed(slot: Slot, r: random.Random) -> list[TestWindow]:
    """Sentences of changing speakers with pauses of 0.2 to 1 s, as many as fit."""
    order = list(range(len(slot.texts)))
    r.shuffle(order)
    windows = []
    while order:
        clock, pieces, texts, starts = r.uniform(0.1, 0.8), [], [], []
        while order and clock + slot.lengths[order[-1]] / RATE_HZ < 29.5 and len(texts) < 8:
            u = order.pop()
            pieces.append((clock, _utterance(slot, u)))
            texts.append(slot.texts[u])
            starts.append(clock)
            clock += slot.lengths[u] / RATE_HZ + r.uniform(0.2, 1.0)
        if not texts:
            order.pop()  # longer than a window
            continue
        windows.append(TestWindow(_window(pieces), slot.language, " ".join(texts), starts))
    return windows


@dataclass
class Results:
    """Named figures, and pairs of (language, truth, found) to look at."""

    figures: dict[str, float] = field(default_factory=dict)
    pairs: list[tuple[str, str, str]] = field(default_factory=list)
    by_voice: dict[str, float] = field(default_factory=dict)


class Examiner:
    """Runs a network over test sets."""

    def __init__(
        self, tokens: Tokens, sets: TestSets, device: torch.device, seed: int, batch: int = 64
    ) -> None:
        self.tokens, self.sets, self.device, self.seed, self.batch = tokens, sets, device, seed, batch

    def run(self, model: Whisper, most: int | None = None) -> Results:
        """All figures, from at most `most` windows of each kind."""
        model.eval()
        results = Results()
        for name, windows, noisy in (
            ("clean", self.sets.single, False),
            ("noise 15 dB", self.sets.single, True),
            ("unseen voice", self.sets.unseen, False),
            ("words", self.sets.words, False),
        ):
            windows = _shortened(windows, most)
            decoded = self._decode(model, windows, noisy, timestamps=False)
            self._text_figures(name, windows, decoded, results, written=name == "clean")
            right = [d.language == w.language for d, w in zip(decoded, windows)]
            results.figures[f"language right, {name}"] = float(np.mean(right))
            if name == "clean":
                results.figures["speech taken for silence"] = float(
                    np.mean([d.no_speech > 0.6 for d in decoded])
                )
            if name == "unseen voice":
                self._voices(windows, decoded, results)
        packed = _shortened(self.sets.packed, most)
        for name, timestamps in (("packed", False), ("packed with times", True)):
            decoded = self._decode(model, packed, False, timestamps)
            self._text_figures(name, packed, decoded, results)
            if timestamps:
                self._start_figures(packed, decoded, results)
        self._silence(model, results, min(512, most or 512))
        return results

    def _decode(
        self, model: Whisper, windows: list[TestWindow], noisy: bool, timestamps: bool
    ) -> list[Decoded]:
        generator = torch.Generator(self.device).manual_seed(self.seed)
        decoded: list[Decoded] = []
        for i in range(0, len(windows), self.batch):
            group = windows[i : i + self.batch]
            wave = torch.from_numpy(np.stack([w.wave for w in group])).to(self.device).float() / 32768
            if noisy:
                noise, _ = effects.noise(len(group), WINDOW, generator)
                wave = effects.clip(effects.add_noise(wave, noise, 15.0))
            decoded += greedy(model, self.tokens, log_mel(wave), timestamps=timestamps)
        return decoded

    def _text_figures(
        self,
        name: str,
        windows: list[TestWindow],
        decoded: list[Decoded],
        results: Results,
        written: bool = False,
    ) -> None:
        for language in LANGUAGES:
            chosen = [(w, d) for w, d in zip(windows, decoded) if w.language == language]
            texts = [(w.text, self._text(d)) for w, d in chosen]
            errors = sum((metrics.word_errors(a, b) for a, b in texts), metrics.Errors())
            results.figures[f"WER {language}, {name}"] = errors.rate
            if written:
                wrong = sum((metrics.written_right(a, b) for a, b in texts), metrics.Errors())
                results.figures[f"case and punctuation right, {language}"] = 1 - wrong.rate
                characters = sum((metrics.character_errors(a, b) for a, b in texts), metrics.Errors())
                results.figures[f"CER {language}, {name}"] = characters.rate
                results.pairs += [(language, *pair) for pair in texts[:10]]

    def _text(self, decoded: Decoded) -> str:
        """Text of all segments; a segment begins with a space of its own."""
        return self.tokens.decode(decoded.ids)

    def _voices(self, windows: list[TestWindow], decoded: list[Decoded], results: Results) -> None:
        """Error rate of each variant that training does not know."""
        errors: dict[str, metrics.Errors] = {}
        for w, d in zip(windows, decoded):
            variant = w.voice.partition("+")[2]
            errors[variant] = errors.get(variant, metrics.Errors()) + metrics.word_errors(
                w.text, self._text(d)
            )
        results.by_voice = {name: round(e.rate, 4) for name, e in sorted(errors.items())}

    def _start_figures(self, windows: list[TestWindow], decoded: list[Decoded], results: Results) -> None:
        """Share of the true starts that were found within 0.2 s, and of the found ones that are true."""
        found_true, all_true, right_found, all_found = 0, 0, 0, 0
        for w, d in zip(windows, decoded):
            starts = segment_starts(d.ids, self.tokens)
            found_true += sum(any(abs(s - x) <= 0.2 for x in starts) for s in w.starts_s)
            right_found += sum(any(abs(s - x) <= 0.2 for x in w.starts_s) for s in starts)
            all_true += len(w.starts_s)
            all_found += len(starts)
        results.figures["starts within 0.2 s, of the true"] = found_true / max(1, all_true)
        results.figures["starts within 0.2 s, of the found"] = right_found / max(1, all_found)

    def _silence(self, model: Whisper, results: Results, count: int) -> None:
        generator = torch.Generator(self.device).manual_seed(self.seed + 1)
        decoded: list[Decoded] = []
        for first in range(0, count, 32):
            wave, _ = sounds.non_speech(min(32, count - first), WINDOW, generator)
            decoded += greedy(model, self.tokens, log_mel(wave), most=32)
        results.figures["no speech, probability above 0.6"] = float(
            np.mean([d.no_speech > 0.6 for d in decoded])
        )
        results.figures["no speech, no words"] = float(np.mean([not d.ids for d in decoded]))


def _shortened(windows: list[TestWindow], most: int | None) -> list[TestWindow]:
    """About `most` of the windows, spread evenly."""
    return windows[:: max(1, len(windows) // most)] if most else windows


def segment_starts(ids: list[int], tokens: Tokens) -> list[float]:
    """Seconds at which segments begin: times that are followed by text."""
    return [
        (a - tokens.first_time) * STEP_S
        for a, b in zip(ids, ids[1:])
        if a >= tokens.first_time and b < tokens.text_size
    ]


# The targets of the recogniser: name of the figure, limit, whether it must stay below.
TARGETS: tuple[tuple[str, float, bool], ...] = (
    ("WER en, clean", 0.04, True),
    ("WER vi, clean", 0.06, True),
    ("WER en, noise 15 dB", 0.08, True),
    ("WER vi, noise 15 dB", 0.10, True),
    ("WER en, unseen voice", 0.08, True),
    ("WER vi, unseen voice", 0.08, True),
    ("case and punctuation right, en", 0.90, False),
    ("case and punctuation right, vi", 0.90, False),
    ("starts within 0.2 s, of the true", 0.95, False),
    ("starts within 0.2 s, of the found", 0.95, False),
    ("language right, clean", 0.99, False),
    ("no speech, probability above 0.6", 0.99, False),
    ("no speech, no words", 0.99, False),
)


def table(results: Results) -> str:
    """Figures beside their targets, in Markdown; then the figures without a target."""
    lines = ["| figure | target | measured | |", "|---|---|---|---|"]
    targets = {name: (limit, below) for name, limit, below in TARGETS}
    for name in [*targets, *(n for n in results.figures if n not in targets)]:
        value = results.figures[name]
        limit, below = targets.get(name, (None, None))
        wanted = "" if limit is None else f"{'≤' if below else '≥'} {limit:.1%}"
        met = "" if limit is None else ("yes" if (value <= limit if below else value >= limit) else "**no**")
        lines.append(f"| {name} | {wanted} | {value:.2%} | {met} |")
    if results.by_voice:
        lines += [
            "",
            "Word error rate by unseen variant: "
            + ", ".join(f"{name} {rate:.1%}" for name, rate in results.by_voice.items())
            + ".",
        ]
    return "\n".join(lines)


def samples(results: Results) -> str:
    """Pairs of truth and found text."""
    return "\n".join(f"{language} REF {truth}\n   HYP {found}" for language, truth, found in results.pairs)


def features_of(windows: list[TestWindow], device: torch.device) -> Tensor:
    """Log-mel features [B, 80, 3000] of test windows."""
    wave = torch.from_numpy(np.stack([w.wave for w in windows])).to(device).float() / 32768
    return log_mel(wave)
