"""Writes the model files that the tests of src/formats and src/models/whisper read.

One tiny Whisper (random weights, every bias and norm perturbed) in every form a published model
comes in, and the values its quantised forms stand for, worked out here in NumPy doubles.

    python make_models.py                       # rewrites the folders beside this file
    python make_models.py ggml MODEL_DIR OUT q5_0   # a Hugging Face directory as a ggml file

Needs torch, transformers, tokenizers, safetensors, ctranslate2 and numpy; where the `gguf` package
is there too, the block quantiser below is checked against it.
"""

import copy
import json
import os
import shutil
import struct
import sys

import numpy as np
import torch
from safetensors.torch import save_file, load_file

HERE = os.path.dirname(os.path.abspath(__file__))
BLOCK = 32

# ---------------------------------------------------------------- ggml blocks

GGML_TYPES = {"f32": 0, "f16": 1, "q4_0": 2, "q4_1": 3, "q5_0": 6, "q5_1": 7, "q8_0": 8}
BLOCK_BYTES = {"q4_0": 18, "q4_1": 20, "q5_0": 22, "q5_1": 24, "q8_0": 34}
# The file type in the header, as whisper.cpp numbers it; quantised files carry version 2 times 1000.
FILE_TYPES = {"f32": 0, "f16": 1, "q4_0": 2002, "q4_1": 2003, "q8_0": 2007, "q5_0": 2008, "q5_1": 2009}


def pack_nibbles(q):
    """[blocks, 32] values 0..15: the low half in the low nibbles, the high half in the high ones."""
    return (q[:, :16] | (q[:, 16:] << 4)).astype(np.uint8)


def pack_fifth_bits(q):
    """Bit j of a little-endian u32 is bit 4 of value j."""
    bits = ((q >> 4).astype(np.uint64) << np.arange(BLOCK, dtype=np.uint64)).sum(axis=1)
    return bits.astype("<u4").view(np.uint8).reshape(-1, 4)


def half_bytes(x):
    return x.astype("<f2").view(np.uint8).reshape(-1, 2)


def quantize(x, kind):
    """Rows of floats to the bytes of blocks of 32."""
    x = np.asarray(x, np.float64).reshape(-1, BLOCK)
    if kind == "q8_0":
        d = np.abs(x).max(axis=1, keepdims=True) / 127
        q = np.rint(np.divide(x, d, out=np.zeros_like(x), where=d != 0)).astype(np.int8)
        return np.hstack([half_bytes(d), q.view(np.uint8)]).tobytes()
    if kind in ("q4_0", "q5_0"):
        half = 8 if kind == "q4_0" else 16
        peak = np.take_along_axis(x, np.abs(x).argmax(axis=1)[:, None], 1)
        d = peak / -half
        q = np.divide(x, d, out=np.zeros_like(x), where=d != 0)
        q = np.clip(np.floor(q + half + 0.5), 0, 2 * half - 1).astype(np.uint32)
        parts = [half_bytes(d)]
    else:
        top = 15 if kind == "q4_1" else 31
        low = x.min(axis=1, keepdims=True)
        d = (x.max(axis=1, keepdims=True) - low) / top
        q = np.divide(x - low, d, out=np.zeros_like(x), where=d != 0)
        q = np.clip(np.floor(q + 0.5), 0, top).astype(np.uint32)
        parts = [half_bytes(d), half_bytes(low)]
    if kind in ("q5_0", "q5_1"):
        parts.append(pack_fifth_bits(q))
    parts.append(pack_nibbles(q & 15))
    return np.hstack(parts).tobytes()


def dequantize(data, kind):
    """The values the bytes stand for: worked out in doubles, then rounded once to float32."""
    raw = np.frombuffer(data, np.uint8).reshape(-1, BLOCK_BYTES[kind])
    d = raw[:, 0:2].copy().view("<f2").astype(np.float64)
    if kind == "q8_0":
        return (d * raw[:, 2:].copy().view(np.int8)).astype(np.float32).reshape(-1)
    at = 2
    low = None
    if kind in ("q4_1", "q5_1"):
        low = raw[:, 2:4].copy().view("<f2").astype(np.float64)
        at = 4
    q = np.zeros((raw.shape[0], BLOCK), np.int64)
    if kind in ("q5_0", "q5_1"):
        bits = raw[:, at : at + 4].copy().view("<u4").astype(np.int64)
        q += ((bits >> np.arange(BLOCK)) & 1) << 4
        at += 4
    q[:, :16] += raw[:, at:] & 15
    q[:, 16:] += raw[:, at:] >> 4
    if low is None:
        return (d * (q - (8 if kind == "q4_0" else 16))).astype(np.float32).reshape(-1)
    return (d * q + low).astype(np.float32).reshape(-1)


def write_block_golden():
    """Random bytes as blocks (scales finite), the values beside them."""
    rng = np.random.default_rng(7)
    out = {}
    for kind, size in BLOCK_BYTES.items():
        raw = rng.integers(0, 256, (24, size), dtype=np.uint8)
        for at in (0, 2) if kind in ("q4_1", "q5_1") else (0,):
            raw[:, at : at + 2] = half_bytes(rng.normal(0, 0.1, 24))
        raw[0, 0:2] = half_bytes(np.array([2.0**-24]))  # the least subnormal
        raw[1, 0:2] = half_bytes(np.array([-65504.0]))
        values = dequantize(raw.tobytes(), kind)
        out[f"{kind}.bytes"] = torch.from_numpy(raw)
        out[f"{kind}.values"] = torch.from_numpy(values)
        check_against_gguf(raw, kind, values, rng)
    save_file(out, os.path.join(HERE, "blocks.safetensors"))


def check_against_gguf(raw, kind, values, rng):
    try:
        import gguf
    except ImportError:
        return
    number = gguf.GGMLQuantizationType(GGML_TYPES[kind])
    theirs = gguf.quants.dequantize(raw, number).reshape(-1)
    assert np.array_equal(theirs, values), kind
    x = rng.normal(0, 1, (8, BLOCK)).astype(np.float32)
    ours = dequantize(quantize(x, kind), kind)
    peer = gguf.quants.dequantize(gguf.quants.quantize(x, number), number).reshape(-1)
    assert np.mean(ours == peer) > 0.98, kind  # they round in float32
    print(kind, "agrees with gguf")


# ---------------------------------------------------------------- ggml file

def openai_name(name):
    """A Hugging Face weight name as the .pt file and whisper.cpp have it."""
    if name == "encoder.embed_positions.weight":
        return "encoder.positional_embedding"
    if name == "decoder.embed_positions.weight":
        return "decoder.positional_embedding"
    for old, new in (
        ("decoder.embed_tokens.", "decoder.token_embedding."),
        ("encoder.layer_norm.", "encoder.ln_post."),
        ("decoder.layer_norm.", "decoder.ln."),
        (".layers.", ".blocks."),
        (".encoder_attn_layer_norm.", ".cross_attn_ln."),
        (".self_attn_layer_norm.", ".attn_ln."),
        (".final_layer_norm.", ".mlp_ln."),
        (".encoder_attn.", ".cross_attn."),
        (".self_attn.", ".attn."),
        (".q_proj.", ".query."),
        (".k_proj.", ".key."),
        (".v_proj.", ".value."),
        (".out_proj.", ".out."),
        (".fc1.", ".mlp.0."),
        (".fc2.", ".mlp.2."),
    ):
        name = name.replace(old, new)
    return name


def mel_filters(count):
    """Slaney triangles, [count, 201]."""
    m = np.arange(count + 2) * 45.245640471924965 / (count + 1)
    f = np.where(m < 15, m * 200 / 3, 1000 * np.exp(np.log(6.4) / 27 * (m - 15)))
    k = 40.0 * np.arange(201)
    up = (k - f[:-2, None]) / (f[1:-1] - f[:-2])[:, None]
    down = (f[2:, None] - k) / (f[2:] - f[1:-1])[:, None]
    return np.maximum(0, np.minimum(up, down)) * (2 / (f[2:] - f[:-2]))[:, None]


def unicode_bytes():
    """Character of the byte-level alphabet -> byte."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    table = {chr(b): b for b in plain}
    rest = [b for b in range(256) if b not in plain]
    table.update({chr(256 + n): b for n, b in enumerate(rest)})
    return table


def write_ggml(directory, out, kind):
    """A Hugging Face directory as whisper.cpp has it: header, filters, ordinary tokens, tensors."""
    config = json.load(open(os.path.join(directory, "config.json")))
    tokenizer = json.load(open(os.path.join(directory, "tokenizer.json")))
    state = load_file(os.path.join(directory, "model.safetensors"))
    table = unicode_bytes()
    added = {t["content"] for t in tokenizer["added_tokens"]}
    vocab = sorted(tokenizer["model"]["vocab"].items(), key=lambda item: item[1])
    words = [bytes(table[c] for c in token) for token, _ in vocab if token not in added]
    d = config["d_model"]
    with open(out, "wb") as f:
        f.write(struct.pack("<I", 0x67676D6C))
        f.write(struct.pack(
            "<11i", config["vocab_size"], config["max_source_positions"], d,
            config["encoder_attention_heads"], config["encoder_layers"],
            config["max_target_positions"], d, config["decoder_attention_heads"],
            config["decoder_layers"], config["num_mel_bins"], FILE_TYPES[kind]))
        filters = mel_filters(config["num_mel_bins"]).astype("<f4")
        f.write(struct.pack("<2i", *filters.shape) + filters.tobytes())
        f.write(struct.pack("<i", len(words)))
        for word in words:
            f.write(struct.pack("<I", len(word)) + word)
        for name, tensor in state.items():
            name = openai_name(name.removeprefix("model."))
            if name == "proj_out.weight":
                continue
            x = tensor.float().numpy()
            if name in ("encoder.conv1.bias", "encoder.conv2.bias"):
                x = x.reshape(-1, 1)
            stored = kind
            if x.ndim < 2 or name.endswith(("conv1.bias", "conv2.bias", "positional_embedding")):
                stored = "f32"
            elif kind.startswith("q") and x.ndim != 2:
                stored = "f16"
            f.write(struct.pack("<3i", x.ndim, len(name), GGML_TYPES[stored]))
            f.write(struct.pack(f"<{x.ndim}i", *reversed(x.shape)) + name.encode())
            if stored.startswith("q"):
                f.write(quantize(x, stored))
            else:
                f.write(x.astype("<f4" if stored == "f32" else "<f2").tobytes())


# ---------------------------------------------------------------- the tiny model

def write_json(path, value):
    with open(path, "w") as f:
        json.dump(value, f, indent=1, ensure_ascii=False)


def tiny_model():
    from transformers import WhisperConfig, WhisperForConditionalGeneration

    torch.manual_seed(11)
    config = WhisperConfig(
        vocab_size=72, num_mel_bins=8, d_model=32, encoder_layers=1, decoder_layers=2,
        encoder_attention_heads=2, decoder_attention_heads=4, encoder_ffn_dim=32,
        decoder_ffn_dim=64, max_source_positions=20, max_target_positions=12,
        bos_token_id=66, eos_token_id=66, pad_token_id=66, decoder_start_token_id=67,
        suppress_tokens=None, begin_suppress_tokens=None)
    model = WhisperForConditionalGeneration(config)
    with torch.no_grad():
        for name, p in model.named_parameters():
            if name == "model.encoder.embed_positions.weight":
                continue  # the sinusoid
            p.copy_(torch.randn_like(p) * (0.2 if p.ndim > 1 else 0.3) + (1.0 if "norm.weight" in name else 0.0))
        # A row of zeros, for the scale of nothing.
        model.model.decoder.embed_tokens.weight[5] = 0
    return model


def write_side_files(directory):
    """Configuration and tokenizer as a published directory has them, in the tiny sizes."""
    tokens = [chr(c) for c in range(57, 57 + 64)] + ["\u0120", "\u0120a"]
    special = ["<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|transcribe|>",
               "<|notimestamps|>", "<|0.00|>"]
    write_json(os.path.join(directory, "tokenizer.json"), {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [
            {"id": 66 + i, "content": t, "single_word": False, "lstrip": False, "rstrip": False,
             "normalized": False, "special": True} for i, t in enumerate(special)],
        "normalizer": None,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True,
                          "use_regex": True},
        "post_processor": None,
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True,
                    "use_regex": True},
        "model": {"type": "BPE", "dropout": None, "unk_token": None,
                  "continuing_subword_prefix": None, "end_of_word_suffix": None,
                  "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
                  "vocab": {t: i for i, t in enumerate(tokens)}, "merges": ["\u0120 a"]}})
    write_json(os.path.join(directory, "generation_config.json"), {
        "alignment_heads": [[1, 0], [1, 3]], "decoder_start_token_id": 67, "eos_token_id": 66,
        "is_multilingual": True, "lang_to_id": {"<|en|>": 68}, "task_to_id": {"transcribe": 69},
        "max_initial_timestamp_index": 40, "no_timestamps_token_id": 70,
        "suppress_tokens": [1, 2, 7], "begin_suppress_tokens": [64, 66]})
    write_json(os.path.join(directory, "preprocessor_config.json"), {
        "feature_extractor_type": "WhisperFeatureExtractor", "feature_size": 8,
        "sampling_rate": 16000, "hop_length": 160, "chunk_length": 30, "n_fft": 400})


def fresh(name):
    path = os.path.join(HERE, name)
    shutil.rmtree(path, ignore_errors=True)
    os.makedirs(path)
    return path


def write_huggingface(model):
    for name, dtype in (("float32", torch.float32), ("float16", torch.float16),
                        ("bfloat16", torch.bfloat16)):
        directory = fresh(f"hf-{name}")
        # The file type of float32 is the sharded one, to have that form too.
        copy.deepcopy(model).to(dtype).save_pretrained(
            directory, max_shard_size="70KB" if name == "float32" else "1GB")
        write_side_files(directory)


def whole_float32_copy(scratch, model):
    os.makedirs(scratch, exist_ok=True)
    model.save_pretrained(scratch)
    write_side_files(scratch)
    # The converter asks for it; our reader does not.
    write_json(os.path.join(scratch, "tokenizer_config.json"),
               {"tokenizer_class": "PreTrainedTokenizerFast"})


def write_ctranslate2(source):
    from ctranslate2.converters import TransformersConverter

    for kind in ("float32", "float16", "bfloat16", "int8", "int8_float16", "int16"):
        directory = os.path.join(HERE, f"ct2-{kind}")
        TransformersConverter(source).convert(directory, quantization=kind, force=True)


def ct2_variables(path):
    data = open(path, "rb").read()
    at = 0

    def number(size):
        nonlocal at
        value = int.from_bytes(data[at : at + size], "little")
        at += size
        return value

    def string():
        nonlocal at
        size = number(2)
        value = data[at : at + size - 1].decode()
        at += size
        return value

    version = number(4)
    spec, revision = string(), number(4)
    types = [np.float32, np.int8, np.int16, np.int32, np.float16, np.uint16]
    out = {}
    for _ in range(number(4)):
        name = string()
        shape = [number(4) for _ in range(number(1))]
        kind, size = number(1), number(4)
        out[name] = np.frombuffer(data[at : at + size], types[kind]).reshape(shape)
        at += size
    aliases = [(string(), string()) for _ in range(number(4))]
    assert at == len(data), (at, len(data))
    return version, spec, revision, out, dict(aliases)


def write_expected(model):
    """What the quantised files stand for, by tensor name `<form>/<canonical name>`."""
    state = {k.removeprefix("model."): v.float().numpy() for k, v in model.state_dict().items()}
    out = {}
    for name in ("decoder.layers.1.fc2.weight", "decoder.layers.0.encoder_attn.k_proj.weight"):
        for kind in ("q8_0", "q5_0", "q5_1", "q4_0"):
            values = dequantize(quantize(state[name], kind), kind).reshape(state[name].shape)
            out[f"ggml-{kind}/{name}"] = torch.from_numpy(values)
    _, _, _, v, aliases = ct2_variables(os.path.join(HERE, "ct2-int8", "model.bin"))
    d = 32

    def rows(name, first, count, shape=None):
        q = v[name + "weight"][first : first + count].reshape(count, -1).astype(np.float64)
        scale = v[name + "weight_scale"].astype(np.float64)[first : first + count]
        x = (q / scale[:, None]).astype(np.float32)
        return torch.from_numpy(x if shape is None else x.reshape(shape))

    embed = "decoder/embeddings/"
    out["ct2-int8/decoder.embed_tokens.weight"] = rows(embed, 0, 72)
    out["ct2-int8/encoder.layers.0.self_attn.v_proj.weight"] = rows(
        "encoder/layer_0/self_attention/linear_0/", 2 * d, d)
    out["ct2-int8/decoder.layers.1.encoder_attn.k_proj.weight"] = rows(
        "decoder/layer_1/attention/linear_1/", 0, d)
    out["ct2-int8/decoder.layers.1.fc2.weight"] = rows("decoder/layer_1/ffn/linear_1/", 0, d)
    out["ct2-int8/encoder.conv1.weight"] = rows("encoder/conv1/", 0, d, (d, 8, 3))
    _, _, _, v, _ = ct2_variables(os.path.join(HERE, "ct2-int16", "model.bin"))
    name = "decoder/layer_1/ffn/linear_1/weight"
    scale = float(v[name + "_scale"])
    out["ct2-int16/decoder.layers.1.fc2.weight"] = torch.from_numpy(
        (v[name].astype(np.float64) / scale).astype(np.float32))
    save_file({k: t.contiguous() for k, t in out.items()}, os.path.join(HERE, "expected.safetensors"))


def main():
    if len(sys.argv) == 5 and sys.argv[1] == "ggml":
        write_ggml(*sys.argv[2:5])
        return
    import tempfile

    write_block_golden()
    model = tiny_model()
    write_huggingface(model)
    with tempfile.TemporaryDirectory() as scratch:
        whole_float32_copy(scratch, model)
        write_ctranslate2(scratch)
        for kind in ("f32", "f16", "q8_0", "q5_0", "q5_1", "q4_0"):
            write_ggml(scratch, os.path.join(HERE, f"ggml-{kind}.bin"), kind)
    write_expected(model)


if __name__ == "__main__":
    main()
