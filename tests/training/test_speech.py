"""espeak-ng by its library: sound, word times, voices."""

import numpy as np
import pytest

pytest.importorskip("scipy", reason="SciPy is not installed")

from training.speech import espeak, voices  # noqa: E402

if not espeak.available():
    pytest.skip("espeak-ng is not installed", allow_module_level=True)


def test_words_come_in_order_and_cover_the_sound():
    text = "Good morning, everyone. The budget is 4500 dollars, Peter."
    speech = espeak.Synthesiser("en-us").speak(text)
    assert [w.text.strip() for w in speech.words] == [w.strip(",.") for w in text.split()]
    starts = [w.start_s for w in speech.words]
    assert starts == sorted(starts) and starts[0] == 0
    assert all(w.end_s > w.start_s for w in speech.words)
    assert speech.words[-1].end_s == pytest.approx(speech.duration_s, abs=0.02)


def test_a_word_after_a_pause_begins_where_the_sound_begins():
    speech = espeak.Synthesiser("en-us").speak("Maybe; no.")
    before, after = speech.words
    pause = speech.samples[int((before.end_s + 0.01) * 16000) : int((after.start_s - 0.01) * 16000)]
    assert len(pause) > 1600 and np.abs(pause).max() < 0.03 * np.abs(speech.samples).max()


def test_vietnamese_and_variants_speak():
    plain = espeak.Synthesiser("vi").speak("Xin chào mọi người.")
    other = espeak.Synthesiser("vi-vn-x-south+f4").speak("Xin chào mọi người.")
    assert len(plain.words) == len(other.words) == 4
    assert plain.duration_s > 0.5 and np.abs(plain.samples).max() > 2000


def test_test_voices_are_unknown_to_training():
    for language in ("en", "vi"):
        assert not set(voices.train_voices(language)) & set(voices.test_voices(language))
        drawn = {voices.speaker(language, "train", seed).voice for seed in range(200)}
        assert drawn <= set(voices.train_voices(language))
        assert voices.speaker(language, "test", 1).voice in voices.test_voices(language)
