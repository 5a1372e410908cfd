"""Logits of GGUF models of every type beside a forward pass in NumPy on the values that the `gguf` package reads.

The pass below follows llama.cpp's own reading of its files: Qwen3 turns halves of a head against each other, Llama turns
neighbours, because its query and key rows lie in pairs. Nothing of it is shared with the program.

Needs build/gguf-venv as gguf_peer_test.py makes it, and is skipped with a sentence where it cannot be made.
MAIE_MAKE_GGUF and MAIE_GGUF_LOGITS name the programs of tests/support, MAIE_BUILD the folder of builds.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TYPES = ["float32", "float16", "bfloat16", "q4_0", "q4_1", "q5_0", "q5_1", "q8_0", "q4_K", "q5_K", "q6_K"]
TOKENS = [(i * i * 31 + 7 * i) % 512 for i in range(70)]  # more than one page of the cache
# Sums of at most 512 products in float32 (6e-8 * sqrt(512) of a product) over two blocks and what the softmax makes of them.
RELATIVE = 1e-4


def main():
    venv = pathlib.Path(os.environ["MAIE_BUILD"]) / "gguf-venv"
    made = subprocess.run([ROOT / "tools/venv", venv, ROOT / "tests/tools/gguf_requirements.txt"], capture_output=True,
                          text=True, env=dict(os.environ, MAIE_VENV_SECONDS="300"))
    if made.returncode != 0:
        print("skipped: " + (made.stderr.strip() or made.stdout.strip()))
        raise SystemExit(77)
    # The packages are the venv's: this script runs again, with its interpreter.
    os.execv(venv / "bin" / "python", [str(venv / "bin" / "python"), "-B", __file__, "compare"])


def read(path):
    import gguf
    import numpy as np

    reader = gguf.GGUFReader(path)
    values = {tensor.name: np.asarray(gguf.quants.dequantize(tensor.data, tensor.tensor_type), np.float64).reshape(
        tensor.shape.tolist()[::-1]) for tensor in reader.tensors}
    return values, {name: field.contents() for name, field in reader.fields.items()}


def rms(x, gain, eps):
    import numpy as np

    return x / np.sqrt((x * x).mean(-1, keepdims=True) + eps) * gain


def turn(x, theta, neighbours):
    """Rotates [T, heads, D] by position, pairs of halves or of neighbours."""
    import numpy as np

    T, _, D = x.shape
    angle = np.arange(T)[:, None] * theta ** (-2 * np.arange(D // 2) / D)
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    a, b = (x[..., 0::2], x[..., 1::2]) if neighbours else (x[..., :D // 2], x[..., D // 2:])
    out = np.empty_like(x)
    if neighbours:
        out[..., 0::2], out[..., 1::2] = a * cos - b * sin, b * cos + a * sin
    else:
        out[..., :D // 2], out[..., D // 2:] = a * cos - b * sin, b * cos + a * sin
    return out


def logits_of(path):
    import numpy as np

    w, meta = read(path)
    name = meta["general.architecture"]
    get = lambda key: meta[f"{name}.{key}"]
    H, K, D = get("attention.head_count"), get("attention.head_count_kv"), get("attention.key_length")
    eps, theta, llama = get("attention.layer_norm_rms_epsilon"), get("rope.freq_base"), name == "llama"
    x = w["token_embd.weight"][TOKENS]
    T = len(TOKENS)
    for i in range(get("block_count")):
        at = lambda part: w[f"blk.{i}.{part}.weight"]
        h = rms(x, at("attn_norm"), eps)
        q, k, v = ((h @ at(part).T).reshape(T, -1, D) for part in ("attn_q", "attn_k", "attn_v"))
        if not llama:
            q, k = rms(q, at("attn_q_norm"), eps), rms(k, at("attn_k_norm"), eps)
        q, k = turn(q, theta, llama), turn(k, theta, llama)
        k, v = np.repeat(k, H // K, 1), np.repeat(v, H // K, 1)
        scores = np.einsum("thd,shd->hts", q, k) / np.sqrt(D)
        scores[:, np.triu_indices(T, 1)[0], np.triu_indices(T, 1)[1]] = -np.inf
        share = np.exp(scores - scores.max(-1, keepdims=True))
        share /= share.sum(-1, keepdims=True)
        x = x + np.einsum("hts,shd->thd", share, v).reshape(T, -1) @ at("attn_output").T
        h = rms(x, at("ffn_norm"), eps)
        gate = h @ at("ffn_gate").T
        x = x + (gate / (1 + np.exp(-gate)) * (h @ at("ffn_up").T)) @ at("ffn_down").T
    output = w.get("output.weight", w["token_embd.weight"])
    return rms(x, w["output_norm.weight"], eps) @ output.T


def compare():
    import numpy as np

    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        model, out = f"{folder}/model.gguf", f"{folder}/logits"
        for number, kind in enumerate(TYPES):
            architecture = ["qwen3", "llama"][number % 2]
            subprocess.run([os.environ["MAIE_MAKE_GGUF"], model, f"type={kind}", f"embedding={kind}",
                            f"architecture={architecture}", f"tied={number % 3 % 2}", f"seed={number + 5}"], check=True)
            want = logits_of(model)
            # As stored: activations have 8 bits, and so have weights of more than four.
            for compute, allowed in (("float32", RELATIVE), ("auto", 0.06)):
                subprocess.run([os.environ["MAIE_GGUF_LOGITS"], model, compute, out, *map(str, TOKENS)], check=True)
                got = np.fromfile(out, np.float32).reshape(want.shape)
                if compute == "float32":
                    error = np.abs(got - want).max() / np.abs(want).max()
                else:
                    error = np.sqrt(((got - want) ** 2).sum() / (want ** 2).sum())
                good = bool(error <= allowed)
                failures += not good
                print(f"{architecture} {kind} {compute}: off by {error:.2e} of {allowed}" + ("" if good else "  FAILED"))
    raise SystemExit(1 if failures else 0)


if __name__ == "__main__":
    compare() if sys.argv[1:] == ["compare"] else main()
