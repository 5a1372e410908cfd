"""The published layout of a Qwen3: config.json, generation_config.json, tokenizer files, model.safetensors;
and prompts.json, which holds the system message of each job."""

import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer

from training.lm import chat
from training.lm.network import Config, Qwen3
from training.lm.vocabulary import save_vocabulary

WEIGHTS = "model.safetensors"


def export(network: Qwen3, tokenizer: Tokenizer, folder: Path) -> None:
    """Writes everything that a Hugging Face Qwen3 directory needs, weights in bfloat16."""
    folder.mkdir(parents=True, exist_ok=True)
    config = network.config
    ids = {name: tokenizer.token_to_id(name) for name in ("<|im_end|>", "<|endoftext|>")}
    _write(
        folder / "config.json",
        {
            "architectures": ["Qwen3ForCausalLM"],
            "model_type": "qwen3",
            "vocab_size": config.vocab_size,
            "hidden_size": config.hidden_size,
            "intermediate_size": config.intermediate_size,
            "num_hidden_layers": config.num_hidden_layers,
            "num_attention_heads": config.num_attention_heads,
            "num_key_value_heads": config.num_key_value_heads,
            "head_dim": config.head_dim,
            "hidden_act": "silu",
            "max_position_embeddings": config.max_position_embeddings,
            "rms_norm_eps": config.rms_norm_eps,
            "rope_theta": config.rope_theta,
            "rope_scaling": None,
            "tie_word_embeddings": True,
            "attention_bias": False,
            "attention_dropout": 0.0,
            "use_sliding_window": False,
            "sliding_window": None,
            "use_cache": True,
            "bos_token_id": ids["<|endoftext|>"],
            "eos_token_id": ids["<|im_end|>"],
            "pad_token_id": ids["<|endoftext|>"],
            "initializer_range": 0.02,
            "torch_dtype": "bfloat16",
        },
    )
    _write(
        folder / "generation_config.json",
        {
            "do_sample": False,
            "eos_token_id": [ids["<|im_end|>"], ids["<|endoftext|>"]],
            "pad_token_id": ids["<|endoftext|>"],
            "bos_token_id": ids["<|endoftext|>"],
        },
    )
    save_vocabulary(tokenizer, folder)
    _write(folder / "prompts.json", chat.SYSTEM)
    state = network.state_dict()
    weights = {name: tensor.detach().to("cpu", torch.bfloat16).contiguous() for name, tensor in state.items()}
    save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})
    (folder / WEIGHTS).chmod(0o644)


def load(folder: Path) -> tuple[Qwen3, Tokenizer]:
    """A model directory of the published layout, weights widened to float32."""
    settings = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    network = Qwen3(Config(**{name: settings[name] for name in Config.__dataclass_fields__}))
    weights = load_file(folder / WEIGHTS)
    network.load_state_dict({name: tensor.float() for name, tensor in weights.items()})
    return network, Tokenizer.from_file(str(folder / "tokenizer.json"))


def _write(path: Path, value: dict) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
