"""Recordings from documents, test sets, and the scores of what a program makes of them."""

import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed (training/requirements.txt)")
soundfile = pytest.importorskip("soundfile", reason="soundfile is not installed (training/requirements.txt)")
ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from training import evaluate, metrics  # noqa: E402
from training.corpus import Document, Turn  # noqa: E402
from training.speech import activity, espeak, scene, testsets  # noqa: E402

needs_voices = pytest.mark.skipif(not espeak.available(), reason="espeak-ng is not installed")
TALK = Document(
    "t", "en", "meeting", "test",
    [Turn("S1", "Good morning, everybody. Shall we start?"), Turn("S2", "Yes, please."),
     Turn("S1", "The first point is the new office in Hanoi."), Turn("S2", "I have seen it. It is bright.")],
    {"S1": "Anna"}, {"meeting_notes_v2": {"title": "Office"}},
)  # fmt: skip
DRY = scene.Setting(snr_db=None, rt60_s=None, overlap=0.0)


def level_db(samples, start_s, end_s):
    part = samples[int(start_s * 16000) : int(end_s * 16000)]
    return 10 * np.log10(np.square(part).mean() + 1e-12)


@needs_voices
def test_voice_is_where_the_truth_says_and_nowhere_else():
    made = scene.render(TALK, DRY, "test", 1)
    silent = np.ones(len(made.samples), bool)
    for turn in made.voiced:
        assert level_db(made.samples, turn.start_s, turn.end_s) > -45
        silent[int(turn.start_s * 16000) - 80 : int(turn.end_s * 16000) + 80] = False
    assert 10 * np.log10(np.square(made.samples[silent]).mean() + 1e-12) < -50
    assert set(made.voices) == {"S1", "S2"} and len(set(made.voices.values())) == 2


@needs_voices
def test_turns_keep_their_words_and_sentences_their_starts():
    made = scene.render(TALK, DRY, "test", 1)
    assert [turn.text for turn in made.turns] == [turn.text for turn in TALK.turns]
    first = made.turns[0]
    assert [word.text for word in first.words][:2] == ["Good", "morning"]
    starts = first.sentence_starts()
    assert (
        len(starts) == 2
        and starts[0] == pytest.approx(first.start_s, abs=0.1)
        and starts[1] > starts[0] + 0.5
    )
    for word in first.words:
        assert first.start_s - 1e-6 <= word.start_s <= word.end_s <= first.end_s + 1e-6


@needs_voices
def test_overlap_lets_speakers_interrupt_others_but_not_themselves():
    made = scene.render(TALK, scene.Setting(overlap=1.0), "test", 1)
    assert any(b.start_s < a.end_s for a, b in zip(made.turns, made.turns[1:]))
    for speaker in ("S1", "S2"):
        own = [turn for turn in made.turns if turn.speaker == speaker]
        assert all(b.start_s > a.end_s for a, b in zip(own, own[1:]))


@needs_voices
def test_files_hold_the_recording_and_its_truth(tmp_path):
    made = scene.render(TALK, scene.Setting(), "test", 4)
    scene.write(made, TALK, tmp_path / "a.flac")
    samples, rate = soundfile.read(tmp_path / "a.flac", dtype="float32")
    assert rate == 16000 and np.abs(samples - made.samples).max() < 1e-4
    truth = json.loads((tmp_path / "a.json").read_text())
    assert truth["facts"] == TALK.facts and truth["speakers"]["S1"]["name"] == "Anna"
    assert len(metrics.read_rttm(tmp_path / "a.rttm")) == len(made.voiced)
    assert (tmp_path / "a.txt").read_text() == made.text


@needs_voices
def test_the_same_command_gives_the_same_bytes(tmp_path):
    command = [sys.executable, "-m", "training.speech.scene", "--language", "vi", "--kind", "dictation", "-o"]
    for name in ("first", "again"):
        subprocess.run([*command, str(tmp_path / name)], cwd=ROOT, check=True, timeout=120)
    for path in (tmp_path / "first").iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes(), path.name


@needs_voices
def test_sets_are_made_and_scored(tmp_path):
    testsets.make("asr-en", 2, 1, tmp_path / "en")
    files = evaluate.recordings(tmp_path / "en")
    assert len(files) == 2
    scores = evaluate.Scores()
    for path in files:
        truth = json.loads(path.with_suffix(".json").read_text())
        text = path.with_suffix(".txt").read_text()
        voiced = metrics.read_rttm(path.with_suffix(".rttm"))
        starts = [s for turn in truth["turns"] for s in turn["sentence_starts_s"]]
        answer = {"text": text.lower(), "language": "en", "segments": [{"start": s + 0.1} for s in starts]}
        scores.add(truth, text, voiced, answer)
    figures = scores.figures()
    assert figures["word_error_rate"] == 0 and figures["language_right"] == 1
    assert figures["starts_within_0.2_s"] == 1 and figures["case_and_punctuation_right"] < 1
    assert "| en |" in evaluate.table({"en": figures})


def test_sounds_have_an_empty_truth(tmp_path):
    testsets.make("nonspeech", 3, 1, tmp_path)
    files = evaluate.recordings(tmp_path)
    assert len(files) == 3 and all(not f.with_suffix(".txt").read_text() for f in files)


def test_stretches():
    voiced = np.array([0, 1, 1, 0, 0, 1], bool)
    assert activity.stretches(voiced) == [(1, 3), (5, 6)]
    assert activity.stretches(np.zeros(4, bool)) == []


def test_a_job_that_kills_its_process_costs_one_result():
    """In a process of its own, as the workers load the main module again."""
    script = """
import os, sys
from training.speech.safely import map_safely
def work(job):
    if job == 7: os.kill(os.getpid(), 11)
    return job * job
if __name__ == "__main__":
    got = map_safely(work, list(range(40)), 2)
    assert got == [None if j == 7 else j * j for j in range(40)], got
"""
    path = ROOT / "build" / "test_safely.py"
    path.parent.mkdir(exist_ok=True)
    path.write_text(script)
    try:
        environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
        done = subprocess.run([sys.executable, str(path)], timeout=60, env=environment, capture_output=True)
    finally:
        path.unlink()
    assert done.returncode == 0, done.stderr.decode()[-2000:]
