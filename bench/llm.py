#!/usr/bin/env python3
"""`make bench-llm`: MAIE's language model beside llama.cpp, same file, same machine, in turn in one run.

The file is a GGUF with random Q4_0 weights, 1.5 billion of them, in the layout of Qwen3. prefill, decode and decode_b8 are
measured A B A B ... and medians compared; prefix, constrained, enhance and forced are our own, each against ourselves
without what is measured. Writes build/bench/llm.json: {"machine": {...}, "rows": {NAME: {...}}}; rates in tokens a
second, ratio = maie / peer, so higher is better for us. Exit status 1 when a row could not be measured.

Runs in the environment that tools/venv makes from bench/llm_requirements.txt.
"""
import argparse
import datetime
import json
import os
import pathlib
import statistics
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "tools")]
from peers import PeerProcess, RowFailed, cpu_name, first_line, run, spread  # noqa: E402

PAIRED = {"prefill": 2.5, "decode": 1.0, "decode_b8": 1.5}  # the ratios the project wants
COPIED_WORDS = 1000
MASK_SHARE = 0.03  # of a decode step, at most


def make_models(build, maker):
    """The model of the benchmark, and one of the same size that copies; made once."""
    models = {"plain": build / "random-1.5b-q4_0.gguf", "copies": build / "copies-1.5b-q4_0.gguf"}
    for name, options in (("plain", []), ("copies", [f"copies={COPIED_WORDS}"])):
        if models[name].exists():
            continue
        print(f"making {models[name].name} (once)", file=sys.stderr)
        unfinished = models[name].with_suffix(".part")
        run([str(maker), str(unfinished), "preset=1.5b", *options])
        text = pathlib.Path(f"{unfinished}.txt")
        if text.exists():
            text.rename(f"{models[name]}.txt")
        unfinished.rename(models[name])
    return models


class Maie:
    """Our program, a fresh process each time."""

    def __init__(self, arguments):
        self.program = str(pathlib.Path(arguments.maie).resolve())
        self.threads = arguments.threads

    def row(self, name, model, runs=1, extra=()):
        """One row of `maie bench --llm`, as its JSON has it."""
        out = run([self.program, "bench", "--json", "--llm", str(model), "--row", name, "--runs", str(runs),
                   "--threads", str(self.threads), *extra])
        rows = {row["name"]: row for row in json.loads(out)["rows"]}
        if name not in rows:
            raise RowFailed(f"maie bench --llm gave no row {name}")
        return rows


def paired_row(name, ours, peer, model, pairs):
    """Measures one row in turn; the first answer of each side only warms up."""
    mine, other, roofs = [], [], []
    for i in range(pairs + 1):
        row = ours.row(name, model)[name]
        theirs = peer.ask(name)["tokens_per_s"]
        time.sleep(0.3)  # the peer's threads spin for a moment after their work
        print(f"  {name} {'warm-up' if i == 0 else f'{i}/{pairs}'}: maie {row['rate']:.1f}, peer {theirs:.1f} tokens/s",
              file=sys.stderr, flush=True)
        if i > 0:
            mine.append(row["rate"])
            other.append(theirs)
            roofs.append(row["roof_fraction"])
    return {"maie": statistics.median(mine), "peer": statistics.median(other),
            "ratio": statistics.median(mine) / statistics.median(other), "goal": PAIRED[name],
            "roof_fraction": statistics.median(roofs), "maie_runs": mine, "peer_runs": other,
            "maie_spread": spread(mine), "peer_spread": spread(other)}


def prefix_row(ours, model, runs):
    row = ours.row("prefix", model, runs)["prefix"]
    return {"times_faster": row["rate"], "goal": 10, "first_token_s": row["median_s"]}


def enhance_row(ours, copies, runs):
    """A model that copies, and the mini weights: the same words with and without look-up (checked by the program)."""
    rows = {}
    row = ours.row("enhance", copies, runs, ["--text", f"{copies}.txt"])
    rows["random_weights"] = {"times_faster": row["enhance"]["rate"], "plain_s": row["enhance_plain"]["median_s"],
                              "look_up_s": row["enhance"]["median_s"]}
    mini = ROOT / "models/mini/lm"
    if mini.is_dir():
        with tempfile.TemporaryDirectory() as folder:
            text = pathlib.Path(folder) / "raw.txt"
            text.write_text(lowered_sample(), encoding="utf-8")
            row = ours.row("enhance", mini, runs, ["--text", str(text)])
            rows["mini_weights"] = {"times_faster": row["enhance"]["rate"], "plain_s": row["enhance_plain"]["median_s"],
                                    "look_up_s": row["enhance"]["median_s"]}
    return {**rows, "times_faster": min(row["times_faster"] for row in rows.values()), "goal": 3}


def lowered_sample():
    """A thousand words of the samples as a recogniser without punctuation would write them."""
    words = []
    for name in ("meeting_en", "manual", "dictation"):
        text = (ROOT / f"samples/{name}.txt").read_text(encoding="utf-8")
        words += [word.strip(".,;:?!\"'()").lower() for word in text.split()]
    while len(words) < 1000:
        words += words
    return " ".join(word for word in words[:1000] if word)


def constrained_row(ours, model, runs, decode_tokens_per_s):
    row = ours.row("constrained", model, runs)["constrained"]
    share = row["median_s"] * decode_tokens_per_s if decode_tokens_per_s else None
    return {"mask_us": row["median_s"] * 1e6, "share_of_a_step": share, "goal": MASK_SHARE}


def forced_row(ours):
    """The samples' meetings through `maie summarize` with the mini weights: tokens not decoded one by one."""
    usage = {"answer_tokens": 0, "forced_tokens": 0, "accepted_tokens": 0, "passes": 0}
    with tempfile.TemporaryDirectory() as folder:
        run([ours.program, "summarize", str(ROOT / "samples/meeting_en.txt"), str(ROOT / "samples/meeting_vi.txt"),
             "--template", "meeting_notes_v2", "--llm", str(ROOT / "models/mini/lm"), "--output-dir", folder,
             "--threads", str(ours.threads)])
        for file in pathlib.Path(folder).glob("*.json"):
            spent = json.loads(file.read_text(encoding="utf-8"))["versions"]["llm"]["usage"]
            usage = {name: usage[name] + spent[name] for name in usage}
    return {**usage, "share_forced": usage["forced_tokens"] / usage["answer_tokens"],
            "share_not_one_by_one": 1 - usage["passes"] / usage["answer_tokens"]}


def start_row(ours, model, runs):
    """From opening the file, which lies in the page cache, to the first token; and memory beside the file's size."""
    row = ours.row("start", model, runs)["start"]
    return {"first_token_s": row["median_s"], "goal": 2, "memory_over_file": row["rate"]}


def machine(arguments):
    from importlib.metadata import version
    return {"cpu": cpu_name(), "cores": os.cpu_count(), "threads": arguments.threads,
            "compiler": first_line("c++", "--version"), "commit": first_line("git", "rev-parse", "--short", "HEAD"),
            "maie": first_line(str(arguments.maie), "--version"),
            "peer": f"llama-cpp-python {version('llama-cpp-python')}",
            "date": datetime.date.today().isoformat(), "command": "make bench-llm"}


def table(rows):
    lines = []
    for name, row in rows.items():
        if "error" in row:
            lines.append(f"{name:<12} {row['error']}")
        elif "ratio" in row:
            lines.append(f"{name:<12} maie {row['maie']:8.1f}  peer {row['peer']:8.1f} tokens/s  ratio {row['ratio']:5.2f} "
                         f"(goal {row['goal']})  roof {row['roof_fraction']:.0%}  "
                         f"spread {row['maie_spread']:.0%} / {row['peer_spread']:.0%}")
        else:
            shown = ", ".join(f"{key} {value:.4g}" for key, value in row.items() if isinstance(value, (int, float)))
            lines.append(f"{name:<12} {shown}")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--maie", default=ROOT / "build/release/bin/maie", help="the program to measure")
    parser.add_argument("--make-gguf", default=ROOT / "build/release/bin/make_gguf", help="what makes the models")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/bench", help="where things are kept")
    names = [*PAIRED, "prefix", "enhance", "constrained", "forced", "start"]
    parser.add_argument("--rows", nargs="+", choices=names, default=names)
    parser.add_argument("--pairs", type=int, default=5, help="measurements of each side, at least 5 for a result")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()

    arguments.build.mkdir(parents=True, exist_ok=True)
    models = make_models(arguments.build, arguments.make_gguf)
    ours = Maie(arguments)
    peer = None
    if any(name in PAIRED for name in arguments.rows):
        peer = PeerProcess([sys.executable, str(ROOT / "bench/llm_peer.py"), "--model", str(models["plain"]),
                            "--threads", str(arguments.threads)], arguments.threads)
    result = {"machine": machine(arguments), "rows": {}}

    def step_rate():
        return result["rows"].get("decode", {}).get("maie")

    own = {"prefix": lambda: prefix_row(ours, models["plain"], arguments.pairs),
           "enhance": lambda: enhance_row(ours, models["copies"], 1),
           "constrained": lambda: constrained_row(ours, models["plain"], arguments.pairs, step_rate()),
           "forced": lambda: forced_row(ours), "start": lambda: start_row(ours, models["plain"], arguments.pairs)}
    for name in arguments.rows:
        try:
            row = paired_row(name, ours, peer, models["plain"], arguments.pairs) if name in PAIRED else own[name]()
        except RowFailed as error:
            row = {"error": str(error)}
        result["rows"][name] = row
        # After every row, so that an interrupted run keeps what it has.
        (arguments.build / "llm.json").write_text(json.dumps(result, indent=1) + "\n")
    if peer:
        peer.close()
    print(table(result["rows"]))
    print(f"written to {arguments.build / 'llm.json'}")
    return 1 if any("error" in row for row in result["rows"].values()) else 0


if __name__ == "__main__":
    raise SystemExit(main())
