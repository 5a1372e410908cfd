"""Sounds that are not speech, made by formula.

A detector must not hear them as a voice, nor a recogniser as words. Every generator takes (batch, samples,
generator) and gives float32 [batch, samples] of 16 kHz on the generator's device, peaks at most about 1, each
item with parameters of its own. `KINDS` lists them by name; `non_speech` draws kinds and levels at random.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from training.speech import effects
from training.speech.effects import RATE_HZ, chance, column, normal, slow_curve, uniform


def unit_peak(x: Tensor) -> Tensor:
    """x with the largest sample of each item at 1; silence stays."""
    return x / x.abs().amax(-1, keepdim=True).clamp(min=1e-6)


def seconds(samples: int, device: torch.device) -> Tensor:
    """Times [1, samples] of the samples, in seconds."""
    return torch.arange(samples, device=device)[None] / RATE_HZ


def oscillate(frequency_hz: Tensor) -> Tensor:
    """sin of the phase that a changing frequency [B, N] runs up; the sum is in double, as songs are long."""
    phase = (frequency_hz.double() / RATE_HZ).cumsum(-1)
    return torch.sin(2 * math.pi * phase.frac().float())


def strokes(batch: int, samples: int, per_second: Tensor, generator: torch.Generator) -> Tensor:
    """Single samples of random height at random times, per_second [B] of them on average, zeros between."""
    hit = (
        torch.rand(batch, samples, generator=generator, device=generator.device)
        < column(per_second, per_second) / RATE_HZ
    )
    return hit * uniform(generator, 0.2, 1, batch, samples)


def decay(samples: int, time_s: Tensor) -> Tensor:
    """exp(-t / time_s) for time_s [B, 1]."""
    return torch.exp(-seconds(samples, time_s.device) / time_s)


# Steady ---------------------------------------------------------------------------


def silence(batch: int, samples: int, generator: torch.Generator) -> Tensor:
    """Digital silence."""
    return torch.zeros(batch, samples, device=generator.device)


def swelling_noise(batch: int, samples: int, generator: torch.Generator) -> Tensor:
    """Noise of any colour whose level wanders by up to 30 dB."""
    x = effects.coloured_noise(batch, samples, uniform(generator, -0.5, 2.2, batch), generator)
    depth = uniform(generator, 0, 30, batch, 1)
    rate = float(uniform(generator, 0.3, 4, 1))
    return unit_peak(x * effects.decibels(-depth * slow_curve(batch, samples, rate, generator)))


def steady_noise(batch: int, samples: int, generator: torch.Generator) -> Tensor:
    """The noises of `effects`, steady."""
    return unit_peak(effects.noise(batch, samples, generator, ("white", "pink", "brown", "fan"))[0])


def babble(batch: int, samples: int, generator: torch.Generator) -> Tensor:
    """Noise like many talkers far away."""
    return unit_peak(effects.babble(batch, samples, generator, talkers=8))


def hum(batch: int, samples: int, generator: torch.Generator) -> Tensor:
    """Mains hum with harmonics."""
    return unit_peak(effects.hum(batch, samples, generator))


def tones(batch: int, samples: int, generator: torch.Generator) -> Tensor:
    """One to three steady tones between 100 and 6000 Hz, at times with vibrato."""
    time = seconds(samples, generator.device)
    x = torch.zeros(batch, samples, device=generator.device)
    for k in range(3):
        pitch = 2 ** uniform(generator, math.log2(100), math.log2(6000), batch, 1)
        depth = uniform(generator, 0, 0.02, batch, 1) * chance(generator, 0.4, batch)[:, None]
        wobble = 1 + depth * torch.sin(2 * math.pi * uniform(generator, 3, 8, batch, 1) * time)
        heard = chance(generator, 0.4, batch)[:, None] if k else 1.0
        x = x + heard * uniform(generator, 0.2, 1, batch, 1) * oscillate(pitch * wobble)
    return unit_peak(x)


def engine(batch: int, samples: int, generator: torch.Generator) -> Tensor:
    """A motor: many harmonics of a slowly changing number of revolutions, with noise in their rhythm."""
    base = uniform(generator, 25, 110, batch, 1) * (0.6 + 0.8 * slow_curve(batch, samples, 0.5, generator))
    x = torch.zeros(batch, samples, device=generator.device)
    for k in range(1, 13):
        x = x + uniform(generator, 0, 1, batch, 1) / k**0.7 * oscillate(k * base)
    rough = effects.coloured_noise(batch, samples, 1.0, generator) * (1 + oscillate(base))
    return unit_peak(x + uniform(generator, 0, 1, batch, 1) * rough)


def wind(batch: int, samples: int, generator: torch.Generator) -> Tensor:
    """Wind: dull noise in gusts, with a whistle that follows them."""
    gusts = slow_curve(batch, samples, 1.5, generator)
    low = effects.coloured_noise(batch, samples, 2.0, generator)
    centre = uniform(generator, 300, 1200, batch, 1)
    whistle = effects.band_pass(normal(generator, batch, samples), centre * 0.9, centre * 1.1, 3)
    mix = uniform(generator, 0, 0.5, batch, 1)
    return unit_peak(gusts * low + mix * gusts**3 * effects.unit_power(whistle))


# Signals ---------------------------------------------------------------------------


def on_and_off(batch: int, samples: int, on_s: Tensor, off_s: Tensor, generator: torch.Generator) -> Tensor:
    """A gate [B, N] that opens for on_s and shuts for off_s [B, 1], again and again, with edges of 5 ms."""
    time = seconds(samples, generator.device) + uniform(generator, 0, 2, batch, 1)
    place = time % (on_s + off_s)
    return (torch.minimum(place, on_s - place) / 0.005).clamp(0, 1)


def beeps(batch: int, samples: int, generator: torch.Generator) -> Tensor:
    """Alarms, ringing and engaged tones: one or two tones, on and off."""
    pitch = uniform(generator, 300, 3500, batch, 1)
    ratio = torch.where(chance(generator, 0.5, batch)[:, None], uniform(generator, 1.05, 2, batch, 1), 1.0)
    time = seconds(samples, generator.device)
    x = torch.sin(2 * math.pi * pitch * time) + torch.sin(2 * math.pi * pitch * ratio * time)
    return (
        0.5
        * x
        * on_and_off(
            batch,
            samples,
            uniform(generator, 0.04, 1, batch, 1),
            uniform(generator, 0.05, 2, batch, 1),
            generator,
        )
    )


def dtmf(batch: int, samples: int, generator: torch.Generator) -> Tensor:
    """Keys of a telephone (ITU-T Q.23), 60 to 250 ms each with gaps."""
    device = generator.device
    step = (uniform(generator, 0.1, 0.5, batch, 1) * RATE_HZ).long()
    keys = int(samples / (0.1 * RATE_HZ)) + 2
    rows = torch.tensor([697.0, 770.0, 852.0, 941.0], device=device)
    columns = torch.tensor([1209.0, 1336.0, 1477.0, 1633.0], device=device)
    row = rows[torch.randint(4, (batch, keys), generator=generator, device=device)]
    col = columns[torch.randint(4, (batch, keys), generator=generator, device=device)]
    place = torch.arange(samples, device=device)[None]
    key = (place // step).clamp(max=keys - 1)
    pressed = (place % step) < step * uniform(generator, 0.4, 0.7, batch, 1)
    return 0.5 * pressed * (oscillate(row.gather(1, key)) + oscillate(col.gather(1, key)))


def sweeps(batch: int, samples: int, generator: torch.Generator) -> Tensor:
    """Sirens, chirps and whistles: a tone that wanders between two pitches, at times in pieces."""
    low = 2 ** uniform(generator, math.log2(150), math.log2(2500), batch, 1)
    high = low * 2 ** uniform(generator, 0.3, 1.6, batch, 1)
    time = seconds(samples, generator.device)
    regular = 0.5 + 0.5 * torch.sin(2 * math.pi * uniform(generator, 0.1, 8, batch, 1) * time)
    free = slow_curve(batch, samples, 6.0, generator)
    path = torch.where(chance(generator, 0.5, batch)[:, None], regular, free)
    pitch = (low * (high / low) ** path).clamp(max=7500.0)
    gate = on_and_off(
        batch,
        samples,
        uniform(generator, 0.05, 0.8, batch, 1),
        uniform(generator, 0.02, 1, batch, 1),
        generator,
    )
    return oscillate(pitch) * torch.where(chance(generator, 0.5, batch)[:, None], gate, 1.0)


# Blows and bursts ---------------------------------------------------------------------------


def clicks(batch: int, samples: int, generator: torch.Generator) -> Tensor:
    """Clicks of a mouse, keys of a keyboard, crackle: bursts of 1 to 8 ms."""
    rate = 2 ** uniform(generator, -1, 5, batch)
    body = normal(generator, batch, 800) * decay(800, uniform(generator, 0.0003, 0.008, batch, 1))
    return unit_peak(effects.convolve(strokes(batch, samples, rate, generator), body))


def impulses(batch: int, samples: int, generator: torch.Generator) -> Tensor:
    """Single samples far from their neighbours: a bad cable."""
    return strokes(batch, samples, 2 ** uniform(generator, -1, 4, batch), generator) * torch.sign(
        normal(generator, batch, samples)
    )


def knocks(batch: int, samples: int, generator: torch.Generator) -> Tensor:
    """Knocks on wood, steps, doors: two low resonances struck now and then."""
    length = RATE_HZ // 2
    time = seconds(length, generator.device)
    body = 0.3 * normal(generator, batch, length) * decay(length, uniform(generator, 0.002, 0.02, batch, 1))
    for _ in range(2):
        pitch = 2 ** uniform(generator, math.log2(60), math.log2(900), batch, 1)
        body = body + torch.sin(2 * math.pi * pitch * time) * decay(
            length, uniform(generator, 0.01, 0.1, batch, 1)
        )
    return unit_peak(
        effects.convolve(strokes(batch, samples, 2 ** uniform(generator, -1, 3, batch), generator), body)
    )


def handling(batch: int, samples: int, generator: torch.Generator) -> Tensor:
    """Hands on the table or the microphone, paper, clothes: dull thumps and crackle, irregular, in clusters."""
    length = RATE_HZ // 4
    time = seconds(length, generator.device)
    body = torch.zeros(batch, length, device=generator.device)
    for _ in range(3):
        pitch = 2 ** uniform(generator, math.log2(30), math.log2(500), batch, 1)
        phase = uniform(generator, 0, 2 * math.pi, batch, 1)
        body = body + torch.sin(2 * math.pi * pitch * time + phase) * decay(
            length, uniform(generator, 0.005, 0.05, batch, 1)
        )
    thumps = strokes(batch, samples, 2 ** uniform(generator, 0, 5, batch), generator)
    scratch = normal(generator, batch, 800) * decay(800, uniform(generator, 0.0003, 0.005, batch, 1))
    crackle = strokes(batch, samples, 2 ** uniform(generator, 2, 8, batch), generator)
    parts = []
    for hits, sound in ((thumps, body), (crackle, scratch)):
        clusters = effects.decibels(-35 * effects.slow_curve(batch, samples, 2.0, generator))
        parts.append(effects.unit_power(effects.convolve(hits * clusters, sound)))
    return unit_peak(parts[0] + parts[1] * effects.decibels(uniform(generator, -30, 3, batch, 1)))


def applause(batch: int, samples: int, generator: torch.Generator) -> Tensor:
    """Many hands: hundreds of short bursts of noise a second, swelling and fading."""
    length = 1600
    body = normal(generator, batch, length) * decay(length, uniform(generator, 0.003, 0.015, batch, 1))
    body = effects.band_pass(
        body, uniform(generator, 400, 1000, batch), uniform(generator, 2500, 6000, batch), 2
    )
    claps = effects.convolve(strokes(batch, samples, 2 ** uniform(generator, 3, 9, batch), generator), body)
    return unit_peak(claps * (0.2 + 0.8 * slow_curve(batch, samples, 0.5, generator)))


def breath(batch: int, samples: int, generator: torch.Generator) -> Tensor:
    """Breathing into the microphone, wiping, rustling: soft bursts of coloured noise, 0.2 to 1 s long."""
    x = effects.coloured_noise(batch, samples, uniform(generator, -0.5, 1.5, batch), generator)
    centre = uniform(generator, 400, 4000, batch)
    x = effects.unit_power(effects.band_pass(x, centre * 0.5, centre * 2, 1))
    gate = on_and_off(
        batch, samples, uniform(generator, 0.2, 1, batch, 1), uniform(generator, 0.2, 2, batch, 1), generator
    )
    soft = effects.low_pass(gate, 6.0).clamp(min=0)
    return unit_peak(x * soft * (0.3 + 0.7 * slow_curve(batch, samples, 1.0, generator)))


def modulated_noise(batch: int, samples: int, generator: torch.Generator) -> Tensor:
    """Noise with the rhythm of syllables and the spectrum of speech but nobody's voice: hard to refuse."""
    shaped = effects.speech_shaped_noise(batch, samples, generator)
    plain = effects.coloured_noise(batch, samples, uniform(generator, 0, 1.5, batch), generator)
    x = torch.where(chance(generator, 0.5, batch)[:, None], shaped, plain)
    rate = float(uniform(generator, 4, 12, 1))
    depth = uniform(generator, 1, 3, batch, 1)
    return unit_peak(x * slow_curve(batch, samples, rate, generator) ** depth)


# Music ---------------------------------------------------------------------------

SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 4, 7, 9, 12, 14))  # major, minor, pentatonic


def play(pitch: Tensor, note_samples: Tensor, fade_s: Tensor, timbre: Tensor, samples: int) -> Tensor:
    """Notes one after another on one instrument.

    pitch [B, K] Hz per note, note_samples [B, 1] long each, fading with fade_s [B, 1]; timbre [B, 6] are the
    heights of the harmonics. Gives [B, samples].
    """
    place = torch.arange(samples, device=pitch.device)[None]
    frequency = pitch.gather(1, (place // note_samples).clamp(max=pitch.shape[1] - 1))
    since = (place % note_samples) / RATE_HZ
    until = (note_samples - 1 - place % note_samples) / RATE_HZ
    envelope = (since / 0.008).clamp(max=1) * (until / 0.01).clamp(max=1) * torch.exp(-since / fade_s)
    phase = (frequency.double() / RATE_HZ).cumsum(-1).frac().float()
    x = torch.zeros_like(frequency)
    for k in range(timbre.shape[1]):
        audible = (frequency * (k + 1) < 7600).float()
        x = x + timbre[:, k : k + 1] * audible * torch.sin(2 * math.pi * (k + 1) * phase)
    return x * envelope


def drums(batch: int, samples: int, beat_samples: Tensor, generator: torch.Generator) -> Tensor:
    """Bass drum on the beat, snare on every other, hi-hat on the half; beat_samples [B, 1] apart."""
    place = torch.arange(samples, device=generator.device)[None]
    beat, since = place // beat_samples, (place % beat_samples) / RATE_HZ
    half = (place % (beat_samples // 2)) / RATE_HZ
    hiss = normal(generator, batch, samples)
    kick = torch.sin(2 * math.pi * (50 * since + 4 * (1 - torch.exp(-since / 0.03)))) * torch.exp(
        -since / 0.1
    )
    snare = (beat % 2) * hiss * torch.exp(-since / 0.07)
    hat = effects.band_pass(hiss, 4000.0, 7900.0, 4) * torch.exp(-half / 0.02)
    return kick + uniform(generator, 0, 0.8, batch, 1) * snare + uniform(generator, 0, 0.6, batch, 1) * hat


def music(batch: int, samples: int, generator: torch.Generator) -> Tensor:
    """Something like music: chords, arpeggio, melody, bass, drums; all but the first optional."""
    device = generator.device

    def integers(low: int, high: int, *shape: int) -> Tensor:
        return torch.randint(low, high, shape, generator=generator, device=device)

    beat = (60 / uniform(generator, 65, 170, batch, 1) * RATE_HZ).long()
    shortest = int(60 / 170 * RATE_HZ) // 2  # the fastest eighth note
    eighths = samples // shortest + 2
    scale = torch.tensor(SCALES, device=device)[integers(0, len(SCALES), batch)]  # [B, 7]
    root = uniform(generator, 45, 57, batch, 1)  # MIDI number of the key

    def hertz(degree: Tensor, octave: int) -> Tensor:
        """Frequencies of steps of the scale, [B, K]."""
        semitones = scale.gather(1, degree % 7) + 12 * (degree // 7)
        return 440 * 2 ** ((root + semitones + 12 * octave - 69) / 12)

    def instrument() -> Tensor:
        return uniform(generator, 0, 1, batch, 6) / torch.arange(1, 7, device=device) ** uniform(
            generator, 0.5, 2, batch, 1
        ) + torch.tensor([0.5, 0, 0, 0, 0, 0], device=device)

    chords = integers(0, 7, batch, 4)[:, (torch.arange(eighths, device=device) // 8) % 4]  # [B, eighths]
    arpeggio = (
        chords
        + torch.tensor([0, 2, 4, 7, 4, 2, 4, 2], device=device)[torch.arange(eighths, device=device) % 8]
    )
    tune = (chords + integers(-3, 4, batch, eighths).cumsum(1).remainder(8)).clamp(min=0)
    whole = chords[:, ::8]
    fade = [
        uniform(generator, low, high, batch, 1) for low, high in ((0.3, 5), (0.05, 0.5), (0.1, 1), (0.1, 0.8))
    ]
    organ = instrument()
    parts = [
        sum(play(hertz(whole + step, 1), 4 * beat, fade[0], organ, samples) for step in (0, 2, 4)) / 2,
        play(hertz(arpeggio, 1), beat // 2, fade[1], instrument(), samples),
        play(hertz(tune, 2), beat // 2 * integers(1, 3, batch, 1), fade[2], instrument(), samples),
        play(hertz(chords[:, ::2], -1), beat, fade[3], instrument(), samples),
        drums(batch, samples, beat, generator),
    ]
    x = torch.zeros(batch, samples, device=device)
    for index, part in enumerate(parts):
        heard = chance(generator, 0.6, batch)[:, None] if index else 1.0
        x = x + heard * uniform(generator, 0.2, 1, batch, 1) * part
    return unit_peak(x)


# All together ---------------------------------------------------------------------------

KINDS: dict[str, Callable[[int, int, torch.Generator], Tensor]] = {
    "silence": silence,
    "steady_noise": steady_noise,
    "swelling_noise": swelling_noise,
    "babble": babble,
    "hum": hum,
    "tones": tones,
    "engine": engine,
    "wind": wind,
    "beeps": beeps,
    "dtmf": dtmf,
    "sweeps": sweeps,
    "clicks": clicks,
    "impulses": impulses,
    "knocks": knocks,
    "handling": handling,
    "applause": applause,
    "breath": breath,
    "modulated_noise": modulated_noise,
    "music": music,
}


def of_kinds(kinds: list[str], samples: int, generator: torch.Generator) -> Tensor:
    """One sound per name of `kinds`, [len(kinds), samples], peaks at most about 1."""
    x = torch.zeros(len(kinds), samples, device=generator.device)
    for kind, make in KINDS.items():
        rows = [row for row, k in enumerate(kinds) if k == kind]
        if rows:
            x[rows] = make(len(rows), samples, generator)
    return x


def non_speech(
    batch: int, samples: int, generator: torch.Generator, level_db: tuple[float, float] = (-60.0, -3.0)
) -> tuple[Tensor, list[str]]:
    """Windows [batch, samples] of random kinds, peaks at random levels (dB of full scale), and the kinds.

    A third of the items hear a second, softer sound below the first; `kinds` names the first. Under all of it
    lies noise that one may just hear, or (one in ten) nothing at all.
    """
    names = list(KINDS)

    def draw() -> list[str]:
        return [
            names[k]
            for k in torch.randint(
                len(names), (batch,), generator=generator, device=generator.device
            ).tolist()
        ]

    kinds = draw()
    x = of_kinds(kinds, samples, generator)
    second = of_kinds(draw(), samples, generator) * effects.decibels(uniform(generator, -25, -3, batch, 1))
    x = unit_peak(x + second * chance(generator, 0.33, batch)[:, None])
    x = effects.gain(x, uniform(generator, *level_db, batch))
    floor = effects.coloured_noise(batch, samples, uniform(generator, 0, 1.5, batch), generator)
    floor = effects.gain(floor, uniform(generator, -95, -60, batch)) * chance(generator, 0.9, batch)[:, None]
    return effects.clip(x + floor), kinds
