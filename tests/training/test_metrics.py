"""Figures of merit on cases small enough to count by hand."""

import pathlib
import sys

import numpy as np
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from training import metrics  # noqa: E402


def test_words_without_case_and_punctuation():
    errors = metrics.word_errors(
        "Hello, World! It's a well-known fact.", "hello world it's a well known fact"
    )
    assert (errors.errors, errors.total) == (0, 7)
    errors = metrics.word_errors("one two three four", "one too three")
    assert (errors.errors, errors.total, errors.rate) == (2, 4, 0.5)


def test_vietnamese_counts_syllables_and_ignores_how_letters_are_composed():
    composed, decomposed = (
        "Chúng ta họp lúc chín giờ.",
        "Chu\u0301ng ta ho\u0323p lu\u0301c chi\u0301n gio\u031b\u0300",
    )
    assert metrics.word_errors(composed, decomposed).errors == 0
    assert metrics.word_errors(composed, decomposed).total == 6
    assert metrics.word_errors("họp", "hộp").errors == 1


def test_written_errors_see_case_and_punctuation():
    assert metrics.written_errors("Hello, world.", "hello world.").errors == 1
    wrong = metrics.written_right("Hello, Anna. We start.", "hello Anna, we begin.")
    assert (wrong.errors, wrong.total) == (3, 3)  # of hello, anna, we; the fourth word is another one


def test_characters():
    errors = metrics.character_errors("abc d", "abx d")
    assert (errors.errors, errors.total) == (1, 5)
    assert metrics.character_errors("", "").rate == 0


DISTANCES = [("", "", 0), ("abc", "", 3), ("", "ab", 2), ("kitten", "sitting", 3), ("aaa", "aa", 1)]


@pytest.mark.parametrize("truth,got,expected", [*DISTANCES, ("abab", "baba", 2)])
def test_edit_distance(truth, got, expected):
    assert metrics.edit_distance(list(truth), list(got)) == expected


def test_detection_counts():
    counts = metrics.detection(np.array([1, 1, 1, 0, 0]), np.array([1, 1, 0, 1, 0]))
    assert (counts.hits, counts.misses, counts.false_alarms, counts.rejections) == (2, 1, 1, 1)
    assert counts.precision == counts.recall == counts.f1 == pytest.approx(2 / 3)
    assert counts.false_alarm_rate == 0.5
    with pytest.raises(ValueError):
        metrics.detection(np.zeros(3), np.zeros(4))


def test_rttm_goes_through_a_file_and_becomes_frames(tmp_path):
    turns = [metrics.Turn("S1", 0.064, 0.128), metrics.Turn("S2", 0.1, 0.2)]
    metrics.write_rttm(tmp_path / "a.rttm", "a", turns)
    assert metrics.read_rttm(tmp_path / "a.rttm") == turns
    assert metrics.voice_frames(turns, 8).tolist() == [False, False, True, True, True, True, False, False]


def test_start_errors_are_bounded():
    assert metrics.start_errors([1.0, 5.0], [1.1, 4.8, 9.0]) == pytest.approx([0.1, 0.2, 1.0])
    assert metrics.start_errors([], [1.0]) == [1.0]
