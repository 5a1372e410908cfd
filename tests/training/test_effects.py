"""Effects and non-speech sounds: levels, times, determinism."""

import pathlib
import sys

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed (training/requirements.txt)")
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from training.speech import effects, sounds  # noqa: E402


def dice(seed=1):
    return torch.Generator().manual_seed(seed)


def tone(hertz, samples=16000):
    return torch.sin(2 * torch.pi * hertz * torch.arange(samples) / 16000)[None]


def test_noise_lies_the_wanted_decibels_below_the_active_speech():
    speech = torch.cat([torch.zeros(1, 16000), tone(440)], 1)  # a pause must not count
    noise, _ = effects.noise(1, 32000, dice())
    mixed = effects.add_noise(speech, noise, 10.0)
    power = (mixed - speech).square().mean()
    assert abs(10 * torch.log10(0.5 / power) - 10) < 0.1


def test_a_room_keeps_the_time_of_the_direct_sound():
    x = torch.zeros(4, 16000)
    x[:, 1000] = 1
    wet = effects.reverberate(x, effects.room_responses(4, dice()))
    assert wet[:, :1000].abs().max() < 1e-4
    assert (wet.abs().argmax(1) == 1000).all()


@pytest.mark.parametrize("rt60", [0.2, 0.6])
def test_a_room_decays_in_about_the_time_asked_for(rt60):
    energy = effects.room_responses(20, dice(), (rt60, rt60 + 0.001)).square().flip(1).cumsum(1).flip(1)
    db = 10 * torch.log10(energy / energy[:, :1])
    decayed = ((db > -25).sum(1) - (db > -5).sum(1)) / 16000 * 3
    assert 0.6 * rt60 < decayed.mean() < 1.3 * rt60


def test_the_telephone_keeps_the_middle_and_drops_the_rest():
    for hertz, low, high in ((100, 0, 0.05), (1000, 0.9, 1.1), (5500, 0, 0.07)):
        ratio = effects.telephone(tone(hertz), dice(), mu_law_chance=0.0).square().mean().sqrt() / 0.5**0.5
        assert low <= ratio <= high, hertz


def test_resampling_moves_a_tone_and_nothing_else():
    moved = effects.resample(tone(440), torch.tensor([1.1]))
    assert (moved - tone(484))[:, 200:14000].abs().max() < 1e-3


def test_set_level_and_clip():
    x = effects.set_level(tone(440), -20.0)
    assert abs(20 * torch.log10(x.square().mean().sqrt()) + 20) < 0.1
    assert effects.clip(4 * tone(440)).abs().max() <= 1
    assert effects.set_level(torch.zeros(1, 1600), -20.0).abs().max() == 0


@pytest.mark.parametrize("kind", list(sounds.KINDS))
def test_every_sound_is_finite_bounded_and_of_any_length(kind):
    for samples in (1, 1600, 32003):
        x = sounds.KINDS[kind](3, samples, dice())
        assert x.shape == (3, samples) and x.dtype == torch.float32
        assert torch.isfinite(x).all() and x.abs().max() <= 1.01
    if kind != "silence":
        assert x.abs().max() > 0
        assert not torch.equal(x[0], x[1])  # every item has parameters of its own


def test_the_same_seed_gives_the_same_sounds():
    first, kinds = sounds.non_speech(8, 16000, dice(7))
    again, kinds_again = sounds.non_speech(8, 16000, dice(7))
    assert torch.equal(first, again) and kinds == kinds_again
    assert not torch.equal(first, sounds.non_speech(8, 16000, dice(8))[0])
