"""Greedy decoding of a batch of windows, with key and value caches."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from training.asr.network import Whisper
from training.asr.tokens import Tokens


@dataclass
class Decoded:
    """What was written for one window."""

    ids: list[int]  # after the prompt, without <|endoftext|>
    no_speech: float  # probability of <|nospeech|> after <|startoftranscript|>
    language: str  # most likely one
    mean_log_probability: float


class _Cache:
    """Keys and values of the decoder's layers for B windows."""

    def __init__(self, model: Whisper, encoded: Tensor, length: int) -> None:
        layers = model.decoder.layers
        shape = (encoded.shape[0], model.config.heads, length, model.config.width // model.config.heads)
        self.cross = [layer.encoder_attn.keys_values(encoded) for layer in layers]
        self.own = [[encoded.new_zeros(shape) for _ in range(2)] for _ in layers]
        self.used = 0


def _advance(model: Whisper, ids: Tensor, cache: _Cache) -> Tensor:
    """Logits [B, n, V] of the next n tokens `ids` [B, n]."""
    decoder, start, count = model.decoder, cache.used, ids.shape[1]
    x = decoder.embed_tokens(ids) + decoder.embed_positions.weight[start : start + count]
    mask = torch.ones(count, start + count, dtype=torch.bool, device=ids.device).tril(start)
    for layer, own, cross in zip(decoder.layers, cache.own, cache.cross):
        h = layer.self_attn_layer_norm(x)
        for store, new in zip(own, layer.self_attn.keys_values(h)):
            store[:, :, start : start + count] = new
        keys, values = (store[:, :, : start + count] for store in own)
        x = x + layer.self_attn.attend(h, keys, values, mask)
        x = x + layer.encoder_attn.attend(layer.encoder_attn_layer_norm(x), *cross)
        x = layer.feed_forward(x)
    cache.used += count
    return decoder.logits(x).float()


@torch.inference_mode()
def greedy(
    model: Whisper,
    tokens: Tokens,
    mel: Tensor,
    languages: list[str] | None = None,
    timestamps: bool = False,
    most: int = 224,
) -> list[Decoded]:
    """Decodes mel [B, 80, 3000]. languages: given ones, else each window's most likely one."""
    device, batch = mel.device, mel.shape[0]
    with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
        encoded = model.encoder(mel)
        cache = _Cache(model, encoded, most + 8)
        first = _advance(model, torch.full((batch, 1), tokens.start, device=device), cache)[:, 0]
        known = torch.tensor(list(tokens.language.values()), device=device)
        best = known[first[:, known].argmax(-1)]
        no_speech = first.softmax(-1)[:, tokens.no_speech]
        if languages is not None:
            given = torch.tensor([tokens.language[name] for name in languages], device=device)
        else:
            given = best
        prompt = [given, torch.full_like(given, tokens.transcribe)]
        if not timestamps:
            prompt.append(torch.full_like(given, tokens.no_timestamps))
        logits = _advance(model, torch.stack(prompt, 1), cache)[:, -1]
        history = torch.full((batch, most), tokens.end, device=device)
        total = torch.zeros(batch, device=device)
        count = torch.zeros(batch, device=device)
        done = torch.zeros(batch, dtype=torch.bool, device=device)
        newest = torch.full((batch,), tokens.first_time, device=device)
        for step in range(most):
            scores = _with_rules(logits, history, step, newest, tokens, timestamps)
            log_probability, chosen = scores.log_softmax(-1).max(-1)
            chosen = torch.where(done, tokens.end, chosen)
            total += torch.where(done, 0, log_probability)
            count += ~done
            done |= chosen == tokens.end
            history[:, step] = chosen
            newest = torch.where(chosen >= tokens.first_time, chosen, newest)
            if step % 8 == 7 and bool(done.all()):
                break
            logits = _advance(model, chosen[:, None], cache)[:, -1]
    names = {i: name for name, i in tokens.language.items()}
    rows = zip(history.tolist(), no_speech.tolist(), best.tolist(), (total / count.clamp(min=1)).tolist())
    return [
        Decoded(ids[: ids.index(tokens.end)] if tokens.end in ids else ids, p, names[language], mean)
        for ids, p, language, mean in rows
    ]


def _with_rules(
    logits: Tensor, history: Tensor, step: int, newest: Tensor, tokens: Tokens, timestamps: bool
) -> Tensor:
    """Masks what Whisper's decoding rules forbid (docs/spec/models.md, section 1.7)."""
    minus = float("-inf")
    scores = logits.clone()
    scores[:, tokens.end + 1 : tokens.first_time] = minus
    if not timestamps:
        scores[:, tokens.first_time :] = minus
        return scores
    if step == 0:
        scores[:, : tokens.end] = minus  # the end stays: a window without speech
        return scores
    last = history[:, step - 1] >= tokens.first_time
    before = history[:, step - 2] >= tokens.first_time if step > 1 else last
    ids = torch.arange(scores.shape[1], device=scores.device)
    is_time = ids >= tokens.first_time
    # After two times there is text; after text and a time, a time or the end.
    scores = scores.masked_fill((last & before)[:, None] & is_time, minus)
    scores = scores.masked_fill((last & ~before)[:, None] & (ids < tokens.end), minus)
    at_least = torch.where(last, newest, newest + 1)[:, None]
    scores = scores.masked_fill(is_time & (ids < at_least), minus)
    all_times = scores[:, tokens.first_time :].logsumexp(-1)
    prefer_time = all_times > scores[:, : tokens.first_time].amax(-1)
    return scores.masked_fill((prefer_time & ~(last & before))[:, None] & ~is_time, minus)
