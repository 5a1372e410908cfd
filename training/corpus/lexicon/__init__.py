"""The word lists `en.txt` and `vi.txt`, and which of their entries belong to which split."""

import functools
import re
import unicodedata
from pathlib import Path

HELD_OUT = 8  # one entry in so many, the last ones of a section, is for the test split


@functools.cache
def sections(language: str) -> dict[str, tuple[list[str], list[str]]]:
    """Every section of a language as (entries of both splits, entries of the test split only)."""
    text = (Path(__file__).parent / f"{language}.txt").read_text(encoding="utf-8")
    text = unicodedata.normalize("NFC", re.sub(r"^#.*$", "", text, flags=re.MULTILINE))
    parts = re.split(r"^\[(\w+)\]$", text, flags=re.MULTILINE)
    found = {}
    for name, body in zip(parts[1::2], parts[2::2]):
        entries = list(dict.fromkeys(entry.strip() for entry in body.replace("\n", " ").split(",")))
        entries = [entry for entry in entries if entry]
        held = len(entries) // HELD_OUT
        found[name] = (entries[: len(entries) - held], entries[len(entries) - held :])
    return found
