"""Single sentences for the recogniser: from documents, from random grammar, and from text found on the
machine.

A sentence belongs to exactly one split: the CRC of its letters decides. The train stream leaves out one
sentence in `SPLIT_MODULUS`, the test stream gives only those, so no sentence of one stream ever occurs in
the other.
"""

import functools
import os
import random
import re
import unicodedata
import zlib
from collections.abc import Iterator
from pathlib import Path

from training.corpus.generate import document
from training.corpus.syllables import all_syllables, syllable_sentence
from training.corpus.writer import LANGUAGES, Style, Writer

SPLIT_MODULUS = 20
MAX_WORDS = 25
INVENTED = Style(invented=0.3)  # of every other document to train on: names are heard, not recognised
FOUND_TEXT = Path(__file__).parents[2] / "build" / "device" / "corpus"

_END = re.compile(r"(?<=[.?!])\s+(?=[^\W\d_a-zà-ỹ]|\d|\")")


def belongs_to_test(sentence: str) -> bool:
    """Which split a sentence is for, whatever its case and punctuation."""
    letters = re.sub(r"[^\w]+", "", unicodedata.normalize("NFC", sentence).lower())
    return zlib.crc32(letters.encode()) % SPLIT_MODULUS == 0


def split_sentences(text: str) -> list[str]:
    return _END.split(text)


@functools.cache
def found_text(language: str, folder: str) -> tuple[str, ...]:
    """The sentences that `python3 -m training.corpus --collect` has written, none when there are none."""
    path = Path(folder) / f"{language}.txt"
    return tuple(path.read_text(encoding="utf-8").splitlines()) if path.is_file() else ()


def sentences(
    language: str, split: str, seed: int, found: str | None = None, source: str = "all"
) -> Iterator[str]:
    """An endless stream of sentences of 1 to 25 words, punctuated, cased, in NFC.

    @param found  folder with collected text; by default the environment's MAIE_CORPUS, else
    build/device/corpus. The stream depends on it, everything else follows from the arguments.
    @param source  "documents": what people say in meetings, interviews, talks and dictations; "words": random
    grammar, word lists and collected text, whose words often cannot be spelled from their sound alone; "all".
    """
    rng = random.Random(f"sentences|{language}|{split}|{seed}")
    collected = found_text(language, str(found or os.environ.get("MAIE_CORPUS") or FOUND_TEXT))
    sources = [_from_documents(language, split, seed), _widening(language, split, rng)]
    shares = [0.5, 0.5]
    if source == "documents":
        shares = [1.0, 0.0]
    elif source == "words":
        sources.append(_collected(collected, rng) if collected else sources[1])
        shares = [0.0, 0.55, 0.45]
    elif collected:
        sources.append(_collected(collected, rng))
        shares = [0.45, 0.3, 0.25]
    wants_test = split == "test"
    while True:
        sentence = next(rng.choices(sources, shares)[0])
        if belongs_to_test(sentence) == wants_test and len(sentence.split()) <= MAX_WORDS:
            yield unicodedata.normalize("NFC", sentence)


def _from_documents(language: str, split: str, seed: int) -> Iterator[str]:
    """Sentences of the turns; now and then two that follow each other, as one utterance."""
    index = 0
    while True:
        rng = random.Random(f"joined|{language}|{split}|{seed}|{index}")
        style = INVENTED if split == "train" and index % 2 else Style()
        for turn in document(language, split, seed, index, style=style).turns:
            parts = split_sentences(turn.text)
            while parts:
                take = 2 if len(parts) > 1 and rng.random() < 0.25 else 1
                yield " ".join(parts[:take])
                parts = parts[take:]
        index += 1


def _widening(language: str, split: str, rng: random.Random) -> Iterator[str]:
    """Random grammar over the word lists; for Vietnamese also single syllables of every kind."""
    writer = Writer(language, split, rng)
    templates = writer.allowed(LANGUAGES[language].WIDEN)
    syllables = all_syllables() if language == "vi" else ()
    while True:
        if syllables and rng.random() < 0.25:
            yield syllable_sentence(rng, syllables)
        else:
            yield writer.fill(rng.choice(templates))[0]


def _collected(lines: tuple[str, ...], rng: random.Random) -> Iterator[str]:
    while True:
        yield rng.choice(lines)
