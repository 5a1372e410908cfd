"""Writes two tiny Whisper models with random weights, and what PyTorch makes of them.

    python make_model.py        # rewrites the folders beside this file

`even` has round sizes, `odd` has widths that fill no vector register. Weights are stored in float16,
and the values stored are the values computed with, in double precision: expected.safetensors holds
the true results, rounded once to float32. Needs torch, transformers and safetensors.

expected.safetensors, for windows a and b (mel differs, tokens differ):
  <w>.mel [2T, F]          input, time-major
  <w>.encoder.<i> [T, C]   residual stream before block i (0: after convolutions and positions), and
                           after the last block
  <w>.states [T, C]        after the last normalisation
  <w>.tokens [n]           int32; the first `prompt` are given at once, the others one by one
  <w>.logits [n, V]        for each of those positions
  <w>.decoder.<i> [n, C]   residual stream before block i, and after the last block
  <w>.scores [L, H, n, T]  cross-attention q k / sqrt(D) of every decoder layer and head
even only:
  long.tokens, long.logits [V]   a text longer than one pass, and the logits of its last position
"""

import json
import os

import torch
from safetensors.torch import save_file
from transformers import WhisperConfig, WhisperForConditionalGeneration

HERE = os.path.dirname(os.path.abspath(__file__))
PROMPT = 6

SIZES = {
    "even": dict(d_model=48, encoder_layers=2, decoder_layers=2, encoder_attention_heads=3,
                 decoder_attention_heads=3, encoder_ffn_dim=96, decoder_ffn_dim=96, vocab_size=200,
                 num_mel_bins=80, max_source_positions=40, max_target_positions=80),
    "odd": dict(d_model=36, encoder_layers=1, decoder_layers=1, encoder_attention_heads=3,
                decoder_attention_heads=2, encoder_ffn_dim=53, decoder_ffn_dim=71, vocab_size=131,
                num_mel_bins=80, max_source_positions=13, max_target_positions=31),
}


def lively(model, generator):
    """Weights large enough that attention is far from uniform; every bias and norm off its default."""
    with torch.no_grad():
        for name, value in model.named_parameters():
            noise = torch.randn(value.shape, generator=generator)
            if name.endswith("encoder.embed_positions.weight"):
                continue  # the sinusoid
            if "layer_norm.weight" in name:
                value.copy_(1 + 0.2 * noise)
            elif name.endswith(".bias"):
                value.copy_(0.2 * noise)
            elif "embed" in name:
                value.copy_(0.4 * noise)
            else:
                fan_in = value[0].numel()
                gain = 1.8 if "q_proj" in name or "k_proj" in name else 0.9
                value.copy_(gain * noise / fan_in**0.5)
        for parameter in model.parameters():
            parameter.copy_(parameter.half().double())


def smooth_mel(frames, bins, generator):
    coarse = torch.randn(1, 1, frames // 4 + 2, bins // 8 + 2, generator=generator)
    mel = torch.nn.functional.interpolate(coarse, size=(frames, bins), mode="bilinear")[0, 0]
    return (0.5 * mel + 0.1 * torch.randn(frames, bins, generator=generator)).clamp(-1, 1.5)


def scores_of(layers, queries, keys, heads, width):
    out = []
    for layer in range(len(layers)):
        q = torch.cat(queries[layer], dim=1)[0]
        k = keys[layer][0][0]
        D = width // heads
        q = q.view(-1, heads, D).transpose(0, 1)
        k = k.view(-1, heads, D).transpose(0, 1)
        out.append(q @ k.transpose(1, 2) / D**0.5)
    return torch.stack(out)


def run(name, sizes, seed):
    generator = torch.Generator().manual_seed(seed)
    vocabulary = sizes["vocab_size"]
    config = WhisperConfig(
        **sizes, activation_function="gelu", dropout=0.0, attention_dropout=0.0,
        activation_dropout=0.0, pad_token_id=0, bos_token_id=1, eos_token_id=vocabulary - 50,
        decoder_start_token_id=vocabulary - 49, suppress_tokens=[], begin_suppress_tokens=[])
    config._attn_implementation = "eager"
    model = WhisperForConditionalGeneration(config).double().eval()
    lively(model, generator)

    folder = os.path.join(HERE, name)
    os.makedirs(folder, exist_ok=True)
    weights = {k: v.half().contiguous() for k, v in model.state_dict().items() if k != "proj_out.weight"}
    save_file(weights, os.path.join(folder, "model.safetensors"), metadata={"format": "pt"})
    heads = sizes["decoder_attention_heads"]
    described = {**sizes, "model_type": "whisper", "architectures": ["WhisperForConditionalGeneration"],
                 "activation_function": "gelu", "eos_token_id": config.eos_token_id,
                 "decoder_start_token_id": config.decoder_start_token_id, "torch_dtype": "float16"}
    with open(os.path.join(folder, "config.json"), "w") as f:
        json.dump(described, f, indent=1)
    with open(os.path.join(folder, "generation_config.json"), "w") as f:
        every = [[l, h] for l in range(sizes["decoder_layers"]) for h in range(heads)]
        json.dump({"alignment_heads": every}, f)

    out = {}
    layers = model.model.decoder.layers
    captured = {"in": [], "q": [[] for _ in layers], "k": [[] for _ in layers],
                "x": [[] for _ in range(len(layers) + 1)]}
    for stage in (*model.model.encoder.layers, model.model.encoder.layer_norm):
        stage.register_forward_pre_hook(lambda _, args: captured["in"].append(args[0].clone()))
    for i, stage in enumerate((*layers, model.model.decoder.layer_norm)):
        stage.register_forward_pre_hook(lambda _, args, i=i: captured["x"][i].append(args[0].clone()))
    for i, block in enumerate(layers):
        block.encoder_attn.q_proj.register_forward_hook(
            lambda _, args, y, i=i: captured["q"][i].append(y.clone()))
        block.encoder_attn.k_proj.register_forward_hook(
            lambda _, args, y, i=i: captured["k"][i].append(y.clone()))
    frames = 2 * sizes["max_source_positions"]
    for window, extra in (("a", 3), ("b", 2)):
        for listed in (captured["in"], *captured["q"], *captured["k"], *captured["x"]):
            listed.clear()
        mel = smooth_mel(frames, sizes["num_mel_bins"], generator)
        tokens = torch.randint(0, vocabulary, (1, PROMPT + extra), generator=generator)
        with torch.no_grad():
            states = model.model.encoder(mel.T[None].double()).last_hidden_state
            given = dict(encoder_outputs=(states,), use_cache=True)
            step = model(decoder_input_ids=tokens[:, :PROMPT], **given)
            logits = [step.logits]
            for position in range(PROMPT, tokens.shape[1]):
                step = model(decoder_input_ids=tokens[:, position : position + 1],
                             past_key_values=step.past_key_values, **given)
                logits.append(step.logits)
        out[f"{window}.mel"] = mel
        for i, x in enumerate(captured["in"]):
            out[f"{window}.encoder.{i}"] = x[0]
        for i, parts in enumerate(captured["x"]):
            out[f"{window}.decoder.{i}"] = torch.cat(parts, dim=1)[0]
        out[f"{window}.states"] = states[0]
        out[f"{window}.tokens"] = tokens[0].int()
        out[f"{window}.logits"] = torch.cat(logits, dim=1)[0]
        out[f"{window}.scores"] = scores_of(layers, captured["q"], captured["k"], heads, sizes["d_model"])
    if name == "even":
        tokens = torch.randint(0, vocabulary, (1, 75), generator=generator)
        with torch.no_grad():
            out["long.logits"] = model(encoder_outputs=(states,), decoder_input_ids=tokens).logits[0, -1]
        out["long.tokens"] = tokens[0].int()
    out = {k: (v if v.dtype == torch.int32 else v.float()).contiguous() for k, v in out.items()}
    save_file(out, os.path.join(folder, "expected.safetensors"))
    for k, v in out.items():
        print(name, k, tuple(v.shape), f"max {v.abs().max():.3g}", f"std {v.float().std():.3g}")
    soft = torch.softmax(out["a.scores"], -1)
    print(name, "largest attention weight, mean over rows", soft.max(-1).values.mean().item())


if __name__ == "__main__":
    torch.set_num_threads(1)
    for seed, (name, sizes) in enumerate(SIZES.items()):
        run(name, sizes, seed + 1)
