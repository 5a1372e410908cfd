"""Gathers running text that Debian ships as documentation, for the recogniser's vocabulary.

All of it is optional: what is not installed is left out. English comes from manual pages and info files (with
`wamerican`, only words of its list pass), Vietnamese from the translated messages of programs and
`manpages-vi` (and single words from `hunspell-vi`). The filter is strict: whole sentences of 3 to 25 words,
letters and simple punctuation only, so that no option, path or placeholder comes through. The result is
never part of the repository.
"""

import gettext
import gzip
import random
import re
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

from training.corpus.syllables import all_syllables

MAX_BYTES = {"en": 12_000_000, "vi": 8_000_000}
WORDS_PER_LINE = 4

_PARAGRAPH = re.compile(r"^\.(PP|P|LP|SH|SS|IP|TP|br|sp|Pp|Sh|Ss|It)\b")
_SENTENCE_END = re.compile(r"(?<=[a-zà-ỹ][.?!])\s+")
_PROSE = re.compile(r"[^\W\d_]+(?:(?:[,;:]? |[-'])[^\W\d_]+)*[.?!]")
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")


def manual_pages(folder: Path) -> Iterator[str]:
    """Paragraphs of the manual pages below `folder` that no formatting interrupts."""
    for path in sorted(folder.glob("man[1-8]/*.gz")):
        try:
            text = gzip.decompress(path.read_bytes()).decode("utf-8", errors="strict")
        except (OSError, UnicodeDecodeError, EOFError):
            continue
        run: list[str] = []
        whole = False  # whether the run begins where a paragraph begins
        for line in text.splitlines():
            if line.startswith((".", "'")) or not line.strip():
                if run and whole:
                    yield " ".join(run)
                run, whole = [], bool(_PARAGRAPH.match(line)) or not line.strip()
            else:
                run.append(
                    re.sub(r"\\f[BIRP]|\\&", "", line).replace("\\-", "-").replace("\\(aq", "'").strip()
                )


def info_files(folder: Path) -> Iterator[str]:
    """Paragraphs of GNU info files."""
    for path in sorted(folder.glob("*.gz")):
        try:
            text = gzip.decompress(path.read_bytes()).decode("utf-8", errors="strict")
        except (OSError, UnicodeDecodeError, EOFError):
            continue
        for paragraph in text.split("\n\n"):
            if "\x1f" not in paragraph and "::" not in paragraph:
                yield " ".join(paragraph.split())


def messages(folder: Path) -> Iterator[str]:
    """The translated messages of all catalogues in `folder`."""
    for path in sorted(folder.glob("*.mo")):
        try:
            with path.open("rb") as file:
                catalogue = gettext.GNUTranslations(file)
        except (OSError, UnicodeDecodeError, ValueError):
            continue
        for key in catalogue._catalog:  # the public interface cannot list what a catalogue holds
            if key:
                message = catalogue._catalog[key]
                yield from re.split(r"\n\s*\n", message)


def prose(paragraphs: Iterable[str], known: set[str], foreign: int) -> set[str]:
    """The clean sentences in `paragraphs`.

    @param known    words that may occur, in lower case; empty: any
    @param foreign  how many words outside `known` a sentence may have
    """
    kept: set[str] = set()
    for paragraph in paragraphs:
        paragraph = unicodedata.normalize("NFC", " ".join(paragraph.split())).replace("’", "'")
        for sentence in _SENTENCE_END.split(paragraph):
            words = _WORD.findall(sentence)
            if not 3 <= len(words) <= 25 or not sentence[0].isupper() or not _PROSE.fullmatch(sentence):
                continue
            if any(word.isupper() and len(word) > 1 for word in words) or re.search(
                r"[A-Za-z][A-Z]|(\w)\1\1", sentence
            ):
                continue
            if known and sum(word.lower() not in known for word in words) > foreign:
                continue
            kept.add(sentence)
    return kept


def word_lines(words: list[str], rng: random.Random) -> list[str]:
    """Every word once, a few to a line, so that rare spellings are heard as well."""
    words = list(words)
    rng.shuffle(words)
    lines = []
    for start in range(0, len(words) - WORDS_PER_LINE + 1, WORDS_PER_LINE):
        line = ", ".join(words[start : start + WORDS_PER_LINE])
        lines.append(line[0].upper() + line[1:] + ".")
    return lines


def english() -> list[str]:
    path = Path("/usr/share/dict/american-english")
    listed = path.read_text(encoding="utf-8").split() if path.is_file() else []
    listed = [unicodedata.normalize("NFC", word) for word in listed]
    known = {word.lower() for word in listed}
    share = Path("/usr/share")
    sentences = prose(manual_pages(share / "man"), known, 0) | prose(info_files(share / "info"), known, 0)
    plain = [
        word
        for word in listed
        if word.isalpha() and word.isascii() and len(word) > 2 and not word[1:].isupper()
    ]
    return _shuffled(sorted(sentences), word_lines(plain, random.Random("en")), "en")


def vietnamese() -> list[str]:
    known = set(all_syllables())
    share = Path("/usr/share")
    sentences = prose(messages(share / "locale/vi/LC_MESSAGES"), known, 0)
    sentences |= prose(manual_pages(share / "man/vi"), known, 0)
    path = Path("/usr/share/hunspell/vi_VN.dic")
    listed = path.read_text(encoding="utf-8").splitlines()[1:] if path.is_file() else []
    listed = [unicodedata.normalize("NFC", word.split("/")[0].strip()) for word in listed]
    plain = [word for word in listed if all(part.lower() in known for part in word.split()) and word]
    return _shuffled(sorted(sentences), word_lines(plain, random.Random("vi")), "vi")


def _shuffled(sentences: list[str], lines: list[str], language: str) -> list[str]:
    """Both together in a fixed order, as many as the size limit lets pass."""
    together = sentences + lines
    random.Random(f"collected|{language}").shuffle(together)
    size, kept = 0, []
    for line in together:
        size += len(line.encode()) + 1
        if size > MAX_BYTES[language]:
            break
        kept.append(line)
    return kept


def collect(folder: Path) -> dict[str, int]:
    """Writes `en.txt` and `vi.txt` into `folder`; returns how many lines each has."""
    folder.mkdir(parents=True, exist_ok=True)
    counts = {}
    for language, gather in (("en", english), ("vi", vietnamese)):
        lines = gather()
        (folder / f"{language}.txt").write_text("".join(line + "\n" for line in lines), encoding="utf-8")
        counts[language] = len(lines)
    return counts
