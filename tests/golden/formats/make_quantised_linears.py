"""Writes quantised_linears.safetensors: random linear layers in the published quantised forms, and
the codes and values that the formulas of docs/spec/models.md, section 6.7, give for them.

    python make_quantised_linears.py        # needs numpy and safetensors

Packing here goes element by element, as the formulas stand there; nothing of it is shared with the
reader. `<case>.codes` are [out, in] bytes as stored, `<case>.values` the weights [out, in] in float32.
"""

import json
import os

import numpy as np
from safetensors.numpy import save, save_file

HERE = os.path.dirname(os.path.abspath(__file__))
AWQ_ORDER = [0, 2, 4, 6, 1, 3, 5, 7]


def to_i32(words):
    return words.astype(np.uint64).astype(np.uint32).view(np.int32)


def pack(values, bits, axis, order=None):
    """Packs along an axis, lowest bits first; nibble i holds column order[i] of its eight."""
    per = 32 // bits
    values = np.moveaxis(values.astype(np.uint64), axis, -1)
    count = -(-values.shape[-1] // per)
    padded = np.zeros(values.shape[:-1] + (count * per,), np.uint64)
    padded[..., : values.shape[-1]] = values
    words = np.zeros(values.shape[:-1] + (count,), np.uint64)
    for i in range(per):
        source = order[i] if order else i
        words |= padded[..., source::per] << np.uint64(bits * i)
    return np.ascontiguousarray(np.moveaxis(to_i32(words), -1, axis))



def values_of(codes, zeros, scales, group):
    """[out, in] codes, [out, in/g] zeros and scales; the product is rounded once."""
    z = np.repeat(zeros, group, axis=1).astype(np.float32)
    s = np.repeat(scales, group, axis=1).astype(np.float32)
    return (codes.astype(np.float32) - z) * s


def write_fuzz_seeds(tensors):
    """A config.json in one line and a file of one layer, for the fuzz target to change."""
    folder = os.path.join(HERE, "..", "..", "formats", "quantised_linear_fuzz_corpus")
    os.makedirs(folder, exist_ok=True)
    weights = {"num_bits": 4, "type": "int", "symmetric": False, "strategy": "group", "group_size": 32}
    configs = {
        "awq32": {"quant_method": "awq", "bits": 4, "group_size": 32, "version": "gemm", "zero_point": True},
        "gptq4_64_v1": {"quant_method": "gptq", "bits": 4, "group_size": 64},
        "ct4_32_plain_zero": {"quant_method": "compressed-tensors", "format": "pack-quantized",
                              "config_groups": {"group_0": {"input_activations": None, "weights": weights}}},
    }
    for name, config in configs.items():
        layer = {"l." + key.split(".")[1]: value for key, value in tensors.items()
                 if key.startswith(name + ".") and key.split(".")[1] not in ("codes", "zeros", "values")}
        with open(os.path.join(folder, name), "wb") as file:
            file.write(json.dumps({"quantization_config": config}).encode() + b"\n" + save(layer))


def main():
    rng = np.random.default_rng(6)
    out = {}

    def expect(name, codes, zeros, scales, group):
        out[name + ".codes"] = np.ascontiguousarray(codes.astype(np.uint8))
        out[name + ".zeros"] = zeros.astype(np.float32)
        out[name + ".values"] = np.ascontiguousarray(values_of(codes, zeros, scales, group))

    def random(rows, columns, group, bits, dtype=np.float16):
        codes = rng.integers(0, 1 << bits, (rows, columns))
        zeros = rng.integers(0, 1 << bits, (rows, columns // group))
        scales = (rng.normal(0, 0.02, zeros.shape)).astype(dtype)
        scales.flat[0], scales.flat[1] = 65504, 2.0**-24
        return codes, zeros, scales

    for group in (32, 128):
        name = f"awq{group}"
        codes, zeros, scales = random(24, 256, group, 4)
        out[name + ".qweight"] = pack(codes.T, 4, 1, AWQ_ORDER)
        out[name + ".qzeros"] = pack(zeros.T, 4, 1, AWQ_ORDER)
        out[name + ".scales"] = np.ascontiguousarray(scales.T)
        expect(name, codes, zeros, scales, group)

    for bits, group, version in ((4, 64, 1), (4, 128, 2), (8, 32, 1), (4, 192, 1)):
        name = f"gptq{bits}_{group}_v{version}"
        codes, zeros, scales = random(16, 192 if group == 192 else 128, group, bits)
        zeros.flat[0] = 0  # stored as all ones by version 1
        stored = (zeros - 1) % (1 << bits) if version == 1 else zeros
        out[name + ".qweight"] = pack(codes.T, bits, 0)
        out[name + ".qzeros"] = pack(stored.T, bits, 1)
        out[name + ".scales"] = np.ascontiguousarray(scales.T)
        out[name + ".g_idx"] = (np.arange(codes.shape[1]) // group).astype(np.int32)
        expect(name, codes, zeros, scales, group)
    shuffled = out["gptq4_64_v1.g_idx"].copy()
    shuffled[[3, 100]] = shuffled[[100, 3]]
    for part in ("qweight", "qzeros", "scales"):
        out["gptq_act_order." + part] = out["gptq4_64_v1." + part]
    out["gptq_act_order.g_idx"] = shuffled

    def pack_quantized(name, rows, columns, bits, group, symmetric, dtype=np.float16, plain_zero=False):
        codes, zeros, scales = random(rows, columns, group, bits, dtype)
        if symmetric:
            zeros[:] = 1 << (bits - 1)
        out[name + ".weight_packed"] = pack(codes, bits, 1)
        out[name + ".weight_scale"] = scales
        out[name + ".weight_shape"] = np.array([rows, columns], np.int32 if plain_zero else np.int64)
        if plain_zero:
            out[name + ".weight_zero_point"] = (zeros - (1 << (bits - 1))).astype(np.int8)
        elif not symmetric:
            out[name + ".weight_zero_point"] = pack(zeros, bits, 0)
        expect(name, codes, zeros, scales, group)

    pack_quantized("ct4_32_sym", 10, 128, 4, 32, True)
    pack_quantized("ct4_128_asym", 10, 256, 4, 128, False)
    pack_quantized("ct4_64_float32", 9, 128, 4, 64, False, np.float32)
    pack_quantized("ct4_channel", 8, 44, 4, 44, True)  # the last word is padded
    pack_quantized("ct8_channel_sym", 6, 64, 8, 64, True)
    pack_quantized("ct8_32_asym", 6, 64, 8, 32, False)
    pack_quantized("ct4_32_plain_zero", 6, 64, 4, 32, False, plain_zero=True)
    out["ct4_32_sym.weight_g_idx"] = np.full(128, -1, np.int32)
    write_fuzz_seeds(out)
    save_file(out, os.path.join(HERE, "quantised_linears.safetensors"))
    os.chmod(os.path.join(HERE, "quantised_linears.safetensors"), 0o644)


if __name__ == "__main__":
    main()
