"""Trains the mini recogniser: `python3 -m training.train_asr --out DIR`. See training/asr/README.md."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

BEGAN = time.monotonic()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder of checkpoint, log and results")
    parser.add_argument("--minutes", type=float, default=23, help="of the whole run, evaluation included")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--processes", type=int, default=13, help="that synthesise speech all the time")
    parser.add_argument("--planners", type=int, default=2, help="processes that put windows together")
    parser.add_argument("--resume", action="store_true", help="continue from the folder's checkpoint")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pieces", type=int, default=1000, help="text tokens")
    parser.add_argument("--pool-hours", type=float, default=120, help="speech held on the device")
    parser.add_argument("--test-hours", type=float, default=1.0, help="for each language and kind of voice")
    parser.add_argument("--reserve", type=float, default=90, help="seconds kept for evaluation and export")
    parser.add_argument("--no-compile", action="store_true")
    parser.add_argument(
        "--tiny", action="store_true", help="a small network and small batches, to try the code"
    )
    return parser.parse_args()


if __name__ == "__main__":
    # Imported here: the synthesising processes import this module too, and need no PyTorch.
    from training.asr.session import run

    run(arguments(), BEGAN)
