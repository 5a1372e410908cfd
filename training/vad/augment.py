"""From clean speech to what a microphone might have recorded, and recordings without any speech.

espeak-ng's voices are cleaner and more regular than people. What makes a detector trained on them work
on people is that nothing but "somebody speaks" survives the changes made here: pitch and formants move
(`material.plan`), the voice becomes hoarse, its spectrum and level drift, rooms and telephones colour
it, noise covers it.
"""

import random
from collections.abc import Callable

import torch
from torch import Tensor

from training.speech import effects, sounds
from training.speech.effects import uniform
from training.vad import material
from training.vad.material import Bank

SPEECH_SHARE = 0.72  # of the recordings of a batch; the others hold no voice
SNR_DB = (-5.0, 40.0)
LEVEL_DB = (-50.0, -3.0)  # of the active speech


def sometimes(
    x: Tensor, probability: float, change: Callable[[Tensor], Tensor], g: torch.Generator
) -> Tensor:
    """x with `change` applied to a random part of its items; only they are computed."""
    rows = torch.nonzero(effects.chance(g, probability, x.shape[0]))[:, 0]
    if len(rows):
        x = x.index_copy(0, rows, change(x[rows]))
    return x


def hoarse(x: Tensor, g: torch.Generator) -> Tensor:
    """Voices that have lost part of their periodicity: the phases of their short-time spectra are stirred."""
    window = torch.hann_window(400, device=x.device)
    spectrum = torch.stft(x, 512, 128, 400, window, return_complex=True)
    amount = uniform(g, 0.5, 3.5, x.shape[0], 1, 1)
    stirred = amount * effects.normal(g, *spectrum.shape)
    spectrum = spectrum * torch.polar(torch.ones_like(stirred), stirred)
    return torch.istft(spectrum, 512, 128, 400, window, length=x.shape[1])


def breathy(x: Tensor, g: torch.Generator) -> Tensor:
    """Voices with breath: noise that rises and falls with them."""
    envelope = torch.nn.functional.avg_pool1d(x.abs()[:, None], 321, 1, 160)[:, 0]
    breath = effects.coloured_noise(*x.shape, uniform(g, 0, 1.5, x.shape[0]), g)
    return x + breath * envelope * uniform(g, 0.1, 0.8, x.shape[0], 1)


def drifting(x: Tensor, g: torch.Generator) -> Tensor:
    """Level that wanders by up to 15 dB, as when somebody turns away."""
    depth = uniform(g, 3, 15, x.shape[0], 1)
    return x * effects.decibels(-depth * effects.slow_curve(*x.shape, 1.0, g))


def background(batch: int, samples: int, g: torch.Generator) -> Tensor:
    """Noise under speech, half of it steady kinds, half any sound that is no speech; power 1."""
    noise, _ = effects.noise(batch, samples, g)

    def other(x: Tensor) -> Tensor:
        names = [name for name in sounds.KINDS if name != "silence"]
        drawn = torch.randint(len(names), (x.shape[0],), generator=g, device=x.device).tolist()
        return effects.unit_power(sounds.of_kinds([names[k] for k in drawn], samples, g))

    return sometimes(noise, 0.5, other, g)


def channel(x: Tensor, g: torch.Generator) -> Tensor:
    """Telephones, dull microphones and overdriven inputs, each on some items."""
    batch = x.shape[0]
    x = sometimes(x, 0.15, lambda y: effects.telephone(y, g), g)
    x = sometimes(x, 0.15, lambda y: effects.low_pass(y, uniform(g, 1800, 7000, y.shape[0])), g)
    x = sometimes(x, 0.1, lambda y: effects.soft_clip(y, uniform(g, 3, 25, y.shape[0])), g)
    floor = effects.coloured_noise(batch, x.shape[1], uniform(g, 0, 1.5, batch), g)
    return x + effects.gain(floor, uniform(g, -95, -60, batch)) * effects.chance(g, 0.9, batch)[:, None]


def recorded(speech: Tensor, g: torch.Generator) -> Tensor:
    """What becomes of clean speech [B, N]."""
    batch, samples = speech.shape
    x = sometimes(speech, 0.2, lambda y: hoarse(y, g), g)
    x = sometimes(x, 0.2, lambda y: breathy(y, g), g)
    x = sometimes(x, 0.6, lambda y: effects.equalise(y, g), g)
    x = sometimes(x, 0.3, lambda y: drifting(y, g), g)
    x = sometimes(x, 0.55, lambda y: effects.reverberate(y, effects.room_responses(y.shape[0], g)), g)
    snr = uniform(g, *SNR_DB, batch)
    x = sometimes_noisy(x, snr, g)
    x = effects.set_level(x, uniform(g, *LEVEL_DB, batch))
    return effects.clip(channel(x, g))


def sometimes_noisy(x: Tensor, snr_db: Tensor, g: torch.Generator) -> Tensor:
    """Noise at snr_db [B] over nine items of ten."""
    noisy = effects.add_noise(x, background(*x.shape, g), snr_db)
    return effects.where_chosen(effects.chance(g, 0.9, x.shape[0]), noisy, x)


def not_speech(batch: int, samples: int, g: torch.Generator) -> Tensor:
    """Recordings [batch, samples] without any voice."""
    x, _ = sounds.non_speech(batch, samples, g)
    x = sometimes(x, 0.3, lambda y: effects.reverberate(y, effects.room_responses(y.shape[0], g)), g)
    return effects.clip(channel(x, g))


def training_batch(bank: Bank, batch: int, samples: int, seed: int) -> tuple[Tensor, Tensor]:
    """Recordings [batch, samples] and the share of voice [batch, W] of their windows, all from `seed`."""
    g = torch.Generator(bank.samples.device).manual_seed(seed)
    speaking = round(batch * SPEECH_SHARE)
    pieces = material.plan(bank, speaking, samples, material.Style(), random.Random(seed))
    speech, voiced = material.assemble(bank, pieces, speaking, samples)
    x = torch.cat([recorded(speech, g), not_speech(batch - speaking, samples, g)])
    labels = material.window_labels(voiced)
    return x, torch.cat([labels, torch.zeros(batch - speaking, labels.shape[1], device=x.device)])
