"""Measures a model on documents of the test split, by greedy generation, and writes the table.

python3 -m training.lm.evaluate models/mini/lm [--documents 100] [--device cuda]
python3 -m training.lm.evaluate models/mini/lm --program build/release/bin/maie    # through the program instead
"""

import argparse
import itertools
import json
import random
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer

from training.corpus import Document, documents
from training.lm import chat, jobs, program
from training.lm.export import load
from training.lm.metrics import Tally, tally_restored, tally_summary
from training.lm.network import Qwen3, greedy

SEED = 2  # of the documents; the split keeps them apart from training anyway
ERRORS = 0.05  # misheard words in the rows that say so
LONGEST_ANSWER = 1400  # tokens


@dataclass
class Row:
    """One line of the table: what was measured, on which language, and the figures."""

    what: str
    language: str
    count: int
    rates: dict[str, float]


@dataclass
class _Case:
    row: tuple[str, str]
    example: jobs.Example
    truth: dict | None  # None: restoring


def cases(language: str, count: int) -> list[_Case]:
    """Per language: `count` documents to sum up as they are, half as many misheard, half as many to
    restore."""
    made: list[_Case] = []
    stream: list[Document] = list(itertools.islice(documents(language, "test", SEED), count))
    for index, document in enumerate(stream):
        template = jobs.own_template(document)
        rng = random.Random(f"evaluate|{language}|{index}")
        example = jobs.summary(document, template, rng)
        made.append(_Case(("summary", language), example, document.facts[template]))
        if index % 2 == 0:
            example = jobs.summary(document, template, rng, ERRORS)
            made.append(
                _Case((f"summary, {ERRORS:.0%} misheard", language), example, document.facts[template])
            )
        else:
            made.append(_Case(("restoring", language), jobs.restoring(document, rng, 0.0, 300), None))
    return made


def all_cases(count: int) -> list[_Case]:
    """Those of both languages, `count` documents each."""
    return [case for language in ("en", "vi") for case in cases(language, count)]


def heard_cases(path: Path) -> list[_Case]:
    """Transcripts of a recogniser, with the facts of what was really said."""
    made = []
    for line in path.read_text(encoding="utf-8").splitlines():
        heard = json.loads(line)
        facts, template = heard["facts"], heard["template"]
        example = jobs.Example(template, heard["language"], heard["transcript"], jobs.compact(facts))
        made.append(_Case(("summary, recognised", heard["language"]), example, facts))
    return made


def evaluate(
    network: Qwen3, tokenizer: Tokenizer, count: int, answers: Path | None = None, most: int = LONGEST_ANSWER
) -> list[Row]:
    """@param count    documents per language
    @param answers  where to write transcripts, true and given answers, as JSON lines
    @param most     tokens an answer may have
    """
    return measure(network, tokenizer, all_cases(count), answers, most)


def measure(
    network: Qwen3, tokenizer: Tokenizer, todo: list[_Case], answers: Path | None, most: int
) -> list[Row]:
    """Lets the model answer all cases and sums up."""
    prompts = [
        tokenizer.encode(chat.prompt(case.example.job, case.example.transcript, empty_thinking=True)).ids
        for case in todo
    ]
    end = tokenizer.token_to_id("<|im_end|>")
    written = greedy(network, prompts, most, end)
    return count_up(todo, [tokenizer.decode(ids, skip_special_tokens=True) for ids in written], answers)


def count_up(todo: list[_Case], written: list[str], answers: Path | None) -> list[Row]:
    """A row per kind and language, from the answer to each case."""
    tallies: dict[tuple[str, str], Tally] = {}
    counts: dict[tuple[str, str], int] = {}
    lines = []
    for case, answer in zip(todo, written):
        tally = tallies.setdefault(case.row, Tally())
        counts[case.row] = counts.get(case.row, 0) + 1
        if case.truth is None:
            tally_restored(tally, case.example.answer, answer)
        else:
            tally_summary(tally, case.example.job, case.example.transcript, case.truth, answer)
        lines.append(
            {
                "row": case.row,
                "transcript": case.example.transcript,
                "truth": case.example.answer,
                "answer": answer,
            }
        )
    if answers is not None:
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        answers.write_text(text, encoding="utf-8")
    return [Row(what, language, counts[what, language], t.rates()) for (what, language), t in tallies.items()]


def table(rows: list[Row]) -> str:
    """Markdown: one line per figure, one column per row."""
    names = list(dict.fromkeys(name for row in rows for name in row.rates))
    head = ["figure", *(f"{row.what}, {row.language} ({row.count})" for row in rows)]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for name in names:
        cells = [f"{row.rates[name]:.1%}" if name in row.rates else "" for row in rows]
        lines.append("| " + " | ".join([name, *cells]) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--documents", type=int, default=100, help="per language")
    parser.add_argument(
        "--heard", type=Path, help="JSON lines of recognised transcripts, instead of documents"
    )
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--answers", type=Path, help="write transcripts and answers here, as JSON lines")
    parser.add_argument("--program", help="the program `maie`, which answers in PyTorch's place")
    parser.add_argument("--option", action="append", default=[], help="one more word for that program")
    options = parser.parse_args()
    todo = heard_cases(options.heard) if options.heard else all_cases(options.documents)
    started = time.monotonic()
    if options.program:
        asked = [case.example for case in todo]
        rows = count_up(todo, program.answers(options.program, options.model, asked, options.option), options.answers)
        by = " ".join([options.program, *options.option])
    else:
        network, tokenizer = load(options.model)
        network.to(options.device).eval()
        started = time.monotonic()
        rows = measure(network, tokenizer, todo, options.answers, LONGEST_ANSWER)
        by = f"{options.device}, torch {torch.__version__}"
    print(table(rows))
    print(f"{time.monotonic() - started:.0f} s on {by}")


if __name__ == "__main__":
    main()
