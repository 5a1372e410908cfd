#!/usr/bin/env python3
"""Puts the last results of `make bench-asr` and `make bench-llm` into README.md, between the two marker lines.

    tools/readme_table.py            rewrites the tables from bench/results/asr.json and llm.json
    tools/readme_table.py --take     first copies what build/bench has of them there, to be committed
    tools/readme_table.py --check    status 1 when README.md says something else
"""
import argparse
import json
import pathlib
import shutil

ROOT = pathlib.Path(__file__).resolve().parent.parent
KEPT, KEPT_LLM = ROOT / "bench/results/asr.json", ROOT / "bench/results/llm.json"
BEGIN, END = "<!-- measured: begin (tools/readme_table.py) -->", "<!-- measured: end -->"
WHAT = {
    "encode_small": "Whisper small, encoder, one 30 s window",
    "step_small": "Whisper small, one greedy step",
    "step_small_b8": "Whisper small, one step of 8 sequences together",
    "beam5_small": "Whisper small, one step of 5 beams",
    "e2e_mini": "10 minutes of speech end to end, models/mini/asr",
}


LLM_WHAT = {
    "prefill": "reading a prompt of 2,048 tokens",
    "decode": "writing, one sequence",
    "decode_b8": "writing, 8 sequences together",
}


def duration(seconds):
    return f"{seconds:.2f} s" if seconds >= 0.5 else f"{seconds * 1e3:.1f} ms"


def table(result):
    """The lines between the markers."""
    machine = result["machine"]
    lines = ["| what | MAIE | faster-whisper | ratio | of this machine's roof |", "|---|---|---|---|---|"]
    for name, row in result["rows"].items():
        if "error" in row:
            continue
        roof = f"{row['roof_fraction']:.0%}" if row.get("roof_fraction") is not None else ""
        lines.append(f"| {WHAT[name]} | {duration(row['maie'])} | {duration(row['peer'])} | {row['ratio']:.2f} "
                     f"| {roof} |")
    lines += ["", f"{machine['cpu']}, {machine['threads']} threads, {machine['compute_type']}, {machine['date']}; "
                  f"{machine['peer']}; commit {machine['commit']}, `{machine['command']}`."]
    e2e = result["rows"].get("e2e_mini", {})
    if "same_words" in e2e:
        agree = "the same words" if e2e["same_words"] else f"{e2e['words_differ']} words differ"
        lines[-1] += (f" End to end {agree} on both sides; word error rate {e2e['maie_word_error_rate']:.2%}"
                      f" and {e2e['peer_word_error_rate']:.2%}.")
    return lines


def llm_table(result):
    """The same for the language model, and our own rows in a sentence."""
    machine, rows = result["machine"], {name: row for name, row in result["rows"].items() if "error" not in row}
    lines = ["| language model, 1.5 billion weights, Q4_0 | MAIE | llama.cpp | ratio | of this machine's roof |",
             "|---|---|---|---|---|"]
    for name, what in LLM_WHAT.items():
        if name in rows:
            row = rows[name]
            lines.append(f"| {what} | {row['maie']:.0f} tokens/s | {row['peer']:.0f} tokens/s | {row['ratio']:.2f} "
                         f"| {row['roof_fraction']:.0%} |")
    lines += ["", f"{machine['cpu']}, {machine['threads']} threads, {machine['date']}; {machine['peer']}; commit "
                  f"{machine['commit']}, `{machine['command']}`."]
    if "start" in rows:
        lines[-1] += (f" First token {duration(rows['start']['first_token_s'])} after opening the file, which lies in the page "
                      f"cache; memory without keys and values {rows['start']['memory_over_file']:.2f} times the file.")
    if "prefix" in rows:
        lines[-1] += f" Behind a known system message it comes {rows['prefix']['times_faster']:.0f} times faster."
    return lines


def with_table(readme, lines):
    """The text of the README with `lines` between the markers."""
    if readme.count(BEGIN) != 1 or readme.count(END) != 1:
        raise SystemExit(f"README.md: the lines {BEGIN} and {END} must stand there once each")
    before, rest = readme.split(BEGIN)
    return before + BEGIN + "\n" + "\n".join(lines) + "\n" + END + rest.split(END)[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--take", action="store_true")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    if arguments.take:
        KEPT.parent.mkdir(exist_ok=True)
        for kept in (KEPT, KEPT_LLM):
            if (ROOT / "build/bench" / kept.name).exists():
                shutil.copyfile(ROOT / "build/bench" / kept.name, kept)
    readme = ROOT / "README.md"
    old = readme.read_text(encoding="utf-8")
    lines = table(json.loads(KEPT.read_text())) if KEPT.exists() else ["Not measured yet: `make bench-asr`."]
    if KEPT_LLM.exists():
        lines += ["", *llm_table(json.loads(KEPT_LLM.read_text()))]
    new = with_table(old, lines)
    if arguments.check:
        if new != old:
            print("README.md's tables are not those of bench/results; run tools/readme_table.py")
        return int(new != old)
    readme.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
