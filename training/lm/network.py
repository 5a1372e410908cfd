"""Qwen3, dense (docs/spec/models.md, section 6), in plain PyTorch.

A decoder of pre-norm blocks: grouped-query attention whose queries and keys are normalised per head before
the rotation (RoPE), and a gated MLP (SwiGLU). The embedding is also the output layer. Module names follow
the published checkpoints, so `state_dict()` is the file.

Shapes: B sequences, T tokens, C width, H query heads, K key/value heads, D head width, V vocabulary.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class Config:
    """The sizes; the defaults make 12 million parameters, 24 MB in bfloat16."""

    vocab_size: int = 4096
    hidden_size: int = 320
    intermediate_size: int = 768
    num_hidden_layers: int = 10
    num_attention_heads: int = 6
    num_key_value_heads: int = 2
    head_dim: int = 64
    max_position_embeddings: int = 4096
    rope_theta: float = 1e5
    rms_norm_eps: float = 1e-6


class RmsNorm(nn.Module):
    """y = x / sqrt(mean(x^2) + eps) * weight over the last axis, computed in float32 (arXiv:1910.07467)."""

    def __init__(self, width: int, eps: float):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        return F.rms_norm(x.float(), self.weight.shape, self.weight.float(), self.eps).to(x.dtype)


def rotary_table(positions: Tensor, config: Config) -> tuple[Tensor, Tensor]:
    """cos and sin of position times frequency.

    @param positions  [B, T] or [T] integer
    @return two tensors [..., T, D/2] in float32; pair i turns by position * theta^(-2i/D)
    """
    half = torch.arange(0, config.head_dim, 2, device=positions.device, dtype=torch.float32)
    frequency = config.rope_theta ** (-half / config.head_dim)
    angle = positions.float().unsqueeze(-1) * frequency
    return angle.cos(), angle.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turns the pairs (i, i + D/2) of x [B, heads, T, D]; cos and sin are [..., 1, T, D/2]."""
    a, b = x.float().chunk(2, dim=-1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), dim=-1).to(x.dtype)


class Cache:
    """Keys and values of one batch while it generates: per layer two tensors [B, K, limit, D]."""

    def __init__(self, config: Config, batch: int, limit: int, device: torch.device, dtype: torch.dtype):
        shape = (config.num_hidden_layers, batch, config.num_key_value_heads, limit, config.head_dim)
        self.keys = torch.zeros(shape, device=device, dtype=dtype)
        self.values = torch.zeros(shape, device=device, dtype=dtype)
        self.length = 0  # filled columns

    def extend(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Writes [B, K, T, D] behind what is there; returns everything up to and with the new columns."""
        end = self.length + keys.shape[2]
        self.keys[layer, :, :, self.length : end] = keys
        self.values[layer, :, :, self.length : end] = values
        return self.keys[layer, :, :, :end], self.values[layer, :, :, :end]


class Attention(nn.Module):
    def __init__(self, config: Config, layer: int):
        super().__init__()
        self.layer = layer
        self.heads, self.groups, self.head_dim = (
            config.num_attention_heads,
            config.num_key_value_heads,
            config.head_dim,
        )
        self.q_proj = nn.Linear(config.hidden_size, self.heads * self.head_dim, bias=False)
        self.k_proj = nn.Linear(config.hidden_size, self.groups * self.head_dim, bias=False)
        self.v_proj = nn.Linear(config.hidden_size, self.groups * self.head_dim, bias=False)
        self.o_proj = nn.Linear(self.heads * self.head_dim, config.hidden_size, bias=False)
        self.q_norm = RmsNorm(self.head_dim, config.rms_norm_eps)
        self.k_norm = RmsNorm(self.head_dim, config.rms_norm_eps)

    def forward(
        self, x: Tensor, rotary: tuple[Tensor, Tensor], mask: Tensor | None, cache: Cache | None
    ) -> Tensor:
        """@param mask  [B, 1, T, columns] bool, True may be seen; None: causal, without cache"""
        B, T, _ = x.shape
        q = self.q_norm(self.q_proj(x).view(B, T, self.heads, self.head_dim)).transpose(1, 2)
        k = self.k_norm(self.k_proj(x).view(B, T, self.groups, self.head_dim)).transpose(1, 2)
        v = self.v_proj(x).view(B, T, self.groups, self.head_dim).transpose(1, 2)
        q, k = rotate(q, *rotary), rotate(k, *rotary)
        if cache is not None:
            k, v = cache.extend(self.layer, k.to(cache.keys.dtype), v.to(cache.values.dtype))
            k, v = k.to(q.dtype), v.to(q.dtype)
        # Query head h reads key/value head h // (H / K).
        k = k.repeat_interleave(self.heads // self.groups, dim=1)
        v = v.repeat_interleave(self.heads // self.groups, dim=1)
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, is_causal=mask is None)
        return self.o_proj(y.transpose(1, 2).reshape(B, T, -1))


class Mlp(nn.Module):
    """SwiGLU: down(silu(gate(x)) * up(x)) (arXiv:2002.05202)."""

    def __init__(self, config: Config):
        super().__init__()
        self.gate_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.up_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.down_proj = nn.Linear(config.intermediate_size, config.hidden_size, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Block(nn.Module):
    def __init__(self, config: Config, layer: int):
        super().__init__()
        self.input_layernorm = RmsNorm(config.hidden_size, config.rms_norm_eps)
        self.self_attn = Attention(config, layer)
        self.post_attention_layernorm = RmsNorm(config.hidden_size, config.rms_norm_eps)
        self.mlp = Mlp(config)

    def forward(
        self, x: Tensor, rotary: tuple[Tensor, Tensor], mask: Tensor | None, cache: Cache | None
    ) -> Tensor:
        x = x + self.self_attn(self.input_layernorm(x), rotary, mask, cache)
        return x + self.mlp(self.post_attention_layernorm(x))


class Decoder(nn.Module):
    def __init__(self, config: Config):
        super().__init__()
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(Block(config, layer) for layer in range(config.num_hidden_layers))
        self.norm = RmsNorm(config.hidden_size, config.rms_norm_eps)


class Qwen3(nn.Module):
    def __init__(self, config: Config):
        super().__init__()
        self.config = config
        self.model = Decoder(config)

    def forward(
        self,
        tokens: Tensor,
        positions: Tensor | None = None,
        mask: Tensor | None = None,
        cache: Cache | None = None,
    ) -> Tensor:
        """Hidden states after the last norm.

        @param tokens     [B, T] ids
        @param positions  [B, T]; None: 0 to T-1 in every sequence
        @param mask       [B, 1, T, columns] bool; None: causal (a sequence padded on the right is safe)
        @param cache      keys and values so far; the caller advances `cache.length` by T afterwards
        @return [B, T, C]
        """
        if positions is None:
            positions = torch.arange(tokens.shape[1], device=tokens.device).unsqueeze(0)
        rotary = tuple(table.unsqueeze(1) for table in rotary_table(positions, self.config))
        x = self.model.embed_tokens(tokens)
        for block in self.model.layers:
            x = block(x, rotary, mask, cache)
        return self.model.norm(x)

    def logits(self, hidden: Tensor) -> Tensor:
        """[..., C] to [..., V] with the embedding as output layer."""
        return F.linear(hidden, self.model.embed_tokens.weight)

    def initialise(self, generator: torch.Generator) -> None:
        """Normal with standard deviation 0.02; what writes into the residual stream is scaled down by
        depth."""
        deep = 0.02 / (2 * self.config.num_hidden_layers) ** 0.5
        for name, weight in self.named_parameters():
            if weight.ndim == 2:
                into_residual = name.endswith(("o_proj.weight", "down_proj.weight"))
                nn.init.normal_(weight, 0.0, deep if into_residual else 0.02, generator=generator)


def greedy(network: Qwen3, prompts: list[list[int]], most: int, end: int, batch: int = 64) -> list[list[int]]:
    """Continues every prompt with the most likely tokens, until `end` (not returned) or `most` tokens.

    Prompts are padded on the left, so that all sequences of a batch write the same column of the cache.
    """
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    answers: list[list[int]] = [[] for _ in prompts]
    for start in range(0, len(order), batch):
        chosen = order[start : start + batch]
        for index, answer in zip(chosen, _greedy_batch(network, [prompts[i] for i in chosen], most, end)):
            answers[index] = answer
    return answers


@torch.inference_mode()
def _greedy_batch(network: Qwen3, prompts: list[list[int]], most: int, end: int) -> list[list[int]]:
    weight = network.model.embed_tokens.weight
    device = weight.device
    B, T = len(prompts), max(len(prompt) for prompt in prompts)
    most = min(most, network.config.max_position_embeddings - T)
    pads = torch.tensor([T - len(prompt) for prompt in prompts], device=device)
    tokens = torch.tensor([[end] * (T - len(p)) + p for p in prompts], device=device)
    columns = torch.arange(T + most, device=device)
    real = columns >= pads[:, None]  # [B, T + most]

    cache = Cache(network.config, B, T + most, device, weight.dtype)
    causal = columns[:T] <= columns[:T, None]
    # A row of padding sees itself only: a row without any column would be undefined.
    mask = (causal & real[:, None, :T]) | torch.eye(T, dtype=torch.bool, device=device)
    positions = (columns[:T] - pads[:, None]).clamp(min=0)
    hidden = network(tokens, positions, mask[:, None], cache)
    cache.length = T
    written = []
    done = torch.zeros(B, dtype=torch.bool, device=device)
    for step in range(most):
        chosen = network.logits(hidden[:, -1]).float().argmax(-1)
        done |= chosen == end
        written.append(torch.where(done, end, chosen))
        if (
            step % 16 == 15 and bool(done.all()) or step == most - 1
        ):  # asking waits for the device: not every step
            break
        column = T + step
        hidden = network(chosen[:, None], column - pads[:, None], real[:, None, None, : column + 1], cache)
        cache.length += 1
    rows = torch.stack(written, dim=1).tolist()
    return [row[: row.index(end)] if end in row else row for row in rows]
