r"""Trains the voice detector of models/mini/vad from random weights (training/vad/README.md).

    python3 -m training.train_vad --minutes 5 --device cuda --out build/vad
    python3 -m training.train_vad --minutes 15 --device cpu --utterances 1500 --batch 12 --seconds 8 \
        --out build/vad

Speaks the corpus with espeak-ng, trains for the given minutes, writes model.safetensors, loss.png, results.md
and results.json into the folder. Started again with the same folder it continues from its checkpoint.
"""

import argparse
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=5, help="of training [5]")
    parser.add_argument("--device", default="cuda", help="cuda, cuda:1 or cpu [cuda]")
    parser.add_argument("--out", type=Path, required=True, help="folder for weights, checkpoint and results")
    parser.add_argument("--utterances", type=int, default=9000, help="sentences spoken for training [9000]")
    parser.add_argument("--batch", type=int, default=192, help="recordings per step [192]")
    parser.add_argument("--seconds", type=float, default=16, help="of each recording [16]")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, help="that speak [one per core]")
    parser.add_argument("--recordings", type=int, default=192, help="per row of the final table [192]")
    parser.add_argument(
        "--real", type=Path, action="append", default=[], help="folder of recordings with .rttm"
    )
    arguments = parser.parse_args()
    # Here and not above: the speaking processes load this file again and need no PyTorch.
    from training.vad import train

    options = train.Options(
        minutes=arguments.minutes,
        utterances=arguments.utterances,
        batch=arguments.batch,
        seconds=arguments.seconds,
        device=arguments.device,
        seed=arguments.seed,
        processes=arguments.processes,
        recordings=arguments.recordings,
        real=arguments.real,
    )
    train.run(options, arguments.out)


if __name__ == "__main__":
    main()
