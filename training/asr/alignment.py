"""Which heads of the decoder look where the word is: measured against the word times of espeak-ng."""

from __future__ import annotations

import torch
from torch import Tensor

from training.asr.examine import TestWindow, features_of
from training.asr.network import Whisper
from training.asr.tokens import STEP_S, Tokens


@torch.inference_mode()
def cross_attention(model: Whisper, ids: Tensor, encoded: Tensor) -> list[Tensor]:
    """Weights [B, H, L, T] of each decoder layer's attention to the sound, for tokens ids [B, L]."""
    decoder = model.decoder
    x = decoder.embed_tokens(ids) + decoder.embed_positions.weight[: ids.shape[1]]
    weights = []
    for layer in decoder.layers:
        h = layer.self_attn_layer_norm(x)
        x = x + layer.self_attn.attend(h, *layer.self_attn.keys_values(h), causal=True)
        h = layer.encoder_attn_layer_norm(x)
        keys, values = layer.encoder_attn.keys_values(encoded)
        queries = layer.encoder_attn.split(layer.encoder_attn.q_proj(h))
        weights.append((queries @ keys.transpose(-1, -2) / queries.shape[-1] ** 0.5).softmax(-1))
        x = x + layer.encoder_attn.attend(h, keys, values)
        x = layer.feed_forward(x)
    return weights


def word_rows(text_ids: list[int], tokens: Tokens) -> list[int]:
    """Index of the first token of each word: those that begin with a space."""
    return [i for i, t in enumerate(text_ids) if tokens.tokenizer.id_to_token(t).startswith("Ġ")]


def best_heads(
    model: Whisper, tokens: Tokens, windows: list[TestWindow], most: int = 4
) -> tuple[list[list[int]], dict[str, float]]:
    """Heads [[layer, head], ...] that point at the word being written, and the share of words they hit.

    Hit: the frame of greatest weight, when the first token of a word is predicted, lies within 0.1 s
    of the word.
    """
    model.eval()
    device = next(model.parameters()).device
    hits: Tensor | None = None
    words = 0
    usable = [w for w in windows if len(w.words) == len(w.text.split()) and len(w.words) > 2]
    for window in usable:
        ids = tokens.encode(window.text)
        rows = word_rows(ids, tokens)
        if len(rows) != len(window.words):
            continue
        prompt = [tokens.start, tokens.language[window.language], tokens.transcribe, tokens.no_timestamps]
        encoded = model.encoder(features_of([window], device))
        weights = cross_attention(model, torch.tensor([[*prompt, *ids]], device=device), encoded)
        places = torch.stack([w[0].argmax(-1) for w in weights]) * STEP_S  # [layers, heads, L] seconds
        places = places[:, :, torch.tensor(rows, device=device) + len(prompt) - 1]
        start = torch.tensor([w.start_s for w in window.words], device=device)
        end = torch.tensor([w.end_s for w in window.words], device=device)
        found = ((places > start - 0.1) & (places < end + 0.1)).sum(-1)
        hits = found if hits is None else hits + found
        words += len(rows)
    if hits is None:
        last = model.config.decoder_layers - 1
        return [[last, head] for head in range(model.config.heads)], {}
    share = {
        (layer, head): float(hits[layer, head]) / words
        for layer in range(hits.shape[0])
        for head in range(hits.shape[1])
    }
    ranked = sorted(share, key=share.get, reverse=True)
    good = [pair for pair in ranked if share[pair] > 0.85 * share[ranked[0]]][:most]
    return [list(pair) for pair in sorted(good)], {f"{a},{b}": round(v, 3) for (a, b), v in share.items()}
