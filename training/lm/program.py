"""Lets the program answer what a model is measured on: `maie summarize` and `maie enhance` on files.

Standard library only, so that tests without PyTorch use it too.
"""

import json
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from training.lm import jobs


def run(program: str, command: str, files: Sequence[Path], folder: Path, *options: str, statuses=(0,)) -> None:
    """The program's work on some files, in `folder`. Status 3 of it: it failed on some of them."""
    words = [program, command, *map(str, files), "-o", str(folder), "--quiet", *options]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode not in statuses:
        raise AssertionError(f"maie {command}: status {done.returncode}: {done.stderr}")


def write(folder: Path, texts: Sequence[str]) -> list[Path]:
    """Texts as files of a new folder: their paths."""
    folder.mkdir()
    paths = [folder / f"{k:03}.txt" for k in range(len(texts))]
    for path, text in zip(paths, texts):
        path.write_text(text + "\n", encoding="utf-8")
    return paths


def summary_of(path: Path) -> str:
    """The summary in a result of the program, as the answer of a model; "null" when it failed."""
    result = json.loads(path.read_text(encoding="utf-8"))
    return jobs.compact(result["results"]["summary"])


def answers(program: str, model: Path, asked: Sequence[jobs.Example], options: Sequence[str] = ()) -> list[str]:
    """What the program says to each example. A text that it refuses to restore stays as it is.

    @param options  more words for the command line
    """
    by_job: dict[str, list[int]] = {}
    for index, example in enumerate(asked):
        by_job.setdefault(example.job, []).append(index)
    given = [""] * len(asked)
    more = ["--llm", str(model), *options]
    with tempfile.TemporaryDirectory() as place:
        for job, indices in by_job.items():
            files = write(Path(place) / job, [asked[index].transcript for index in indices])
            out = Path(place) / f"{job} out"
            if job == jobs.RESTORE:
                run(program, "enhance", files, out, *more, statuses=(0, 3))
                for index, path in zip(indices, files):
                    clean = out / path.name
                    given[index] = (clean if clean.exists() else path).read_text(encoding="utf-8")
            else:
                run(program, "summarize", files, out, "--template", job, *more, statuses=(0, 3))
                for index, path in zip(indices, files):
                    result = out / path.with_suffix(".json").name
                    given[index] = summary_of(result) if result.exists() else ""
    return given
