"""Whisper's network (arXiv:2212.04356), with the parameter names of Hugging Face's checkpoints.

Shapes: B windows, T encoder frames of 20 ms, L tokens, C width, H heads of 64.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.asr.features import MELS

HEAD = 64


@dataclass(frozen=True)
class Config:
    """Sizes of the network."""

    vocabulary: int
    width: int = 256
    encoder_layers: int = 6
    decoder_layers: int = 2
    encoder_ffn: int = 768
    decoder_ffn: int = 768
    frames: int = 1500
    positions: int = 448
    dropout: float = 0.05

    @property
    def heads(self) -> int:
        return self.width // HEAD


class Attention(nn.Module):
    def __init__(self, c: Config) -> None:
        super().__init__()
        self.heads = c.heads
        self.q_proj = nn.Linear(c.width, c.width)
        self.k_proj = nn.Linear(c.width, c.width, bias=False)
        self.v_proj = nn.Linear(c.width, c.width)
        self.out_proj = nn.Linear(c.width, c.width)

    def split(self, x: Tensor) -> Tensor:
        """[B, L, C] to [B, H, L, 64]."""
        return x.unflatten(-1, (self.heads, HEAD)).transpose(1, 2)

    def keys_values(self, source: Tensor) -> tuple[Tensor, Tensor]:
        return self.split(self.k_proj(source)), self.split(self.v_proj(source))

    def attend(
        self, x: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None = None, causal: bool = False
    ) -> Tensor:
        y = F.scaled_dot_product_attention(self.split(self.q_proj(x)), keys, values, mask, is_causal=causal)
        return self.out_proj(y.transpose(1, 2).flatten(2))


class EncoderLayer(nn.Module):
    def __init__(self, c: Config) -> None:
        super().__init__()
        self.self_attn_layer_norm = nn.LayerNorm(c.width)
        self.self_attn = Attention(c)
        self.final_layer_norm = nn.LayerNorm(c.width)
        self.fc1 = nn.Linear(c.width, c.encoder_ffn)
        self.fc2 = nn.Linear(c.encoder_ffn, c.width)
        self.drop = nn.Dropout(c.dropout)

    def forward(self, x: Tensor) -> Tensor:
        h = self.self_attn_layer_norm(x)
        x = x + self.drop(self.self_attn.attend(h, *self.self_attn.keys_values(h)))
        return x + self.drop(self.fc2(F.gelu(self.fc1(self.final_layer_norm(x)))))


class DecoderLayer(nn.Module):
    def __init__(self, c: Config) -> None:
        super().__init__()
        self.self_attn_layer_norm = nn.LayerNorm(c.width)
        self.self_attn = Attention(c)
        self.encoder_attn_layer_norm = nn.LayerNorm(c.width)
        self.encoder_attn = Attention(c)
        self.final_layer_norm = nn.LayerNorm(c.width)
        self.fc1 = nn.Linear(c.width, c.decoder_ffn)
        self.fc2 = nn.Linear(c.decoder_ffn, c.width)
        self.drop = nn.Dropout(c.dropout)

    def forward(self, x: Tensor, encoded: Tensor) -> Tensor:
        h = self.self_attn_layer_norm(x)
        x = x + self.drop(self.self_attn.attend(h, *self.self_attn.keys_values(h), causal=True))
        h = self.encoder_attn_layer_norm(x)
        x = x + self.drop(self.encoder_attn.attend(h, *self.encoder_attn.keys_values(encoded)))
        return self.feed_forward(x)

    def feed_forward(self, x: Tensor) -> Tensor:
        return x + self.drop(self.fc2(F.gelu(self.fc1(self.final_layer_norm(x)))))


class Encoder(nn.Module):
    def __init__(self, c: Config) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(MELS, c.width, 3, padding=1)
        self.conv2 = nn.Conv1d(c.width, c.width, 3, stride=2, padding=1)
        self.embed_positions = nn.Embedding(c.frames, c.width)
        self.embed_positions.weight = nn.Parameter(sinusoids(c.frames, c.width), requires_grad=False)
        self.layers = nn.ModuleList(EncoderLayer(c) for _ in range(c.encoder_layers))
        self.layer_norm = nn.LayerNorm(c.width)

    def forward(self, mel: Tensor, shift: Tensor | None = None) -> Tensor:
        """mel [B, 80, 2T] to [B, T, C]. shift [B]: the frame of the 30 s window at which each item begins."""
        x = F.gelu(self.conv2(F.gelu(self.conv1(mel)))).transpose(1, 2)
        places = torch.arange(x.shape[1], device=x.device)
        if shift is None:
            x = x + self.embed_positions.weight[: x.shape[1]]
        else:
            x = x + self.embed_positions.weight[places + shift[:, None]]
        for layer in self.layers:
            x = layer(x)
        return self.layer_norm(x)


class Decoder(nn.Module):
    def __init__(self, c: Config) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(c.vocabulary, c.width)
        self.embed_positions = nn.Embedding(c.positions, c.width)
        self.layers = nn.ModuleList(DecoderLayer(c) for _ in range(c.decoder_layers))
        self.layer_norm = nn.LayerNorm(c.width)
        nn.init.normal_(self.embed_tokens.weight, std=0.02)
        nn.init.normal_(self.embed_positions.weight, std=0.01)

    def forward(self, ids: Tensor, encoded: Tensor) -> Tensor:
        """ids [B, L], encoded [B, T, C] to logits [B, L, V]."""
        x = self.embed_tokens(ids) + self.embed_positions.weight[: ids.shape[1]]
        for layer in self.layers:
            x = layer(x, encoded)
        return self.logits(x)

    def logits(self, x: Tensor) -> Tensor:
        return F.linear(self.layer_norm(x), self.embed_tokens.weight)


class Whisper(nn.Module):
    """The network, and beside it the CTC head that only training knows."""

    def __init__(self, c: Config, text_size: int) -> None:
        super().__init__()
        self.config = c
        self.encoder = Encoder(c)
        self.decoder = Decoder(c)
        self.ctc = nn.Linear(c.width, text_size + 1)  # pieces of text, then blank

    def ctc_logits(self, encoded: Tensor) -> Tensor:
        """[B, T, C] to [B, T / 2, pieces + 1]: 40 ms a step."""
        even = encoded[:, : encoded.shape[1] // 2 * 2]
        return self.ctc(F.avg_pool1d(even.transpose(1, 2), 2).transpose(1, 2))


def sinusoids(length: int, width: int) -> Tensor:
    """[length, width]: sines in the first half of the columns, cosines in the second."""
    step = math.log(10000) / (width // 2 - 1)
    angles = torch.arange(length)[:, None] * torch.exp(-step * torch.arange(width // 2))[None]
    return torch.cat([angles.sin(), angles.cos()], 1)
