"""The weighted mean of two models that one training made, weight by weight (arXiv:2203.05482).

python3 -m training.lm.blend out/lm out/lm-tuned -o models/mini/lm --share 0.6

A second part on few examples gives new habits and costs old ones; on the straight line between the two
networks there are models that have both.
"""

import argparse
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

WEIGHTS = "model.safetensors"


def blend(first: Path, second: Path, out: Path, share: float) -> None:
    """@param share  of the second model, 0 to 1; everything but the weights is the second's"""
    a, b = load_file(first / WEIGHTS), load_file(second / WEIGHTS)
    if {name: value.shape for name, value in a.items()} != {name: value.shape for name, value in b.items()}:
        raise ValueError(f"{first} and {second} are not of the same shape")
    mixed = {
        name: ((1 - share) * a[name].float() + share * b[name].float()).to(b[name].dtype).contiguous()
        for name in b
    }
    out.mkdir(parents=True, exist_ok=True)
    for file in second.iterdir():
        if file.name != WEIGHTS and file.is_file() and not (out / file.name).exists():
            shutil.copy(file, out / file.name)
    save_file(mixed, str(out / WEIGHTS), metadata={"format": "pt"})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--share", type=float, default=0.6, help="of the second model")
    options = parser.parse_args()
    if not 0 <= options.share <= 1:
        parser.error("--share is a number from 0 to 1")
    torch.set_grad_enabled(False)
    blend(options.first, options.second, options.out, options.share)


if __name__ == "__main__":
    main()
