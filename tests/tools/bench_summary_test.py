"""What `make bench-asr` makes of its measurements."""
import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "tools")]
import asr  # noqa: E402
import weights  # noqa: E402


class BenchSummary(unittest.TestCase):
    def test_ratio_is_the_peers_time_by_ours(self):
        row = asr.summary([1.0, 2.0, 9.0], [5.0, 8.0, 6.0], 2.5)
        self.assertEqual((row["maie"], row["peer"], row["ratio"]), (2.0, 6.0, 3.0))
        self.assertEqual(row["maie_spread"], 4.0)

    def test_measures_in_turn_and_drops_the_warm_up(self):
        order = []

        class Ours:
            def kernel(self, name):
                order.append("maie")
                return (100.0 if len(order) == 1 else 1.0), 0.8

        class Peer:
            def ask(self, row):
                order.append("peer")
                return {"median_s": 100.0 if len(order) == 2 else 3.0}

        row = asr.measure_row("encode_small", Ours(), Peer(), 5)
        self.assertEqual(order, ["maie", "peer"] * 6)
        self.assertEqual((row["maie"], row["ratio"], row["roof_fraction"]), (1.0, 3.0, 0.8))
        self.assertEqual(len(row["maie_runs"]), 5)

    def test_compares_words_and_not_punctuation(self):
        with tempfile.TemporaryDirectory() as folder:
            files = [pathlib.Path(folder) / name for name in ("ours", "peer", "truth")]
            for file, text in zip(files, ("One two.\nThree", "one two three", "one two four")):
                file.write_text(text)
            row = asr.compare_texts(*files)
        self.assertTrue(row["same_words"])
        self.assertEqual(row["words_differ"], 0)
        self.assertAlmostEqual(row["maie_word_error_rate"], 1 / 3)

    def test_tokenizer_has_whispers_ids(self):
        ids = weights.special_ids()
        self.assertEqual([ids[t] for t in ("<|endoftext|>", "<|en|>", "<|transcribe|>", "<|notimestamps|>",
                                           "<|0.00|>", "<|30.00|>")], [50257, 50259, 50359, 50363, 50364, 51864])
        vocabulary = weights.tokenizer()["model"]["vocab"]
        self.assertEqual(sorted(vocabulary.values()), list(range(50257)))
        self.assertEqual(vocabulary["\u0120"], 220)  # the space

    def test_reorders_lstm_gates(self):
        try:
            import numpy as np
        except ImportError:
            self.skipTest("no numpy here")
        self.assertEqual(list(weights.reorder_gates(np.arange(8))), [0, 1, 4, 5, 6, 7, 2, 3])


if __name__ == "__main__":
    unittest.main()
