"""The samples are understood: at most 8 % of their words wrong, and int8 within 0.3 points of float32.

MAIE_PROGRAM names the program.
"""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
from word_errors import count_errors, words  # noqa: E402

SAMPLES = ["manual.flac", "dictation.mp3"]


def transcribe(compute_type):
    """The text of each sample."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([os.environ["MAIE_PROGRAM"], "transcribe", *(str(ROOT / "samples" / s) for s in SAMPLES),
                               "--model", str(ROOT / "models/mini/asr"), "--compute-type", compute_type,
                               "--output-format", "txt", "--output-dir", folder, "--quiet"],
                              capture_output=True, text=True)
        if done.returncode != 0:
            raise AssertionError(f"status {done.returncode}: {done.stderr}")
        return [(pathlib.Path(folder) / s).with_suffix(".txt").read_text(encoding="utf-8") for s in SAMPLES]


class Samples(unittest.TestCase):
    def test_word_error_rate(self):
        truths = [(ROOT / "samples" / s).with_suffix(".txt").read_text(encoding="utf-8") for s in SAMPLES]
        rates = {}
        for compute_type in ("float32", "int8"):
            errors = total = 0
            for sample, truth, got in zip(SAMPLES, truths, transcribe(compute_type)):
                wrong, of = count_errors(words(truth), words(got)), len(words(truth))
                self.assertGreater(of, 50)
                self.assertLessEqual(wrong, 0.08 * of, f"{sample}, {compute_type}:\n{got}")
                errors, total = errors + wrong, total + of
            rates[compute_type] = errors / total
            print(f"{compute_type}: word error rate {rates[compute_type]:.2%}")
        self.assertLessEqual(rates["int8"], rates["float32"] + 0.003)


if __name__ == "__main__":
    unittest.main()
