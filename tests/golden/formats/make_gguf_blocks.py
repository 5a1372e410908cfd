"""Writes gguf_blocks.safetensors: random blocks of every GGUF type and the values that the `gguf`
package gives for them.

    python make_gguf_blocks.py      # needs gguf, numpy and safetensors; made with gguf 0.19

Every byte is random, scales included, but for halves that are no finite numbers; the first blocks
have the extreme scales: greatest, least subnormal, both zeros.
"""

import os

import gguf
import numpy as np
from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType as Type
from safetensors.numpy import save_file

HERE = os.path.dirname(os.path.abspath(__file__))
# Where the halves of a block lie.
HALVES = {
    "q4_0": [0], "q4_1": [0, 2], "q5_0": [0], "q5_1": [0, 2], "q8_0": [0],
    "q4_K": [0, 2], "q5_K": [0, 2], "q6_K": [208], "float16": [0], "bfloat16": [0],
}
TYPES = {"float16": Type.F16, "bfloat16": Type.BF16}
EXTREMES = np.array([65504, -65504, 2.0**-24, -(2.0**-24), 0.0, -0.0], "<f2").view("<u2")


def random_blocks(name, count, rng):
    kind = TYPES.get(name) or Type[name.upper()]
    size = GGML_QUANT_SIZES[kind][1]
    raw = rng.integers(0, 256, (count, size), dtype=np.uint8)
    exponent = 0x7F80 if name == "bfloat16" else 0x7C00
    for place, at in enumerate(HALVES[name]):
        halves = rng.integers(0, 1 << 16, count, dtype=np.uint16)
        halves[(halves & exponent) == exponent] ^= 0x4000
        halves[6 * place : 6 * place + 6] = EXTREMES
        raw[:, at : at + 2] = halves.astype("<u2").view(np.uint8).reshape(-1, 2)
    return raw, gguf.quants.dequantize(raw, kind).astype(np.float32)


def main():
    rng = np.random.default_rng(20)
    out = {}
    for name in HALVES:
        values_per_block = 1 if "float" in name else (256 if name.endswith("K") else 32)
        raw, values = random_blocks(name, {1: 256, 32: 64, 256: 16}[values_per_block], rng)
        assert np.isfinite(values).all(), name
        out[name + ".bytes"] = raw
        out[name + ".values"] = values.reshape(-1)
    save_file(out, os.path.join(HERE, "gguf_blocks.safetensors"))


if __name__ == "__main__":
    main()
