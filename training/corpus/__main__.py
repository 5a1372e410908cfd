"""Writes sentences or documents of the corpus to a file, or collects text that Debian ships.

python3 -m training.corpus --sentences 100000 --language vi --split train --seed 1 -o vi.txt
python3 -m training.corpus --documents 200 --language en --split test --seed 1 -o meetings.jsonl
python3 -m training.corpus --collect -o build/device/corpus
"""

import argparse
import itertools
import sys
from pathlib import Path

from training.corpus.collect import collect
from training.corpus.generate import documents
from training.corpus.sentences import sentences


def main() -> None:
    parser = argparse.ArgumentParser(prog="python3 -m training.corpus", description=__doc__.splitlines()[0])
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--sentences", type=int, metavar="N", help="write N sentences, one per line")
    what.add_argument(
        "--documents", type=int, metavar="N", help="write N documents, one JSON object per line"
    )
    what.add_argument("--collect", action="store_true", help="gather text from /usr/share into the folder -o")
    parser.add_argument("--language", choices=["en", "vi"], default="en")
    parser.add_argument("--split", choices=["train", "test"], default="train")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--kind", choices=["meeting", "interview", "talk", "dictation"], help="documents of one kind only"
    )
    parser.add_argument("-o", "--out", type=Path, help="default: standard output")
    options = parser.parse_args()
    if options.collect:
        if options.out is None:
            parser.error("--collect needs a folder: -o build/device/corpus")
        for language, lines in collect(options.out).items():
            print(f"{language}: {lines} lines")
        return
    if options.sentences is not None:
        stream = sentences(options.language, options.split, options.seed)
        lines = itertools.islice(stream, options.sentences)
    else:
        kinds = [options.kind] if options.kind else None
        stream = documents(options.language, options.split, options.seed, kinds)
        lines = (document.to_json() for document in itertools.islice(stream, options.documents))
    out = options.out.open("w", encoding="utf-8") if options.out else sys.stdout
    with out:
        for line in lines:
            out.write(line + "\n")


if __name__ == "__main__":
    main()
