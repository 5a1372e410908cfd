"""The two jobs of the model as pairs of transcript and answer, made from documents of the corpus.

Transcripts are written as the pipeline writes them: one line "S0: text" per turn when speakers are known,
else a line per segment, or all in one line. Some went through a recogniser in pretence: words are misheard,
left out, put in.
"""

import json
import random
import re
import unicodedata
from dataclasses import dataclass

from training.corpus import Document, Turn
from training.corpus.lexicon import sections
from training.corpus.syllables import all_syllables
from training.lm.chat import RESTORE

_WORD = re.compile(r"^(\W*)(.*?)(\W*)$", re.DOTALL)
_LABEL = re.compile(r"S\d+: ")
# How often a sound is heard as another one, roughly: pairs of letters that a recogniser mixes up.
_CONFUSED = {
    "en": [
        "a e i o u y",
        "b p v",
        "d t",
        "g k c",
        "s z c",
        "f v",
        "m n",
        "l r",
        "ie y",
        "ph f",
        "ck k",
        "ee ea",
        "th t",
    ],
    "vi": [
        "ch tr",
        "s x",
        "d gi r",
        "l n",
        "i y",
        "c t",
        "n ng",
        "o ô ơ",
        "a ă â",
        "u ư",
        "e ê",
        "iê i",
        "ươ ư",
    ],
}
_TONES = ["", "\u0300", "\u0301", "\u0309", "\u0303", "\u0323"]


@dataclass(frozen=True)
class Example:
    """What the model reads and what it should write."""

    job: str
    language: str
    transcript: str
    answer: str


def compact(facts: dict) -> str:
    """JSON without blanks, keys in the order of the schema, letters as they are."""
    return json.dumps(facts, ensure_ascii=False, separators=(",", ":"))


# ---- transcripts


def plain_lines(turns: list[Turn], labels: dict[str, str] | None) -> str:
    """One line per turn with its label, or all in one line without labels."""
    if labels is None:
        return " ".join(turn.text for turn in turns)
    return "\n".join(f"{labels[turn.speaker]}: {turn.text}" for turn in turns)


def segment_lines(turns: list[Turn], rng: random.Random) -> list[str]:
    """A line per segment, as a recogniser makes them: a sentence or a few, now and then of two speakers, and
    some end within a sentence."""
    joined, cut = rng.choice([0.0, 0.25, 0.6]), rng.choice([0.0, 0.0, 0.05])
    lines: list[str] = []
    for turn in turns:
        for place, sentence in enumerate(re.split(r"(?<=[.?!]) ", turn.text)):
            words = sentence.split()
            if lines and rng.random() < (joined if place else 0.3 * joined):
                lines[-1] += " " + sentence
            elif len(words) > 5 and rng.random() < cut:
                at = rng.randrange(2, len(words) - 2)
                lines += [" ".join(words[:at]), " ".join(words[at:])]
            else:
                lines.append(sentence)
    return lines


def random_labels(turns: list[Turn], rng: random.Random) -> dict[str, str]:
    """S0, S1, ... as clustering numbers speakers: in order of appearance, or in any order."""
    speakers = list(dict.fromkeys(turn.speaker for turn in turns))
    numbers = list(range(len(speakers)))
    if rng.random() < 0.5:
        rng.shuffle(numbers)
    return {speaker: f"S{number}" for speaker, number in zip(speakers, numbers)}


def bare_word(word: str) -> str:
    """A word without the punctuation around it, in lower case; what is inside ("1,200", "don't") stays, and
    so does a percent sign."""
    before, core, after = _WORD.match(word).groups()
    return (core + ("%" if after.startswith("%") else "")).lower()


def unpunctuated(text: str) -> str:
    """Lower case, no punctuation; the words stay in place, one for one."""
    return " ".join(bare for bare in map(bare_word, text.split()) if bare)


# ---- a recogniser's errors


def misspelled(word: str, language: str, rng: random.Random) -> str:
    """A word spelled by ear: one sound swapped, one letter lost or doubled, for Vietnamese often the tone."""
    if language == "vi" and rng.random() < 0.5:
        letters = unicodedata.normalize("NFD", word)
        toneless = "".join(letter for letter in letters if letter not in _TONES[1:])
        spots = [i for i, letter in enumerate(toneless) if letter.lower() in "aeiouy"]
        if spots:
            spot = rng.choice(spots) + 1
            while spot < len(toneless) and unicodedata.combining(toneless[spot]):
                spot += 1
            return unicodedata.normalize("NFC", toneless[:spot] + rng.choice(_TONES) + toneless[spot:])
    choices = [group.split() for group in _CONFUSED[language]]
    rng.shuffle(choices)
    for group in choices:
        found = [sound for sound in group if sound in word.lower()]
        if found and rng.random() < 0.8:
            old = rng.choice(found)
            new = rng.choice([sound for sound in group if sound != old])
            at = word.lower().index(old)
            changed = word[:at] + new + word[at + len(old) :]
            return changed[0].upper() + changed[1:] if word[0].isupper() else changed
    if len(word) < 3:
        return word
    at = rng.randrange(1, len(word))
    return word[:at] + word[at + 1 :] if rng.random() < 0.5 else word[:at] + word[at] + word[at:]


def misheard(turns: list[Turn], language: str, rate: float, rng: random.Random) -> list[Turn]:
    """The turns with about `rate` of their words wrong; punctuation and case around the words stay."""
    common = sections(language)["common"][0]
    heard = []
    for turn in turns:
        words = []
        for word in turn.text.split():
            before, core, after = _WORD.match(word).groups()
            named = core[:1].isupper() and words and not words[-1].endswith((".", "?", "!"))
            if not core or core[0].isdigit() or rng.random() >= rate * (2.0 if named else 1.0):
                words.append(word)
                continue
            kind = rng.random()
            if kind < 0.55 or (named and kind < 0.9):
                words.append(before + misspelled(core, language, rng) + after)
            elif kind < 0.75:
                other = rng.choice(all_syllables() if language == "vi" and rng.random() < 0.5 else common)
                words.append(before + (other.capitalize() if core[0].isupper() else other) + after)
            elif kind < 0.9 and len(turn.text.split()) > 3:
                continue
            else:
                words += [word, rng.choice(common)]
        heard.append(Turn(turn.speaker, " ".join(words) or turn.text))
    return heard


# ---- the jobs


def written(turns: list[Turn], rng: random.Random, labelled: float) -> list[str]:
    """The lines of a transcript in one of the ways of the pipeline; `labelled` is the chance of speakers."""
    if rng.random() < labelled:
        labels = random_labels(turns, rng)
        return plain_lines(broken(turns, rng) if rng.random() < 0.2 else turns, labels).split("\n")
    return segment_lines(turns, rng) if rng.random() < 0.6 else [plain_lines(turns, None)]


def summary(document: Document, template: str, rng: random.Random, errors: float = 0.0) -> Example:
    """Fill `template` from a transcript, with or without speakers.

    @param errors  share of misheard words
    """
    turns = misheard(document.turns, document.language, errors, rng) if errors else document.turns
    several = len({turn.speaker for turn in turns}) > 1
    transcript = "\n".join(written(turns, rng, 0.5 if several else 0.2))
    return Example(template, document.language, transcript, compact(document.facts[template]))


def broken(turns: list[Turn], rng: random.Random) -> list[Turn]:
    """Some turns in two lines of the same speaker, as a pause makes them."""
    lines = []
    for turn in turns:
        words = turn.text.split()
        if len(words) > 6 and rng.random() < 0.3:
            cut = rng.randrange(2, len(words) - 2)
            lines += [Turn(turn.speaker, " ".join(words[:cut])), Turn(turn.speaker, " ".join(words[cut:]))]
        else:
            lines.append(turn)
    return lines


def restoring(document: Document, rng: random.Random, errors: float = 0.0, most_words: int = 400) -> Example:
    """Give case and punctuation back to some consecutive turns of a document, at most `most_words` words."""
    turns = misheard(document.turns, document.language, errors, rng) if errors else document.turns
    first = rng.randrange(len(turns))
    chosen, words = [], 0
    for turn in turns[first:]:
        size = len(turn.text.split())
        if chosen and words + size > most_words:
            break
        chosen.append(turn)
        words += size
    if words > most_words:  # one long turn: some sentences of it
        chosen = [Turn(chosen[0].speaker, some_sentences(chosen[0].text, most_words, rng))]
    several = len({turn.speaker for turn in chosen}) > 1
    lines = written(chosen, rng, 0.4 if several else 0.0)
    return Example(RESTORE, document.language, "\n".join(map(lowered, lines)), "\n".join(lines))


def lowered(line: str) -> str:
    """A line without case and punctuation; its label, if it has one, stays."""
    label = _LABEL.match(line)
    return label[0] + unpunctuated(line[label.end() :]) if label else unpunctuated(line)


def some_sentences(text: str, most_words: int, rng: random.Random) -> str:
    """Consecutive sentences of a text, at most `most_words` words, at least one sentence."""
    sentences = re.split(r"(?<=[.?!]) ", text)
    start = rng.randrange(len(sentences))
    chosen, words = [], 0
    for sentence in sentences[start:]:
        words += len(sentence.split())
        if chosen and words > most_words:
            break
        chosen.append(sentence)
    return " ".join(chosen)


def own_template(document: Document) -> str:
    """The template a document is made for; talks and dictations have the generic ones only."""
    own = {"meeting": "meeting_notes_v2", "interview": "interview_transcript_v2"}
    generic = "generic_summary_en_v2" if document.language == "en" else "generic_summary_v2"
    return own.get(document.kind, generic)
