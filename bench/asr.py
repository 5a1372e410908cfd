#!/usr/bin/env python3
"""`make bench-asr`: MAIE beside faster-whisper (CTranslate2), same weights, same machine, in turn in one run.

Each row is measured A B A B ... so that a machine that grows warm or busy slows both; medians are compared.
Writes build/bench/asr.json: {"machine": {...}, "rows": {NAME: {"maie", "peer", "ratio", "roof_fraction", ...}}};
times in seconds, ratio = peer / maie, so higher is better for us. Prints the same as a table. Exit status 1 when a
row could not be measured; a slow row is a result, no failure.

Runs in the environment that tools/venv makes from bench/requirements.txt.
"""
import argparse
import datetime
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "tools")]
from word_errors import count_errors, word_error_rate, words  # noqa: E402
import weights  # noqa: E402
from peers import PeerProcess, RowFailed, cpu_name, first_line, run, spread  # noqa: E402

# Our name of the row in `maie bench`, and the ratio the project wants.
ROWS = {
    "encode_small": ("encode", 2.2),
    "step_small": ("step", 3.5),
    "step_small_b8": ("step_b8", 2.5),
    "beam5_small": ("beam5", 3.0),
    "e2e_mini": (None, 2.0),
}


class Peer(PeerProcess):
    """faster-whisper; answers give the median of a row in seconds."""

    def __init__(self, build, arguments):
        self.text = build / "peer.txt"
        super().__init__([sys.executable, str(ROOT / "bench/peer.py"), "--small", str(build / "small-peer"), "--mini",
                          str(build / "mini-peer"), "--recording", str(build / "recording.wav"), "--text-out",
                          str(self.text), "--ids", json.dumps(weights.special_ids()), "--threads",
                          str(arguments.threads), "--compute-type", arguments.compute_type], arguments.threads)


class Maie:
    """Our program, a fresh process each time."""

    def __init__(self, build, arguments):
        self.program = str(pathlib.Path(arguments.maie).resolve())
        self.options = ["--threads", str(arguments.threads), "--compute-type", arguments.compute_type]
        self.build = build
        self.text = build / "maie" / "recording.txt"

    def kernel(self, name):
        """One row of `maie bench`: seconds, and the share of this machine's measured roof."""
        out = run([self.program, "bench", "--json", "--model", str(self.build / "small"), "--row", name, *self.options])
        rows = json.loads(out)["rows"]
        if len(rows) != 1:
            raise RowFailed(f"maie bench --row {name} gave {len(rows)} rows, one was expected")
        return float(rows[0]["median_s"]), rows[0].get("roof_fraction")

    def transcribe(self):
        # Defaults, but for the suppressed tokens: as on the peer's side (peer.py says why).
        start = time.perf_counter()
        run([
            self.program, "transcribe", str(self.build / "recording.wav"), "--model", str(ROOT / "models/mini/asr"),
            "--vad-model", str(self.build / "vad.safetensors"), "--output-format", "txt", "--output-dir",
            str(self.text.parent), "--overwrite", "--quiet", "--suppress-tokens", "", *self.options])
        return time.perf_counter() - start


def measure_row(name, ours, peer, pairs):
    """Measures one row in turn; the first answer of each side only warms up."""
    inner, goal = ROWS[name]
    roofs = []

    def one_of_ours():
        if inner is None:
            return ours.transcribe()
        duration_s, roof = ours.kernel(inner)
        if roof is not None:
            roofs.append(roof)
        return duration_s

    a, b = [], []
    for i in range(pairs + 1):
        mine, other = one_of_ours(), peer.ask(name)["median_s"]
        time.sleep(0.3)  # the peer's OpenMP threads spin for a moment after their work
        print(f"  {name} {'warm-up' if i == 0 else f'{i}/{pairs}'}: maie {mine:.4f} s, peer {other:.4f} s",
              file=sys.stderr, flush=True)
        if i > 0:
            a.append(mine)
            b.append(other)
    row = summary(a, b, goal)
    row["roof_fraction"] = statistics.median(roofs) if roofs else None
    return row


def summary(a, b, goal):
    """One row's numbers from the seconds of both sides."""
    return {"maie": statistics.median(a), "peer": statistics.median(b),
            "ratio": statistics.median(b) / statistics.median(a), "goal": goal,
            "maie_runs": a, "peer_runs": b, "maie_spread": spread(a), "peer_spread": spread(b)}


def compare_texts(ours, peer, truth):
    """What both sides wrote, and whether it is the same."""
    ours, peer, truth = (pathlib.Path(p).read_text(encoding="utf-8") for p in (ours, peer, truth))
    return {"maie_words": len(words(ours)), "peer_words": len(words(peer)),
            "words_differ": count_errors(words(peer), words(ours)), "same_words": words(ours) == words(peer),
            "maie_word_error_rate": word_error_rate(truth, ours), "peer_word_error_rate": word_error_rate(truth, peer)}


def machine(arguments):
    from importlib.metadata import version
    return {"cpu": cpu_name(), "cores": os.cpu_count(), "system": platform.platform(),
            "threads": arguments.threads, "compute_type": arguments.compute_type,
            "compiler": first_line("c++", "--version"), "commit": first_line("git", "rev-parse", "--short", "HEAD"),
            "maie": first_line(str(arguments.maie), "--version"),
            "peer": f"faster-whisper {version('faster-whisper')}, CTranslate2 {version('ctranslate2')}",
            "date": datetime.date.today().isoformat(), "command": "make bench-asr"}


def table(rows):
    lines = [f"{'row':<14} {'maie':>10} {'peer':>10} {'ratio':>6} {'goal':>5} {'roof':>5}  spread"]
    for name, row in rows.items():
        if "error" in row:
            lines.append(f"{name:<14} {row['error']}")
            continue
        unit, scale = ("s", 1) if row["peer"] >= 0.5 else ("ms", 1e3)
        roof = f"{row['roof_fraction']:.0%}" if row["roof_fraction"] is not None else "-"
        lines.append(f"{name:<14} {row['maie'] * scale:>8.2f}{unit:>2} {row['peer'] * scale:>8.2f}{unit:>2} "
                     f"{row['ratio']:>6.2f} {row['goal']:>5.1f} {roof:>5}  "
                     f"{row['maie_spread']:.0%} / {row['peer_spread']:.0%}")
    return "\n".join(lines)


def prepare(build):
    """Everything both sides need, made once and kept in build/bench."""
    build.mkdir(parents=True, exist_ok=True)
    (build / "maie").mkdir(exist_ok=True)
    print("making the weights and the recording (once)", file=sys.stderr)
    weights.make_small(build / "small")
    weights.convert_for_peer(build / "small", build / "small-peer")
    weights.convert_for_peer(ROOT / "models/mini/asr", build / "mini-peer")
    import faster_whisper
    assets = pathlib.Path(faster_whisper.__file__).parent / "assets"
    weights.peer_vad_weights(assets / "silero_vad_v6.onnx", build / "vad.safetensors")
    if not (build / "recording.txt").exists():  # the text is written last
        subprocess.run([sys.executable, str(ROOT / "samples/make.py"), "--minutes", "10",
                        str(build / "recording.wav")], check=True, stdout=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--maie", default=ROOT / "build/release/bin/maie", help="the program to measure")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/bench", help="where things are kept")
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS))
    parser.add_argument("--pairs", type=int, default=5, help="measurements of each side, at least 5 for a result")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--compute-type", default="int8")
    arguments = parser.parse_args()

    prepare(arguments.build)
    ours, peer = Maie(arguments.build, arguments), Peer(arguments.build, arguments)
    result = {"machine": machine(arguments), "rows": {}}
    for name in arguments.rows:
        try:
            row = measure_row(name, ours, peer, arguments.pairs)
            if name == "e2e_mini":
                row.update(compare_texts(ours.text, peer.text, arguments.build / "recording.txt"))
        except RowFailed as error:
            row = {"error": str(error)}
        result["rows"][name] = row
        # After every row, so that an interrupted run keeps what it has.
        (arguments.build / "asr.json").write_text(json.dumps(result, indent=1) + "\n")
    peer.close()

    print(table(result["rows"]))
    e2e = result["rows"].get("e2e_mini", {})
    if "same_words" in e2e:
        print(f"texts of e2e_mini: {'the same' if e2e['same_words'] else str(e2e['words_differ']) + ' words differ'}; "
              f"word error rate maie {e2e['maie_word_error_rate']:.2%}, peer {e2e['peer_word_error_rate']:.2%}")
    print(f"written to {arguments.build / 'asr.json'}")
    return 1 if any("error" in row for row in result["rows"].values()) else 0


if __name__ == "__main__":
    raise SystemExit(main())
