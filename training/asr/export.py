"""Writes a recogniser as a Hugging Face Whisper directory in float16."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from training.asr.features import HOP, MELS
from training.asr.network import Config, Whisper
from training.asr.tokens import Tokens

MOST_BYTES = 15_000_000


def export(
    model: Whisper,
    tokens: Tokens,
    alignment_heads: list[list[int]],
    folder: Path,
    dtype: torch.dtype = torch.float16,
) -> int:
    """Returns the size of the directory in bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {
        "model." + name: value.detach().to("cpu", dtype).contiguous()
        for name, value in model.state_dict().items()
        if not name.startswith("ctc.")
    }
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    tokens.save(folder / "tokenizer.json")
    _write(folder / "config.json", _config(model.config, tokens, dtype))
    _write(folder / "generation_config.json", _generation(tokens, alignment_heads))
    _write(folder / "preprocessor_config.json", _PREPROCESSOR)
    _write(
        folder / "tokenizer_config.json",
        {
            "tokenizer_class": "WhisperTokenizer",
            "add_prefix_space": False,
            "bos_token": "<|endoftext|>",
            "eos_token": "<|endoftext|>",
            "unk_token": "<|endoftext|>",
            "pad_token": "<|endoftext|>",
            "model_max_length": 448,
        },
    )
    return sum(path.stat().st_size for path in folder.iterdir())


def _write(path: Path, data: dict) -> None:
    path.write_text(json.dumps(data, indent=1) + "\n")


def _suppressed(tokens: Tokens) -> list[int]:
    """Ids that are never text: the special ones between the end and the times, <|notimestamps|> excepted."""
    return [
        tokens.start,
        tokens.translate,
        tokens.transcribe,
        tokens.start_of_lm,
        tokens.previous,
        tokens.no_speech,
    ]


def _config(config: Config, tokens: Tokens, dtype: torch.dtype) -> dict:
    space = tokens.tokenizer.token_to_id("Ġ")
    return {
        "architectures": ["WhisperForConditionalGeneration"],
        "model_type": "whisper",
        "activation_function": "gelu",
        "d_model": config.width,
        "encoder_layers": config.encoder_layers,
        "decoder_layers": config.decoder_layers,
        "encoder_attention_heads": config.heads,
        "decoder_attention_heads": config.heads,
        "encoder_ffn_dim": config.encoder_ffn,
        "decoder_ffn_dim": config.decoder_ffn,
        "num_mel_bins": MELS,
        "max_source_positions": config.frames,
        "max_target_positions": config.positions,
        "vocab_size": tokens.size,
        "scale_embedding": False,
        "bos_token_id": tokens.end,
        "eos_token_id": tokens.end,
        "pad_token_id": tokens.end,
        "decoder_start_token_id": tokens.start,
        "tie_word_embeddings": True,
        "torch_dtype": str(dtype).removeprefix("torch."),
        "suppress_tokens": _suppressed(tokens),
        "begin_suppress_tokens": [space, tokens.end],
    }


def _generation(tokens: Tokens, alignment_heads: list[list[int]]) -> dict:
    space = tokens.tokenizer.token_to_id("Ġ")
    return {
        "alignment_heads": alignment_heads,
        "bos_token_id": tokens.end,
        "eos_token_id": tokens.end,
        "pad_token_id": tokens.end,
        "decoder_start_token_id": tokens.start,
        "no_timestamps_token_id": tokens.no_timestamps,
        "prev_sot_token_id": tokens.previous,
        "is_multilingual": True,
        "lang_to_id": {f"<|{name}|>": i for name, i in tokens.language.items()},
        "task_to_id": {"transcribe": tokens.transcribe, "translate": tokens.translate},
        "max_initial_timestamp_index": 1500,
        "max_length": 448,
        "return_timestamps": False,
        "suppress_tokens": _suppressed(tokens),
        "begin_suppress_tokens": [space, tokens.end],
    }


_PREPROCESSOR = {
    "feature_extractor_type": "WhisperFeatureExtractor",
    "processor_class": "WhisperProcessor",
    "feature_size": MELS,
    "hop_length": HOP,
    "n_fft": 400,
    "chunk_length": 30,
    "n_samples": 480000,
    "nb_max_frames": 3000,
    "padding_side": "right",
    "padding_value": 0.0,
    "return_attention_mask": False,
    "sampling_rate": 16000,
}
