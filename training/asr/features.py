"""Whisper's log-mel spectrogram on the training device (docs/spec/models.md, section 1.4)."""

from __future__ import annotations

import functools

import numpy as np
import torch
from torch import Tensor

MELS = 80
HOP = 160
_FFT = 400


@functools.cache
def _filters(device: torch.device) -> tuple[Tensor, Tensor]:
    """Mel filters [80, 201] of Slaney's scale and the periodic Hann window [400]."""
    points = np.linspace(0, 45.245640471924965, MELS + 2)
    hertz = np.where(points < 15, points * 200 / 3, 1000 * np.exp(np.log(6.4) / 27 * (points - 15)))
    bins = 40.0 * np.arange(_FFT // 2 + 1)
    low, centre, high = hertz[:-2, None], hertz[1:-1, None], hertz[2:, None]
    weights = np.maximum(0, np.minimum((bins - low) / (centre - low), (high - bins) / (high - centre)))
    weights *= 2 / (high - low)
    return torch.tensor(weights, dtype=torch.float32, device=device), torch.hann_window(_FFT, device=device)


def log_mel(wave: Tensor, louder: Tensor | None = None) -> Tensor:
    """wave [B, N] of +-1 to features [B, 80, N / 160].

    Whatever lies 8 decades of power below the loudest moment is cut off. Programs take that moment from the
    whole file, not from this window: `louder` [B], in decades, says by how much the rest was louder.
    """
    filters, window = _filters(wave.device)
    spectrum = torch.stft(
        wave, _FFT, HOP, window=window, center=True, pad_mode="reflect", return_complex=True
    )
    power = spectrum[..., :-1].abs().square()
    x = torch.log10((filters @ power).clamp(min=1e-10))
    loudest = x.amax((1, 2), keepdim=True)
    if louder is not None:
        loudest = loudest + louder[:, None, None]
    return (torch.maximum(x, loudest - 8) + 4) / 4
