#!/usr/bin/env python3
"""Word error rate: tools/word_errors.py TRUTH.txt GOT.txt [--limit PERCENT]

Compares the words of two texts, without case and punctuation, and prints the share of the truth's words that were
changed, left out or invented. With --limit the exit status is 1 above that many percent.
"""
import argparse
import pathlib


def words(text):
    """The words of `text` in lower case; punctuation separates nothing and counts nothing, except in "don't"."""
    text = text.lower().replace("-", " ").replace("\u2019", "'")
    return "".join(c for c in text if c.isalnum() or c.isspace() or c == "'").split()


def count_errors(truth, got):
    """The least number of changed, missing and extra words that turn the list `truth` into `got`."""
    row = list(range(len(got) + 1))
    for i, expected in enumerate(truth, 1):
        diagonal, row[0] = row[0], i
        for j, found in enumerate(got, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (expected != found))
    return row[-1]


def word_error_rate(truth, got):
    """Errors per word of the truth, both given as texts. An empty truth counts as one word."""
    expected = words(truth)
    return count_errors(expected, words(got)) / max(1, len(expected))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("truth", type=pathlib.Path)
    parser.add_argument("got", type=pathlib.Path)
    parser.add_argument("--limit", type=float, help="fail above this many percent")
    arguments = parser.parse_args()
    truth = arguments.truth.read_text(encoding="utf-8")
    percent = 100 * word_error_rate(truth, arguments.got.read_text(encoding="utf-8"))
    print(f"{arguments.got}: word error rate {percent:.2f} % of {len(words(truth))} words")
    # Written this way round so that a rate that is no number fails.
    return 0 if arguments.limit is None or percent <= arguments.limit else 1


if __name__ == "__main__":
    raise SystemExit(main())
