"""The corpus: same arguments, same text; facts that fit the templates and the text; splits that do not
touch."""

import collections
import itertools
import re
import unicodedata

import pytest

from training.corpus import Document, document, documents, sentences
from training.corpus import english, vietnamese
from training.corpus.collect import prose, word_lines
from training.corpus.lexicon import sections
from training.corpus.schemas import SCHEMAS
from training.corpus.sentences import belongs_to_test, found_text
from training.corpus.syllables import all_syllables

LANGUAGES = ["en", "vi"]
NOTHING_FOUND = "/nonexistent"  # sentences without collected text


def violations(value, schema: dict, where: str = "$") -> list[str]:
    """What of the keywords our schemas use `value` breaks."""
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    kind = {str: "string", list: "array", dict: "object", type(None): "null"}[type(value)]
    if kind not in types:
        return [f"{where}: {kind} instead of {types}"]
    if kind == "string":
        wrong = len(value) > schema.get("maxLength", 10**9) or value not in schema.get("enum", [value])
        wrong |= "pattern" in schema and not re.search(schema["pattern"], value)
        return [f"{where}: {value!r}"] if wrong else []
    if kind == "array":
        found = (
            [] if schema["minItems"] <= len(value) <= schema["maxItems"] else [f"{where}: {len(value)} items"]
        )
        return found + [
            v for i, item in enumerate(value) for v in violations(item, schema["items"], f"{where}[{i}]")
        ]
    if kind == "object":
        found = [f"{where}: no {key}" for key in schema["required"] if key not in value]
        found += [f"{where}: extra {key}" for key in value if key not in schema["properties"]]
        if list(value) != [key for key in schema["properties"] if key in value]:
            found.append(f"{where}: keys out of order")
        return found + [
            v
            for key in value
            if key in schema["properties"]
            for v in violations(value[key], schema["properties"][key], f"{where}.{key}")
        ]
    return []


def plain(text: str) -> str:
    return " ".join(word.strip('.,?!:;"') for word in text.split()).lower()


def many(language: str, split: str, count: int, kinds=None) -> list[Document]:
    return list(itertools.islice(documents(language, split, 7, kinds), count))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("split", ["train", "test"])
def test_facts_fit_their_templates(language, split):
    for doc in many(language, split, 300):
        for template, facts in doc.facts.items():
            assert not violations(facts, SCHEMAS[template], f"{doc.id} {template}")


def test_schema_check_agrees_with_jsonschema():
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    for doc in many("en", "test", 50) + many("vi", "test", 50):
        for template, facts in doc.facts.items():
            jsonschema.validate(facts, SCHEMAS[template])


@pytest.mark.parametrize("language", LANGUAGES)
def test_same_arguments_give_the_same_documents(language):
    assert many(language, "train", 20) == many(language, "train", 20)
    assert document(language, "train", 7, 11) == many(language, "train", 12)[11]
    assert document(language, "train", 8, 11) != document(language, "train", 7, 11)


@pytest.mark.parametrize("language", LANGUAGES)
def test_documents_survive_json(language):
    for doc in many(language, "train", 10):
        assert Document.from_json(doc.to_json()) == doc


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_facts_name_was_said(language):
    for doc in many(language, "test", 200):
        text = plain(doc.text())
        for facts in doc.facts.values():
            for tag in facts.get("thẻ", facts.get("tags")):
                assert plain(tag) in text, (doc.id, tag)
            for person in facts.get("người_tham_gia", []):
                assert plain(person) in text, (doc.id, person)
            for task in facts.get("công_việc_cần_làm", []):
                assert plain(task["người_được_giao"]) in text
                assert task["hạn_hoàn_thành"] is None or plain(task["hạn_hoàn_thành"]) in text
            for finding in facts.get("nhận_định_chính", []):
                assert finding in doc.text()


def test_a_corrected_value_counts():
    """Where "no, sorry" is said, the decision holds the second value and not the first."""
    seen = 0
    for doc in many("en", "train", 400, ["meeting"]):
        decisions = doc.facts["meeting_notes_v2"]["quyết_định"]
        for match in re.finditer(
            r"raise the budget to ([\w.,]+ \w+(?: \w+)?), no, sorry, ([\d.,]+ \w+)", doc.text()
        ):
            if any(decision.startswith(f"Raise the budget to {match[2]}") for decision in decisions):
                seen += 1
            assert f"Raise the budget to {match[1]}" not in decisions
    assert seen > 0


@pytest.mark.parametrize("language", LANGUAGES)
def test_meetings_have_the_promised_length(language):
    words = sorted(len(doc.text().split()) for doc in many(language, "train", 400, ["meeting"]))
    assert words[0] >= 60 and words[len(words) // 20] < 200
    assert 250 < words[len(words) // 2] < 480
    assert words[-1] < 1100 and words[-len(words) // 20] > 550


@pytest.mark.parametrize("language", LANGUAGES)
def test_train_documents_use_no_held_out_name(language):
    names = [name for name in sections(language) if name.startswith("given")]
    held = {name for section in names for name in sections(language)[section][1]}
    held -= {name for section in names for name in sections(language)[section][0]}
    train = {
        name.split()[-1 if language == "vi" else 0]
        for doc in many(language, "train", 300)
        for name in doc.people.values()
    }
    test = {
        name.split()[-1 if language == "vi" else 0]
        for doc in many(language, "test", 300)
        for name in doc.people.values()
    }
    assert not train & held
    assert test & held


def test_both_languages_have_the_same_acts():
    assert english.ACTS.keys() == vietnamese.ACTS.keys()
    assert english.FACTS.keys() == vietnamese.FACTS.keys()
    for module in (english, vietnamese):
        for act, templates in module.ACTS.items():
            assert any(not template.startswith("~") for template in templates), act


@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences_are_short_and_composed(language):
    for sentence in itertools.islice(sentences(language, "train", 3, NOTHING_FOUND), 5000):
        assert 1 <= len(sentence.split()) <= 25
        assert sentence[0].isupper() or sentence[0].isdigit() or sentence[0] == '"', sentence
        assert sentence[-1] in '.?!"', sentence
        assert "{" not in sentence and "|" not in sentence and "  " not in sentence, sentence
        assert unicodedata.is_normalized("NFC", sentence)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_test_sentence_occurs_in_training(language):
    train = set(itertools.islice(sentences(language, "train", 1, NOTHING_FOUND), 100_000))
    test = set(itertools.islice(sentences(language, "test", 1, NOTHING_FOUND), 5_000))
    assert not train & test
    assert not any(belongs_to_test(sentence) for sentence in train)


def test_sentences_have_breadth():
    for language, least in (("en", 3300), ("vi", 3500)):
        words = collections.Counter()
        for sentence in itertools.islice(sentences(language, "train", 1, NOTHING_FOUND), 30_000):
            words.update(plain(sentence).split())
        assert sum(not any(c.isdigit() for c in word) for word in words) > least


def test_collected_text_is_mixed_in(tmp_path):
    (tmp_path / "en.txt").write_text(
        "".join(f"Collected sentence {chr(97 + i)} is here.\n" for i in range(26))
    )
    found_text.cache_clear()
    drawn = list(itertools.islice(sentences("en", "train", 1, str(tmp_path)), 400))
    assert 40 < sum(sentence.startswith("Collected") for sentence in drawn) < 180


def test_syllables_cover_the_word_list():
    syllables = set(all_syllables())
    assert len(syllables) == len(all_syllables())
    words = [part.lower() for word in sections("vi")["common"][0] for part in word.split()]
    missing = {word for word in words if word not in syllables}
    assert len(missing) / len(set(words)) < 0.02, missing
    assert {"gì", "quý", "nghiêng", "khuya", "giếng", "yên", "ngoằn"} <= syllables
    assert not {"cê", "ngi", "qươn", "kà"} & syllables


def test_only_clean_prose_is_collected():
    kept = prose(
        [
            "This is a plain sentence. Use --help for more. The file /etc/passwd is read. It's well-known, too."
            " Too short. CAPS are NOT wanted here. the small start is wrong. A number 5 is no word."
        ],
        set(),
        0,
    )
    assert kept == {"This is a plain sentence.", "It's well-known, too."}
    lines = word_lines([f"word{chr(97 + i)}" for i in range(8)], __import__("random").Random(1))
    assert len(lines) == 2 and all(line.endswith(".") for line in lines)
