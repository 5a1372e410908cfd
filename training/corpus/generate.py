"""Documents by number: the same language, split, seed and index always give the same document."""

import random
from collections.abc import Iterator, Sequence

from training.corpus.document import Document
from training.corpus.meeting import write_meeting
from training.corpus.monologue import write_dictation, write_interview, write_talk
from training.corpus.writer import Style, Writer

WRITERS = {
    "meeting": write_meeting,
    "interview": write_interview,
    "talk": write_talk,
    "dictation": write_dictation,
}
SHARES = {"meeting": 0.5, "interview": 0.2, "talk": 0.15, "dictation": 0.15}


def document(
    language: str,
    split: str,
    seed: int,
    index: int,
    kinds: Sequence[str] | None = None,
    style: Style = Style(),
) -> Document:
    """One document; any order, any process."""
    if language not in ("en", "vi") or split not in ("train", "test"):
        raise ValueError(f"no corpus for language {language!r}, split {split!r}")
    rng = random.Random(f"document|{language}|{split}|{seed}|{index}")
    kinds = kinds or list(SHARES)
    kind = rng.choices(kinds, [SHARES[kind] for kind in kinds])[0]
    return WRITERS[kind](Writer(language, split, rng, style), f"{language}-{split}-{seed}-{index}-{kind}")


def documents(language: str, split: str, seed: int, kinds: Sequence[str] | None = None) -> Iterator[Document]:
    """An endless stream of documents."""
    index = 0
    while True:
        yield document(language, split, seed, index, kinds)
        index += 1
