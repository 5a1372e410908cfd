"""The word error rate that the demo, the benchmark and the tests report."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "tools"))
from word_errors import count_errors, word_error_rate, words  # noqa: E402


class WordErrors(unittest.TestCase):
    def test_case_and_punctuation_are_no_words(self):
        self.assertEqual(words("The file, in-memory: DON'T\u2019 !"), ["the", "file", "in", "memory", "don't'"])
        self.assertEqual(word_error_rate("The end.", "the END"), 0)

    def test_counts_changed_missing_and_extra_words(self):
        self.assertEqual(count_errors("a b c".split(), "a x c".split()), 1)
        self.assertEqual(count_errors("a b c".split(), "a c".split()), 1)
        self.assertEqual(count_errors("a b c".split(), "a b b c".split()), 1)
        self.assertEqual(count_errors("a b c d".split(), "b c d e".split()), 2)
        self.assertEqual(count_errors([], ["a"]), 1)
        self.assertEqual(count_errors(["a"], []), 1)

    def test_invented_text_can_pass_one_hundred_percent(self):
        self.assertEqual(word_error_rate("one", "two three"), 2)
        self.assertEqual(word_error_rate("", "two"), 1)


if __name__ == "__main__":
    unittest.main()
