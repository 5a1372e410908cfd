"""Measures model directories through the program, on recordings whose truth is known.

    python3 -m training.evaluate make --set asr-en --count 100 --seed 5 -o build/eval/asr-en
    python3 -m training.evaluate asr --model models/mini/asr --data build/eval/asr-en build/eval/noise15-en
    python3 -m training.evaluate vad --model models/mini/vad/model.safetensors --data build/eval/vad10-en

`asr` runs the C++ program with greedy decoding (one beam, temperature 0) and gives one row per folder:
word and character errors of the normalised text, words whose case and punctuation are right among those
recognised, segments that start within 0.2 s of a sentence or of a voice after a pause, recordings whose
language was found, and recordings without any word. Words are compared in the order of the turns'
starts, so overlapping speech counts as errors.
"""

import argparse
import json
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from training import metrics
from training.metrics import Errors

ROOT = Path(__file__).resolve().parents[1]
PROGRAM = ROOT / "build/release/bin/maie"
START_TOLERANCE_S = 0.2
AUDIO = (".flac", ".wav", ".mp3")


@dataclass
class Scores:
    """What became of the recordings of one folder."""

    recordings: int = 0
    words: Errors = field(default_factory=Errors)
    characters: Errors = field(default_factory=Errors)
    written: Errors = field(default_factory=Errors)  # word errors where case and punctuation count
    marks: Errors = field(default_factory=Errors)  # wrong case or punctuation among the words recognised
    late: Errors = field(default_factory=Errors)  # segments that start more than 0.2 s from a true start
    languages: Errors = field(default_factory=Errors)
    silent: int = 0  # recordings without any word in the answer

    def add(self, truth: dict, true_text: str, voiced: list[metrics.Turn], answer: dict) -> None:
        """One recording: its truth (.json, .txt and .rttm) and the program's JSON."""
        got = answer["text"]
        self.recordings += 1
        self.words += metrics.word_errors(true_text, got)
        self.characters += metrics.character_errors(true_text, got)
        self.written += metrics.written_errors(true_text, got)
        self.marks += metrics.written_right(true_text, got)
        self.silent += not metrics.normalised_words(got)
        if truth["turns"]:
            starts = [start for turn in truth["turns"] for start in turn["sentence_starts_s"]]
            starts += [turn.start_s for turn in voiced]
            apart = metrics.start_errors(starts, [segment["start"] for segment in answer["segments"]])
            self.late += Errors(sum(distance > START_TOLERANCE_S for distance in apart), len(apart))
            if answer["language"] is not None:
                self.languages += Errors(answer["language"] != truth["language"], 1)

    def figures(self) -> dict[str, float | int | None]:
        """Rates; None where nothing was counted."""

        def rate(errors: Errors, right: bool = False) -> float | None:
            if not errors.total:
                return None
            return 1 - errors.rate if right else errors.rate

        return {
            "recordings": self.recordings,
            "words": self.words.total,
            "word_error_rate": rate(self.words),
            "character_error_rate": rate(self.characters),
            "written_word_error_rate": rate(self.written),
            "case_and_punctuation_right": rate(self.marks, True),
            "starts_within_0.2_s": rate(self.late, True),
            "language_right": rate(self.languages, True),
            "recordings_without_words": self.silent,
            "invented_words": self.words.errors if not self.words.total else None,
        }


def recordings(folder: Path) -> list[Path]:
    """The audio files of a folder that have a truth beside them."""
    found = [p for p in sorted(folder.iterdir()) if p.suffix in AUDIO and p.with_suffix(".json").exists()]
    if not found:
        raise SystemExit(f"{folder}: no recording with a .json beside it; make some with `evaluate make`")
    return found


def transcribe(program: Path, model: Path, files: list[Path], options: list[str]) -> list[dict]:
    """The program's JSON for each file."""
    with tempfile.TemporaryDirectory() as folder:
        command = [program, "transcribe", *files, "--model", model, "--output-format", "json"]
        command += ["--output-dir", folder, "--quiet", "--beam-size", "1", "--temperature", "0", *options]
        done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{program} failed ({done.returncode}): {done.stderr[-2000:]}")
        return [json.loads((Path(folder) / f"{f.stem}.json").read_text(encoding="utf-8")) for f in files]


def score_folder(program: Path, model: Path, folder: Path, options: list[str]) -> Scores:
    """Transcribes and scores a folder."""
    scores = Scores()
    files = recordings(folder)
    for path, answer in zip(files, transcribe(program, model, files, options)):
        truth = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        text = path.with_suffix(".txt").read_text(encoding="utf-8")
        scores.add(truth, text, metrics.read_rttm(path.with_suffix(".rttm")), answer)
    return scores


def table(rows: dict[str, dict]) -> str:
    """Markdown: one row per folder."""

    def show(value: float | int | None, percent: bool = True) -> str:
        if value is None:
            return ""
        return f"{100 * value:.2f} %" if percent else str(value)

    titles = ["set", "recordings", "words", "WER", "CER", "WER as written", "case and punctuation", "starts"]
    lines = [titles + ["language", "without words"]]
    for name, row in rows.items():
        parts = [name, str(row["recordings"]), str(row["words"])]
        for key in (
            "word_error_rate",
            "character_error_rate",
            "written_word_error_rate",
            "case_and_punctuation_right",
            "starts_within_0.2_s",
            "language_right",
        ):
            parts.append(show(row[key]))
        lines.append(parts + [show(row["recordings_without_words"], percent=False)])
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def evaluate_asr(arguments: argparse.Namespace) -> None:
    options = ["--language", arguments.language] if arguments.language else []
    if arguments.vad_model:
        options += ["--vad-model", str(arguments.vad_model)]
    if arguments.no_vad:
        options.append("--no-vad")
    rows = {}
    for folder in arguments.data:
        rows[folder.name] = score_folder(arguments.program, arguments.model, folder, options).figures()
    print(table(rows))
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def evaluate_vad(arguments: argparse.Namespace) -> None:
    import torch

    from training.vad import measure, network

    detector = network.load(arguments.model)
    torch.set_num_threads(arguments.threads)
    rows = {}
    for folder in arguments.data:
        counts = measure.real(detector, folder)
        if not counts:
            raise SystemExit(f"{folder}: no .rttm file with a recording beside it")
        rows[folder.name] = measure.figures(counts | {"all": measure.total(counts)})
        print(measure.table(folder.name, counts | {"all": measure.total(counts)}), end="\n\n")
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def make_set(arguments: argparse.Namespace) -> None:
    from training.speech import testsets

    if arguments.set not in testsets.SETS:
        raise SystemExit(f"no set {arguments.set!r}; there are {', '.join(testsets.SETS)}")
    seconds = testsets.make(arguments.set, arguments.count, arguments.seed, arguments.output)
    print(f"{arguments.output}: {arguments.count} recordings, {seconds:.0f} s")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    asr = commands.add_parser("asr", help="a recogniser, through the program")
    asr.add_argument("--model", type=Path, required=True)
    asr.add_argument("--data", type=Path, nargs="+", required=True, help="folders made by `make` or scene.py")
    asr.add_argument("--program", type=Path, default=PROGRAM)
    asr.add_argument("--language", help="tell the program instead of letting it find out")
    asr.add_argument("--vad-model", type=Path, help="[beside the model]")
    asr.add_argument("--no-vad", action="store_true", help="recognise everywhere")
    asr.add_argument("--json", type=Path, help="also write the figures here")
    asr.set_defaults(run=evaluate_asr)

    vad = commands.add_parser("vad", help="a voice detector, in Python, against RTTM")
    vad.add_argument("--model", type=Path, required=True, help="safetensors file")
    vad.add_argument("--data", type=Path, nargs="+", required=True)
    vad.add_argument("--threads", type=int, default=1)
    vad.add_argument("--json", type=Path, help="also write the figures here")
    vad.set_defaults(run=evaluate_vad)

    make = commands.add_parser("make", help="a test set")
    make.add_argument("--set", required=True, help="asr-en, noise15-vi, unseen-voice-en, nonspeech, ...")
    make.add_argument("--count", type=int, default=50)
    make.add_argument("--seed", type=int, default=5)
    make.add_argument("-o", "--output", type=Path, required=True)
    make.set_defaults(run=make_set)

    arguments = parser.parse_args()
    arguments.run(arguments)


if __name__ == "__main__":
    main()
