"""The samples are understood, in their languages, and int8 within half a point of float32.

MAIE_PROGRAM names the program.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
from word_errors import count_errors, words  # noqa: E402

# The highest word error rate of each. In the meetings people interrupt each other, and a word spoken under another is lost.
SAMPLES = {"manual.flac": 0.04, "dictation.mp3": 0.02, "dictation_vi.flac": 0.08, "meeting_en.flac": 0.10,
           "meeting_vi.flac": 0.20}


def transcribe(compute_type):
    """The JSON of each sample."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([os.environ["MAIE_PROGRAM"], "transcribe", *(str(ROOT / "samples" / s) for s in SAMPLES),
                               "--model", str(ROOT / "models/mini/asr"), "--compute-type", compute_type,
                               "--output-format", "json", "--output-dir", folder, "--quiet"],
                              capture_output=True, text=True)
        if done.returncode != 0:
            raise AssertionError(f"status {done.returncode}: {done.stderr}")
        return [json.loads((pathlib.Path(folder) / s).with_suffix(".json").read_text(encoding="utf-8"))
                for s in SAMPLES]


class Samples(unittest.TestCase):
    def test_word_error_rate(self):
        truths = [(ROOT / "samples" / s).with_suffix(".txt").read_text(encoding="utf-8") for s in SAMPLES]
        rates = {}
        for compute_type in ("float32", "int8"):
            errors = total = 0
            for (sample, most), truth, answer in zip(SAMPLES.items(), truths, transcribe(compute_type)):
                wrong, of = count_errors(words(truth), words(answer["text"])), len(words(truth))
                self.assertGreater(of, 50)
                self.assertLessEqual(wrong, most * of, f"{sample}, {compute_type}:\n{answer['text']}")
                self.assertEqual(answer["language"], "vi" if "_vi" in sample else "en", sample)
                errors, total = errors + wrong, total + of
            rates[compute_type] = errors / total
            print(f"{compute_type}: word error rate {rates[compute_type]:.2%}")
        self.assertLessEqual(rates["int8"], rates["float32"] + 0.005)


if __name__ == "__main__":
    unittest.main()
