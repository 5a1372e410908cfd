"""Figures of merit, free of any model: word and character errors, voice per frame, times of segments.

Normalised text is Unicode NFC, lower case, without punctuation ("don't" keeps its apostrophe, a hyphen
separates); numbers count as they are written. Vietnamese words are its syllables, which spaces separate
as well. The rules and the alignment are those of tools/word_errors.py, which the program's own tests
use.
"""

import importlib.util
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
FRAME_SAMPLES = 512  # of the voice detector, 32 ms at 16 kHz
RATE_HZ = 16000


def _word_errors():
    """tools/word_errors.py, which is a script and no package."""
    spec = importlib.util.spec_from_file_location("word_errors", ROOT / "tools" / "word_errors.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_TOOL = _word_errors()


# Text -------------------------------------------------------------------------------------


def normalised_words(text: str) -> list[str]:
    """Words (English) or syllables (Vietnamese) in lower case without punctuation, NFC."""
    return _TOOL.words(unicodedata.normalize("NFC", text))


def written_words(text: str) -> list[str]:
    """The words as they are written, with case and the punctuation attached to them, NFC."""
    return unicodedata.normalize("NFC", text).split()


def edit_distance(truth: list, got: list) -> int:
    """The least number of changed, missing and extra elements between two sequences."""
    # Equal ends cost nothing and are most of a good transcript.
    first = 0
    while first < min(len(truth), len(got)) and truth[first] == got[first]:
        first += 1
    last = 0
    while last < min(len(truth), len(got)) - first and truth[-1 - last] == got[-1 - last]:
        last += 1
    return _TOOL.count_errors(truth[first : len(truth) - last], got[first : len(got) - last])


@dataclass
class Errors:
    """Errors among `total` elements of the truth; add the counts of many recordings, then ask for the
    rate.
    """

    errors: int = 0
    total: int = 0

    def __add__(self, other: "Errors") -> "Errors":
        return Errors(self.errors + other.errors, self.total + other.total)

    @property
    def rate(self) -> float:
        """Errors per element; an empty truth counts as one."""
        return self.errors / max(1, self.total)


def word_errors(truth: str, got: str) -> Errors:
    """Normalised word errors (syllable errors in Vietnamese)."""
    expected = normalised_words(truth)
    return Errors(edit_distance(expected, normalised_words(got)), len(expected))


def character_errors(truth: str, got: str) -> Errors:
    """Errors among the characters of the normalised text, single spaces between words included."""
    expected = " ".join(normalised_words(truth))
    return Errors(edit_distance(list(expected), list(" ".join(normalised_words(got)))), len(expected))


def written_errors(truth: str, got: str) -> Errors:
    """Word errors where case and punctuation count."""
    expected = written_words(truth)
    return Errors(edit_distance(expected, written_words(got)), len(expected))


def aligned(truth: list[str], got: list[str]) -> list[tuple[int, int]]:
    """Pairs (i, j) of equal or substituted elements on a best path between two sequences."""
    rows, columns = len(truth) + 1, len(got) + 1
    cost = np.zeros((rows, columns), np.int32)
    cost[:, 0] = np.arange(rows)
    cost[0] = np.arange(columns)
    for i in range(1, rows):
        for j in range(1, columns):
            cost[i, j] = min(
                cost[i - 1, j] + 1, cost[i, j - 1] + 1, cost[i - 1, j - 1] + (truth[i - 1] != got[j - 1])
            )
    pairs = []
    i, j = rows - 1, columns - 1
    while i and j:
        if cost[i, j] == cost[i - 1, j - 1] + (truth[i - 1] != got[j - 1]):
            pairs.append((i - 1, j - 1))
            i, j = i - 1, j - 1
        elif cost[i, j] == cost[i - 1, j] + 1:
            i -= 1
        else:
            j -= 1
    return pairs[::-1]


def written_right(truth: str, got: str) -> Errors:
    """Among words recognised right, those whose case or punctuation is wrong (as `errors`)."""

    def pairs(text: str) -> list[tuple[str, str]]:
        """(normalised, written) of the words that are more than punctuation."""
        found = [("".join(normalised_words(word)), word) for word in written_words(text)]
        return [pair for pair in found if pair[0]]

    expected, answer = pairs(truth), pairs(got)
    same = [
        (i, j)
        for i, j in aligned([p[0] for p in expected], [p[0] for p in answer])
        if expected[i][0] == answer[j][0]
    ]
    return Errors(sum(expected[i][1] != answer[j][1] for i, j in same), len(same))


# Times ------------------------------------------------------------------------------------


def start_errors(truth_s: list[float], got_s: list[float], apart_s: float = 1.0) -> list[float]:
    """For each found start the distance to the nearest true one, both in seconds; apart_s at most."""
    if not truth_s:
        return [apart_s] * len(got_s)
    true = np.asarray(truth_s)
    return [float(min(apart_s, np.abs(true - start).min())) for start in got_s]


# Voice ------------------------------------------------------------------------------------


@dataclass
class Detection:
    """Frames: voice found, voice invented, voice missed, rightly silent."""

    hits: int = 0
    false_alarms: int = 0
    misses: int = 0
    rejections: int = 0

    def __add__(self, other: "Detection") -> "Detection":
        return Detection(
            self.hits + other.hits,
            self.false_alarms + other.false_alarms,
            self.misses + other.misses,
            self.rejections + other.rejections,
        )

    @property
    def precision(self) -> float:
        """Share of the found frames that are voice."""
        return self.hits / max(1, self.hits + self.false_alarms)

    @property
    def recall(self) -> float:
        """Share of the voice that was found."""
        return self.hits / max(1, self.hits + self.misses)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        return 2 * self.hits / max(1, 2 * self.hits + self.false_alarms + self.misses)

    @property
    def false_alarm_rate(self) -> float:
        """Share of the frames without voice that were taken for voice."""
        return self.false_alarms / max(1, self.false_alarms + self.rejections)


def detection(truth: np.ndarray, found: np.ndarray) -> Detection:
    """Counts of two arrays of bool of one shape."""
    truth, found = np.asarray(truth, bool), np.asarray(found, bool)
    if truth.shape != found.shape:
        raise ValueError(f"{truth.shape} frames against {found.shape}")
    return Detection(
        int((truth & found).sum()),
        int((~truth & found).sum()),
        int((truth & ~found).sum()),
        int((~truth & ~found).sum()),
    )


@dataclass
class Turn:
    """A stretch of one speaker's voice, in seconds."""

    speaker: str
    start_s: float
    end_s: float


def read_rttm(path: Path) -> list[Turn]:
    """The SPEAKER lines of a Rich Transcription Time Marked file."""
    turns = []
    for line in path.read_text(encoding="utf-8").splitlines():
        fields = line.split()
        if fields[:1] == ["SPEAKER"]:
            start = float(fields[3])
            turns.append(Turn(fields[7], start, start + float(fields[4])))
    return turns


def write_rttm(path: Path, recording: str, turns: list[Turn]) -> None:
    """Writes turns as RTTM, one a line."""
    path.write_text(
        "".join(
            f"SPEAKER {recording} 1 {turn.start_s:.3f} {turn.end_s - turn.start_s:.3f} "
            f"<NA> <NA> {turn.speaker} <NA> <NA>\n"
            for turn in turns
        ),
        encoding="utf-8",
    )


def voice_frames(turns: list[Turn], frames: int) -> np.ndarray:
    """[frames] of bool: frames of 32 ms that lie at least half inside a turn."""
    voiced = np.zeros(frames * FRAME_SAMPLES, bool)
    for turn in turns:
        voiced[max(0, round(turn.start_s * RATE_HZ)) : max(0, round(turn.end_s * RATE_HZ))] = True
    return voiced.reshape(frames, FRAME_SAMPLES).mean(1) >= 0.5
