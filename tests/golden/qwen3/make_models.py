"""Writes tiny Qwen3 and Llama models with random weights, and what PyTorch makes of them.

    python make_models.py        # rewrites the folders beside this file

Weights are stored in bfloat16, and the values stored are the values computed with: products in double precision, norms
and softmax in float32, as transformers has them. Needs torch, transformers and safetensors.

  tied     Qwen3, tied embeddings, three queries to a key head, head width that is not C / heads
  untied   Qwen3, an output layer of its own, `rope_parameters` in place of `rope_theta`, two shards
  llama    Llama, untied, no norms of heads, frequencies scaled as in Llama 3.1

expected.safetensors:
  tokens [n]        int32
  hidden.<i> [n, C] residual stream before block i, and after the last block
  logits [n, V]     for each position
"""

import json
import os

import torch
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM, Qwen3Config, Qwen3ForCausalLM

HERE = os.path.dirname(os.path.abspath(__file__))
COMMON = dict(hidden_size=40, num_hidden_layers=3, vocab_size=101, intermediate_size=72, rms_norm_eps=1e-6,
              max_position_embeddings=512, attention_dropout=0.0, use_cache=False)
MODELS = {
    "tied": (Qwen3Config, Qwen3ForCausalLM, dict(COMMON, num_attention_heads=6, num_key_value_heads=2, head_dim=16,
                                                 tie_word_embeddings=True, rope_theta=1e6)),
    "untied": (Qwen3Config, Qwen3ForCausalLM, dict(COMMON, num_attention_heads=4, num_key_value_heads=4, head_dim=8,
                                                   tie_word_embeddings=False, rope_theta=5e6)),
    "llama": (LlamaConfig, LlamaForCausalLM, dict(
        COMMON, num_attention_heads=4, num_key_value_heads=1, tie_word_embeddings=False, rope_theta=500000.0,
        rope_scaling=dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                          original_max_position_embeddings=64))),
}
LENGTH = 75  # more than one page of the cache


def lively(model, generator):
    """Weights large enough that attention is far from uniform; every norm off its default."""
    with torch.no_grad():
        for name, value in model.named_parameters():
            noise = torch.randn(value.shape, generator=generator, dtype=torch.float64)
            if "norm" in name:
                value.copy_(1 + 0.2 * noise)
            elif "embed_tokens" in name or "lm_head" in name:
                value.copy_(0.5 * noise)
            else:
                value.copy_(1.3 * noise / value.shape[1] ** 0.5)
            value.copy_(value.to(torch.bfloat16).double())  # what the file can hold


def config_json(name, config):
    """As published: the keys that matter, rope in one of its two spellings."""
    fields = config.to_dict()
    kept = {key: fields[key] for key in (
        "architectures", "model_type", "hidden_size", "num_hidden_layers", "num_attention_heads",
        "num_key_value_heads", "vocab_size", "intermediate_size", "rms_norm_eps", "max_position_embeddings",
        "tie_word_embeddings", "hidden_act") if fields.get(key) is not None}
    kept["architectures"] = ["LlamaForCausalLM" if name == "llama" else "Qwen3ForCausalLM"]
    if name != "llama":
        kept["head_dim"] = fields["head_dim"]
    settings = MODELS[name][2]
    if name == "untied":
        kept["rope_parameters"] = dict(rope_type="default", rope_theta=settings["rope_theta"])
    else:
        kept["rope_theta"] = settings["rope_theta"]
        kept["rope_scaling"] = settings.get("rope_scaling")
    kept["torch_dtype"] = "bfloat16"
    kept["eos_token_id"] = 2
    return kept


def write(name):
    config_class, model_class, settings = MODELS[name]
    generator = torch.Generator().manual_seed(len(name))
    config = config_class(**settings)
    config._attn_implementation = "eager"
    model = model_class(config).double().eval()
    lively(model, generator)
    # Frequencies in float32, as the models run; everything else in double.
    model.model.rotary_emb.float()
    folder = os.path.join(HERE, name)
    os.makedirs(folder, exist_ok=True)
    tokens = torch.randint(0, settings["vocab_size"], (1, LENGTH), generator=generator)
    with torch.no_grad():
        out = model(tokens, output_hidden_states=True)
        # transformers gives the normalised state in place of the last residual stream.
        streams = list(out.hidden_states[:-1])
        captured = []
        hook = model.model.norm.register_forward_pre_hook(lambda _, args: captured.append(args[0]))
        model(tokens)
        hook.remove()
        streams.append(captured[0])
    expected = {f"hidden.{i}": stream[0].float().contiguous() for i, stream in enumerate(streams)}
    expected["logits"] = out.logits[0].float().contiguous()
    expected["tokens"] = tokens[0].to(torch.int32)
    save_file(expected, os.path.join(folder, "expected.safetensors"))
    weights = {key: value.detach().to(torch.bfloat16).contiguous() for key, value in model.state_dict().items()
               if not (settings["tie_word_embeddings"] and key == "lm_head.weight")}
    if name == "untied":
        names = sorted(weights)
        parts = [names[::2], names[1::2]]
        index = {}
        for i, part in enumerate(parts):
            file = f"model-0000{i + 1}-of-00002.safetensors"
            save_file({key: weights[key] for key in part}, os.path.join(folder, file))
            index.update({key: file for key in part})
        with open(os.path.join(folder, "model.safetensors.index.json"), "w") as out_file:
            json.dump({"metadata": {"total_size": sum(w.numel() * 2 for w in weights.values())}, "weight_map": index},
                      out_file, indent=1)
    else:
        save_file(weights, os.path.join(folder, "model.safetensors"))
    with open(os.path.join(folder, "config.json"), "w") as out_file:
        json.dump(config_json(name, config), out_file, indent=1)
    with open(os.path.join(folder, "generation_config.json"), "w") as out_file:
        json.dump({"eos_token_id": [2, 3], "pad_token_id": 2, "temperature": 0.7, "top_p": 0.8, "top_k": 20}, out_file,
                  indent=1)


if __name__ == "__main__":
    for model_name in MODELS:
        write(model_name)
