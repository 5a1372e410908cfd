"""Turns the `training.json` of a run into `evaluation.md` and `loss.png` beside it.

python3 -m training.lm.report models/mini/lm
"""

import argparse
import json
from pathlib import Path

from training.lm.evaluate import Row, table

FILE = "training.json"


def write_record(
    folder: Path, settings: dict, losses: list[list[float]], probes: list[dict], rows: list[Row]
) -> None:
    """@param losses  [step, seconds, loss of the answers' and the other tokens, weighted]"""
    record = {
        "settings": settings,
        "losses": [[round(value, 5) for value in point] for point in losses],
        "probes": probes,
        "evaluation": [vars(row) for row in rows],
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_text(json.dumps(record, ensure_ascii=False) + "\n", encoding="utf-8")


def report(folder: Path) -> str:
    """Writes both files; without matplotlib the table only. Returns the table."""
    record = json.loads((folder / FILE).read_text(encoding="utf-8"))
    text = table([Row(**row) for row in record["evaluation"]])
    (folder / "evaluation.md").write_text(text, encoding="utf-8")
    try:
        import matplotlib
    except ImportError:
        return text
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 4.5))
    axes.plot(
        [point[1] / 60 for point in record["losses"]], [point[2] for point in record["losses"]], linewidth=0.8
    )
    axes.set(xlabel="minutes", ylabel="loss per token, weighted (nats)", yscale="log", title="Language model")
    axes.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(folder / "loss.png", dpi=120)
    pyplot.close(figure)
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    print(report(parser.parse_args().folder))


if __name__ == "__main__":
    main()
