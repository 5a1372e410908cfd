"""From a plan to features: speech laid into windows, rooms, microphones, noise; all on the device.

Rooms and noises cost more than a training step, so some thousands are made ahead and partly renewed while
training runs (`Banks`).
"""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from training.asr.features import HOP, log_mel
from training.asr.windows import RATE_HZ, Plan
from training.speech import effects, sounds


@dataclass
class Batch:
    """A plan's labels on the device."""

    inputs: Tensor  # [B, L]
    outputs: Tensor  # [B, L]
    pieces: Tensor  # [B, S]
    piece_counts: Tensor  # [B], on the CPU, where the loss wants it
    speech: Tensor  # [B] bool
    end: Tensor  # [B]
    shift: Tensor  # [B]


def to_device(values: np.ndarray, device: torch.device) -> Tensor:
    """Copied without making the CPU wait."""
    tensor = torch.from_numpy(values)
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor


def labels(plan: Plan, device: torch.device) -> Batch:
    """The plan's labels, moved."""
    inputs, outputs, pieces = (to_device(x, device).long() for x in (plan.inputs, plan.outputs, plan.pieces))
    speech, end, shift = (to_device(x, device) for x in (plan.speech, plan.end, plan.shift))
    return Batch(inputs, outputs, pieces, torch.from_numpy(plan.piece_counts), speech, end, shift)


def assemble(plan: Plan, pool: Tensor) -> Tensor:
    """The plan's utterances laid into silence: [batch, samples]. Overlapping ones add."""
    batch, samples = plan.shape.batch, plan.shape.window_s * RATE_HZ
    device = pool.device
    wave = torch.zeros(batch * samples, device=device)
    total = int(plan.length.sum())
    if total:
        source, length, target, gain = (
            to_device(x, device) for x in (plan.source, plan.length, plan.target, plan.gain)
        )
        part = torch.repeat_interleave(
            torch.arange(len(plan.length), device=device), length, output_size=total
        )
        begins = length.cumsum(0) - length
        within = torch.arange(total, device=device) - begins[part]
        values = pool[source[part] + within].float() * (gain[part] / 32768)
        wave.index_add_(0, target[part] + within, values)
    return wave.view(batch, samples)


class Banks:
    """Rooms, noises to put under speech, and sounds for windows without speech."""

    def __init__(self, device: torch.device, seed: int, rooms: int, noises: int, samples: int) -> None:
        self.generator = torch.Generator(device).manual_seed(seed)
        self.samples = samples
        group = 16
        self.rooms = torch.cat(
            [effects.room_responses(group, self.generator) for _ in range(-(-rooms // group))]
        )
        self.noises = torch.zeros(noises, samples, dtype=torch.float16, device=device)
        self.sounds = torch.zeros(noises, samples, dtype=torch.float16, device=device)
        self._row = 0
        for _ in range(-(-noises // group)):
            self.renew(group)

    def renew(self, count: int = 8) -> None:
        """Makes `count` noises and sounds anew, the oldest first. Noise has a power that float16 likes."""
        rows = torch.arange(self._row, self._row + count) % len(self.noises)
        self._row = int(rows[-1] + 1) % len(self.noises)
        rows = rows.to(self.noises.device)
        half = count // 2
        noise, _ = effects.noise(half, self.samples, self.generator)
        other, _ = sounds.non_speech(count - half, self.samples, self.generator, level_db=(-6.0, -3.0))
        mixed = effects.unit_power(torch.cat([noise, other]))
        self.noises[rows] = (mixed * 0.1).clamp(-60, 60).half()
        plain, _ = sounds.non_speech(count - half, self.samples, self.generator)
        steady, _ = effects.noise(half, self.samples, self.generator)
        steady = effects.gain(steady, effects.uniform(self.generator, -75, -20, half))
        self.sounds[rows] = torch.cat([plain, steady]).half()

    def draw(self, bank: Tensor, batch: int, samples: int, r: random.Random) -> Tensor:
        """[batch, samples] float32: rows of a bank from a random moment on, going round at the end."""
        rows = torch.randint(len(bank), (batch,), generator=self.generator, device=bank.device)
        start = r.randrange(self.samples)
        return bank[rows].roll(-start, 1)[:, :samples].float()


def record(wave: Tensor, speech: Tensor, banks: Banks, r: random.Random, harm: float = 1.0) -> Tensor:
    """What a recorder might have made of wave [B, N]; rows that are no `speech` [B] become other sounds.

    harm: share of the usual amount of rooms, filters and noise (small at the beginning of training).
    """
    g, (batch, samples) = banks.generator, wave.shape
    wave = _some(
        wave, 0.35 * harm, r, lambda x: effects.reverberate(x, banks.rooms[_pick(len(banks.rooms), x, g)])
    )
    other = banks.draw(banks.sounds, batch, samples, r)
    wave = torch.where(speech[:, None], wave, other)
    snr_db = effects.uniform(g, 5, 40, batch) + (1 - harm) * 10
    clean = effects.chance(g, 0.3, batch)
    snr_db = torch.where(clean, effects.uniform(g, 40, 80, batch), snr_db)
    noisy = effects.add_noise(wave, banks.draw(banks.noises, batch, samples, r), snr_db)
    silent = effects.chance(g, 0.12, batch) | ~speech
    wave = torch.where(silent[:, None], wave, noisy)
    wave = _some(wave, 0.45 * harm, r, lambda x: effects.equalise(x, g))
    wave = _some(wave, 0.12 * harm, r, lambda x: effects.telephone(x, g))
    wave = effects.clip(effects.gain(wave, effects.uniform(g, -8, 4, batch)))
    return (wave * 32768).round() / 32768


def _pick(count: int, x: Tensor, g: torch.Generator) -> Tensor:
    return torch.randint(count, (x.shape[0],), generator=g, device=x.device)


def _some(x: Tensor, share: float, r: random.Random, change) -> Tensor:
    """`change` applied to a share of the items, those from a random one on (their order means nothing)."""
    batch = x.shape[0]
    count = int(batch * share + r.random())
    if count == 0:
        return x
    start = r.randrange(batch)
    rows = torch.arange(start, start + count, device=x.device) % batch
    return x.index_copy(0, rows, change(x[rows]))


def to_features(wave: Tensor, end: Tensor, banks: Banks, r: random.Random, mask: bool = True) -> Tensor:
    """Log-mel features [B, 80, N / 160] as programs make them of recordings that end before the window does.

    Behind `end` [B] (samples) some windows go on, some hold digital silence, some zeros in place of features.
    """
    g, (batch, samples) = banks.generator, wave.shape
    device = wave.device
    kind = torch.rand(batch, generator=g, device=device)
    at = torch.arange(samples, device=device)
    ended = at[None] >= end[:, None]
    wave = torch.where(ended & (kind > 0.3)[:, None], 0.0, wave)
    louder = torch.rand(batch, generator=g, device=device) * (
        torch.rand(batch, generator=g, device=device) < 0.5
    )
    x = log_mel(wave, louder)
    frame = torch.arange(x.shape[2], device=device)
    x = torch.where((frame[None] >= (end // HOP)[:, None])[:, None] & (kind > 0.65)[:, None, None], 0.0, x)
    return _mask(x, g) if mask else x


def _mask(x: Tensor, g: torch.Generator) -> Tensor:
    """Hides two bands of up to 10 bins, and up to 0.3 s in every 5 s (SpecAugment, arXiv:1904.08779)."""
    batch, bins, frames = x.shape
    hidden = torch.zeros_like(x, dtype=torch.bool)
    bands = (bins, 10, 2, (batch, -1, 1))
    spans = (frames, 30, max(1, frames // 500), (batch, 1, -1))
    for size, widest, count, view in (bands, spans):
        place = torch.arange(size, device=x.device)
        for _ in range(count):
            width = torch.rand(batch, 1, generator=g, device=x.device) * widest
            start = torch.rand(batch, 1, generator=g, device=x.device) * size
            hidden |= ((place >= start) & (place < start + width)).view(view)
    return x.masked_fill(hidden, 0.0)
