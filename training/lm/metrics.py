"""How good restored text and filled templates are.

Strings of facts are compared without case and punctuation. Decisions, tasks, points of an agenda and
findings are matched one to one: two count as the same when at most a quarter of the words differ, and for
tasks when owner and due date are right as well; `strict` scores ask for the same words.
"""

import json
import re
from collections.abc import Callable

from training.corpus.schemas import SCHEMAS
from training.lm.jobs import bare_word

TOLERANCE = 0.25  # words that may differ, as a share of the true ones


def words_of(text: str) -> list[str]:
    return [word for word in map(bare_word, text.split()) if word]


def alignment(truth: list[str], guess: list[str]) -> tuple[int, list[tuple[int, int]]]:
    """Levenshtein distance of two lists of words, and the pairs of places that match on one best path."""
    rows = [list(range(len(guess) + 1))]
    for i, word in enumerate(truth, 1):
        above, row = rows[-1], [i]
        for j, other in enumerate(guess, 1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (word != other)))
        rows.append(row)
    pairs, i, j = [], len(truth), len(guess)
    while i and j:
        if truth[i - 1] == guess[j - 1] and rows[i][j] == rows[i - 1][j - 1]:
            i, j = i - 1, j - 1
            pairs.append((i, j))
        elif rows[i][j] == rows[i - 1][j - 1] + 1:
            i, j = i - 1, j - 1
        elif rows[i][j] == rows[i - 1][j] + 1:
            i -= 1
        else:
            j -= 1
    return rows[-1][-1], pairs[::-1]


def restored(truth: str, guess: str) -> dict[str, float]:
    """@return words, right (case and punctuation as in the truth), changed (edit distance of the bare
    words)"""
    wanted, got = truth.split(), guess.split()
    distance, pairs = alignment([bare_word(w) for w in wanted], [bare_word(w) for w in got])
    right = sum(wanted[i] == got[j] for i, j in pairs)
    return {"words": len(wanted), "right": right, "changed": distance}


def same(truth: str | None, guess: str | None, tolerance: float) -> bool:
    if truth is None or guess is None:
        return truth is None and guess is None
    wanted, got = words_of(truth), words_of(guess)
    return alignment(wanted, got)[0] <= tolerance * len(wanted)


def matches(truth: list, guess: list, equal: Callable[[object, object], bool]) -> int:
    """How many of `guess` find a partner of their own in `truth`, first come first served."""
    left = list(truth)
    found = 0
    for item in guess:
        partner = next((candidate for candidate in left if equal(candidate, item)), None)
        if partner is not None:
            left.remove(partner)
            found += 1
    return found


def parse(template: str, answer: str) -> dict | None:
    """The object an answer holds, None when it is no JSON or misses fields or types of the template."""
    try:
        value = json.loads(answer)
    except json.JSONDecodeError:
        return None
    return value if _fits(value, SCHEMAS[template]) else None


def _fits(value: object, schema: dict) -> bool:
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    kind = {str: "string", list: "array", dict: "object", type(None): "null"}.get(type(value))
    if kind not in kinds:
        return False
    if kind == "string":
        pattern = schema.get("pattern")
        return (
            len(value) <= schema.get("maxLength", len(value))
            and value in schema.get("enum", [value])
            and (pattern is None or re.search(pattern, value) is not None)
        )
    if kind == "array":
        fits = schema["minItems"] <= len(value) <= schema["maxItems"]
        return fits and all(_fits(item, schema["items"]) for item in value)
    if kind == "object":
        properties = schema["properties"]
        complete = all(key in value for key in schema["required"])
        return complete and all(key in properties and _fits(value[key], properties[key]) for key in value)
    return True


class Tally:
    """Sums over documents; `rates()` turns them into figures between 0 and 1."""

    def __init__(self) -> None:
        self.shares: dict[str, list[int]] = {}  # name -> [right, all]
        self.scores: dict[str, list[int]] = {}  # name -> [matched, true, guessed]

    def share(self, name: str, right: bool) -> None:
        self.count(name, int(right), 1)

    def count(self, name: str, right: int, total: int) -> None:
        sums = self.shares.setdefault(name, [0, 0])
        sums[0] += right
        sums[1] += total

    def score(self, name: str, truth: list, guess: list, equal: Callable[[object, object], bool]) -> None:
        sums = self.scores.setdefault(name, [0, 0, 0])
        for place, amount in enumerate((matches(truth, guess, equal), len(truth), len(guess))):
            sums[place] += amount

    def rates(self) -> dict[str, float]:
        rates = {name: right / total for name, (right, total) in self.shares.items() if total}
        for name, (matched, true, guessed) in self.scores.items():
            rates[name] = 2 * matched / (true + guessed) if true + guessed else 1.0
        return rates


def tally_restored(tally: Tally, truth: str, guess: str) -> None:
    sums = restored(truth, guess)
    tally.count("tokens right", sums["right"], sums["words"])
    tally.count("words changed", sums["changed"], sums["words"])


def tally_summary(tally: Tally, template: str, transcript: str, truth: dict, answer: str) -> None:
    """Adds one filled template to the sums; an answer that does not fit the template has nothing right."""
    guess = parse(template, answer)
    tally.share("valid", guess is not None)
    guess = guess or {}

    def near(a: str, b: str) -> bool:
        return same(a, b, TOLERANCE)

    def exactly(a: str, b: str) -> bool:
        return same(a, b, 0.0)

    for name, fields in (("date", ("ngày_họp", "ngày_phỏng_vấn")), ("mood", ("cảm_xúc_người_tham_gia",))):
        for field in fields:
            if field in truth:
                tally.share(name, field in guess and guess[field] == truth[field])
    for field in ("tiêu_đề", "title"):
        if field in truth:
            tally.share("title", exactly(truth[field], guess.get(field)))
    if "người_tham_gia" in truth:
        wanted = sorted(" ".join(words_of(name)) for name in truth["người_tham_gia"])
        tally.share(
            "people", wanted == sorted(" ".join(words_of(n)) for n in guess.get("người_tham_gia", []))
        )
    for name, fields in (
        ("topics F1", ("chương_trình_nghị_sự", "chủ_đề_chính", "key_topics")),
        ("decisions F1", ("quyết_định",)),
        ("findings F1", ("nhận_định_chính",)),
        ("tags F1", ("thẻ", "tags")),
    ):
        for field in fields:
            if field in truth:
                tally.score(name, truth[field], guess.get(field, []), near)
                if name == "decisions F1":
                    tally.score("decisions F1, strict", truth[field], guess.get(field, []), exactly)
    if "công_việc_cần_làm" in truth:
        for name, tolerance in (("tasks F1", TOLERANCE), ("tasks F1, strict", 0.0)):

            def same_task(a: dict, b: dict, tolerance: float = tolerance) -> bool:
                return (
                    same(a["mô_tả"], b["mô_tả"], tolerance)
                    and same(a["người_được_giao"], b["người_được_giao"], 0.0)
                    and same(a["hạn_hoàn_thành"], b["hạn_hoàn_thành"], 0.0)
                )

            tally.score(name, truth["công_việc_cần_làm"], guess.get("công_việc_cần_làm", []), same_task)
    heard = " " + " ".join(words_of(transcript)) + " "
    for field in ("thẻ", "tags"):
        for tag in guess.get(field, []):
            tally.count("tags from the text", int(f" {' '.join(words_of(tag))} " in heard), 1)
