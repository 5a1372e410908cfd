"""Turns templates into text: picks words and templates of the split, fills the slots, fixes the surface."""

import random
import re
from dataclasses import dataclass

from training.corpus import english, quantities, vietnamese
from training.corpus.lexicon import sections
from training.corpus.syllables import all_syllables

LANGUAGES = {"en": english, "vi": vietnamese}
CORRECTED = 0.12  # share of the correctable slots that are said wrongly first
UNSEEN_WORDS = 0.4  # share of the words of a test document that only the test split has

INVENTED_NOUNS = ("head", "document", "event", "thing", "subject", "aspect", "meetingkind", "venue")
MADE_UP_LENGTH = 30  # characters; with what is added to a topic it stays below the 50 of a tag

_SLOT = re.compile(r"\{(!?)([a-z_]+)(\d?)\}")
_FIRST_LETTER = re.compile(r"((?:^|[.?!][\"”]?\s+)[\"“]?)([^\W\d_])")
_ARTICLE = re.compile(
    r"\b([Aa]) (?=[aeiouAEIOU])(?!(?:uni|use|user|euro|Euro|one-|unicorn)\b|uni[cfqv]|Uni[cfqv])"
)


@dataclass(frozen=True)
class Style:
    """What the language model's training wants otherwise than the plain corpus.

    invented: share of the names and nouns that are made up: copying is to be learned, not a word list
    brief: share of the meetings that are brief
    long: share of the meetings that have up to 1,600 words and eight points
    """

    invented: float = 0.0
    brief: float = 0.2
    long: float = 0.0


class Writer:
    """The language, the split and the random numbers of one document.

    One thread at a time. `avoid` holds given names that no outsider may carry, the participants of the
    document.
    """

    def __init__(self, language: str, split: str, rng: random.Random, style: Style = Style()):
        self.language = language
        self.split = split
        self.rng = rng
        self.style = style
        self.avoid: set[str] = set()
        self._module = LANGUAGES[language]
        self._lexicon = sections(language)
        self._used: dict[str, set[str]] = {}

    def word(self, section: str) -> str:
        if self.style.invented and self.rng.random() < self.style.invented:
            made_up = self._invent(section)
            if made_up:
                return made_up
        both, unseen = self._lexicon[section]
        if self.split == "test" and unseen and self.rng.random() < UNSEEN_WORDS:
            return self.rng.choice(unseen)
        return self.rng.choice(both)

    def _invent(self, section: str) -> str | None:
        """A name that nobody has, or a noun put together at random; None where only real words will do."""
        rng = self.rng
        if section.startswith("given") or section in ("family", "city", "company", "project"):
            if self.language == "en":
                names = self._lexicon["given"][0] + self._lexicon["family"][0]
                kind = rng.random()
                if kind < 0.5:
                    return spliced(rng, names)
                return invented_name(rng) if kind < 0.75 else capital(self._strange())
            syllables = 1 if section.startswith(("given", "family")) else 2
            return " ".join(rng.choice(all_syllables()).capitalize() for _ in range(syllables))
        if section in INVENTED_NOUNS:
            made_up = " ".join(self._strange() for _ in range(rng.randint(1, 3)))
            return made_up if len(made_up) <= MADE_UP_LENGTH else None
        return self._strange() if section in ("mod", "department", "role") else None

    def _strange(self) -> str:
        """A word that cannot be expected: from a list, or nobody's. In English half of those are begun like
        one word and end like another, so that knowing how a word begins does not help to finish it."""
        rng = self.rng
        words = self._lexicon["common"][0]
        if self.language == "vi":
            return rng.choice(all_syllables() if rng.random() < 0.6 else words)
        kind = rng.random()
        if kind < 0.4:
            return rng.choice(words)
        return spliced(rng, words) if kind < 0.8 else invented_name(rng).lower()

    def templates(self, act: str) -> list[str]:
        """The templates of an act that this split may use."""
        return self.allowed(self._module.ACTS[act])

    def allowed(self, templates: list[str]) -> list[str]:
        if self.split == "test":
            return [template.lstrip("~") for template in templates]
        return [template for template in templates if not template.startswith("~")]

    def template(self, act: str) -> str:
        """A template of the act that this document has not used, as long as there is one."""
        choices = self.templates(act)
        used = self._used.setdefault(act, set())
        fresh = [choice for choice in choices if choice not in used]
        if not fresh:
            used.clear()
            fresh = choices
        chosen = self.rng.choice(fresh)
        used.add(chosen)
        return chosen

    def say(self, act: str, **given: str) -> str:
        """A sentence or more of the act, finished."""
        return self.fill(self.template(act), **given)[0]

    def fill(self, template: str, **given: str) -> tuple[str, str]:
        """The finished text as it is said, and as it is meant when something was corrected."""
        values: dict[str, str] = dict(given)
        meant: dict[str, str] = {}

        def slot(match: re.Match) -> str:
            name = match[2] + match[3]
            if name not in values:
                values[name] = self.value(match[2])
                if match[1] and self.rng.random() < CORRECTED:
                    right = self.value(match[2])
                    if right != values[name]:
                        meant[name] = right
                        values[name] += self.rng.choice(self.templates("correction")) + right
            return values[name]

        said = _SLOT.sub(slot, template)
        values.update(meant)
        return self.finish(said), self.finish(_SLOT.sub(slot, template))

    def finish(self, text: str) -> str:
        """Capital letters at the start of sentences; "a" before a vowel becomes "an"."""
        text = _FIRST_LETTER.sub(lambda match: match[1] + match[2].upper(), text)
        return _ARTICLE.sub(r"\1n ", text) if self.language == "en" else text

    def phrase(self, act: str, **given: str) -> tuple[str, str]:
        """A part of a sentence, said and meant, without a capital letter at its start."""
        template = self.template(act)
        if act in ("decide_vp", "task_vp") and self.rng.random() < self.style.invented:
            template = self._strange_phrase(template)
        said, meant = self.fill("@" + template, **given)
        return said[1:], meant[1:]

    def value(self, slot: str) -> str:
        """What stands in a slot that the caller does not fill."""
        rng, language = self.rng, self.language
        if slot in ("count", "few", "percent", "money", "time", "weekday", "month", "due"):
            return getattr(quantities, slot)(language, rng)
        if slot == "date":
            return quantities.short_date(language, quantities.random_day(rng))
        if slot == "fulldate":
            return quantities.full_date(language, quantities.random_day(rng, 1930, 2039))
        if slot == "person":
            return self.outsider()
        if slot == "given":
            return self.given_name()[0]
        if slot == "full":
            return self.full_name(*self.given_name())
        return self.word(slot)

    def _strange_phrase(self, template: str) -> str:
        """What is done is another thing: another verb, or no phrase that anybody would say."""
        if self.rng.random() < 0.6:
            return " ".join([self._strange(), *template.split(" ")[1:]])
        return " ".join(self._strange() for _ in range(self.rng.randint(2, 6)))

    # ---- names

    def given_name(self) -> tuple[str, str]:
        """A given name and "m" or "f"; English lists do not tell them apart."""
        gender = self.rng.choice("mf")
        while True:
            name = self.word("given" if self.language == "en" else f"given_{gender}")
            if name not in self.avoid:
                return name, gender

    def full_name(self, given: str, gender: str) -> str:
        if self.language == "en":
            return f"{given} {self.word('family')}"
        middle = self.word(f"middle_{gender}")
        return (
            f"{self.word('family')} {middle} {given}" if middle != given else f"{self.word('family')} {given}"
        )

    def called(self, given: str, gender: str) -> str:
        """How others address someone: Vietnamese puts "anh" or "chị" before the name."""
        if self.language == "en":
            return given
        return f"{'anh' if gender == 'm' else 'chị'} {given}"

    def outsider(self) -> str:
        given, gender = self.given_name()
        if self.rng.random() < 0.3:
            return self.full_name(given, gender)
        return self.called(given, gender)

    def topic(self) -> str:
        """A point of an agenda: "the spring budget", "ngân sách quý 2"."""
        head = self.word("head")
        if self.language == "en":
            return f"the {self.word('mod')} {head}" if self.rng.random() < 0.7 else f"the {head}"
        return f"{head} {self.word('mod')}" if self.rng.random() < 0.6 else head

    def join(self, items: list[str]) -> str:
        if len(items) < 2:
            return "".join(items)
        return ", ".join(items[:-1]) + (" and " if self.language == "en" else " và ") + items[-1]

    def compose(self, name: str, **given: str) -> str:
        """A phrase of the facts."""
        return self._module.FACTS[name].format(**given)

    def fact(self, name: str, **given: str) -> str:
        """A sentence of the facts."""
        return self.finish(self.compose(name, **given))

    def subject(self) -> str:
        return self.word("subject")


def invented_name(rng: random.Random) -> str:
    """Two or three syllables of English letters: "Brendola", "Tusk"."""
    onsets = "b br c ch d dr f fl g gr h j k kl l m n p ph qu r s sh st t th tr v w z".split()
    codas = "- - - - n r l s m ck nd st rt x".split()
    name = "".join(
        rng.choice(onsets) + rng.choice("aaeeiioouy") + rng.choice(codas).strip("-")
        for _ in range(rng.randint(1, 3))
    )
    return name.capitalize()


def spliced(rng: random.Random, words: list[str]) -> str:
    """The beginning of one word and the end of another: "Farrell", "Palmer": "Farmer"."""
    first, last = rng.choice(words), rng.choice(words)
    start = first[: rng.randint(2, max(2, len(first) - 1))]
    return start + last[rng.randint(1, max(1, len(last) - 2)) :].lower()


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def bare(text: str) -> str:
    """Without the English article: what tags and agenda points are called."""
    return text.removeprefix("the ")
