"""The error rates on the cards of models/mini, through the program: sentences of the corpus' test split, spoken here.

Clean, with noise at 15 dB, and by voice variants that training never heard, in both languages; greedy decoding. The
limits leave room above the cards' figures: each set is some 700 words, whose error rate scatters by about a point, and
another version of espeak-ng speaks a little differently. Without NumPy, SciPy or espeak-ng it is skipped (status 77).

MAIE_PROGRAM names the program.
"""
import json
import os
import pathlib
import random
import sys
import tempfile
import unittest
import wave

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))
try:
    import numpy as np

    from training import evaluate, metrics
    from training.corpus.sentences import sentences, split_sentences
    from training.speech import espeak, voices
    if not espeak.available():
        raise ImportError("no espeak-ng library")
except ImportError as missing:
    SYSTEM = "/usr/bin/python3"  # the one the package manager's NumPy belongs to, where another comes first
    if os.path.exists(SYSTEM) and os.path.realpath(sys.executable) != os.path.realpath(SYSTEM):
        os.execv(SYSTEM, [SYSTEM, *sys.argv])
    print(f"skipped: {missing}; install python3-numpy, python3-scipy and libespeak-ng1")
    raise SystemExit(77)

MODEL = ROOT / "models/mini/asr"
RECORDINGS, SENTENCES = 20, 6
RATE_HZ = espeak.RATE_HZ
# Set: language, split of the voices, decibels of speech over noise, highest word error rate.
SETS = {
    "clean-en": ("en", "train", None, 0.065),
    "clean-vi": ("vi", "train", None, 0.080),
    "noise-en": ("en", "train", 15, 0.080),
    "noise-vi": ("vi", "train", 15, 0.080),
    "unseen-voice-en": ("en", "test", None, 0.090),
    "unseen-voice-vi": ("vi", "test", None, 0.075),
}


def reading(language, split, seed, stream):
    """A speaker reads some sentences: samples of level 0.08, and turns as in the truth files of training.speech."""
    speaker = voices.speaker(language, split, 555_000 + seed)
    dice = random.Random(seed)
    at = dice.uniform(0.3, 0.9)
    pieces, turns = [], []
    while len(turns) < SENTENCES:
        text = next(stream)
        if len(split_sentences(text)) > 1:
            continue  # where the second one begins would have to be found out
        samples = speaker.speak(text).samples.astype(np.float32)
        if not 0.3 * RATE_HZ < len(samples) < 10 * RATE_HZ:
            continue
        samples *= 0.08 / (np.sqrt(np.square(samples).mean()) + 1e-9)
        end = at + len(samples) / RATE_HZ
        pieces.append((at, samples))
        turns.append({"speaker": "S1", "start_s": at, "end_s": end, "text": text, "sentence_starts_s": [at]})
        at = end + dice.uniform(0.4, 1.2)
    recording = np.zeros(int(at * RATE_HZ), np.float32)
    for start, samples in pieces:
        first = int(start * RATE_HZ)
        recording[first:first + len(samples)] += samples
    return recording, turns


def noise(samples, random_state):
    """Pink noise of power 1."""
    spectrum = np.fft.rfft(random_state.standard_normal(samples))
    shaped = np.fft.irfft(spectrum / np.sqrt(np.arange(1, len(spectrum) + 1)), samples)
    return shaped / shaped.std()


def make(folder, language, split, snr_db):
    """Writes the recordings of a set with the truth beside each."""
    folder.mkdir()
    stream = sentences(language, "test", 31, source="documents")
    for k in range(RECORDINGS):
        recording, turns = reading(language, split, k, stream)
        random_state = np.random.RandomState(k)
        level = 0.08 * 10 ** (-(snr_db if snr_db is not None else 45) / 20)
        recording = recording + level * noise(len(recording), random_state)
        path = folder / f"{k:02}.wav"
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 2, RATE_HZ, len(recording), "NONE", ""))
            file.writeframes(np.clip(np.rint(recording * 32767), -32768, 32767).astype("<i2").tobytes())
        path.with_suffix(".txt").write_text("\n".join(turn["text"] for turn in turns) + "\n", encoding="utf-8")
        path.with_suffix(".json").write_text(json.dumps({"language": language, "turns": turns}), encoding="utf-8")
        metrics.write_rttm(path.with_suffix(".rttm"), path.stem,
                           [metrics.Turn("S1", turn["start_s"], turn["end_s"]) for turn in turns])


class MiniModels(unittest.TestCase):
    def test_recogniser(self):
        languages = metrics.Errors()
        with tempfile.TemporaryDirectory() as place:
            for name, (language, split, snr_db, most) in SETS.items():
                folder = pathlib.Path(place) / name
                make(folder, language, split, snr_db)
                scores = evaluate.score_folder(pathlib.Path(os.environ["MAIE_PROGRAM"]), MODEL, folder, [])
                figures = scores.figures()
                print(f"{name}: {figures}", flush=True)
                languages += scores.languages
                with self.subTest(set=name):
                    self.assertGreater(figures["words"], 400)
                    self.assertLessEqual(figures["word_error_rate"], most)
                    self.assertGreaterEqual(figures["case_and_punctuation_right"], 0.95)
                    # Segments that begin after a pause within a sentence count as wrong here.
                    self.assertGreaterEqual(figures["starts_within_0.2_s"], 0.88)
        self.assertGreaterEqual(languages.total, 100)
        self.assertLessEqual(languages.errors, 0.01 * languages.total + 1)

    def test_voice_detector(self):
        """Voice the program finds in noise at 10 dB, unpadded, against what was put together."""
        counts = metrics.Detection()
        with tempfile.TemporaryDirectory() as place:
            for language in ("en", "vi"):
                folder = pathlib.Path(place) / language
                make(folder, language, "test", 10)
                options = ["--vad-pad-ms", "0", "--vad-min-silence-ms", "100"]
                files = evaluate.recordings(folder)
                for path, answer in zip(files, evaluate.transcribe(pathlib.Path(os.environ["MAIE_PROGRAM"]), MODEL,
                                                                   files, options)):
                    self.assertEqual(answer["vad"]["kind"], "silero")
                    with wave.open(str(path)) as file:
                        frames = file.getnframes() // metrics.FRAME_SAMPLES
                    truth = metrics.voice_frames(metrics.read_rttm(path.with_suffix(".rttm")), frames)
                    found = [metrics.Turn("", span["start"], span["end"]) for span in answer["speech"]]
                    counts += metrics.detection(truth, metrics.voice_frames(found, frames))
        print(f"voice at 10 dB: precision {counts.precision:.3f}, recall {counts.recall:.3f}, F1 {counts.f1:.3f}")
        self.assertGreaterEqual(counts.f1, 0.94)


if __name__ == "__main__":
    unittest.main()
