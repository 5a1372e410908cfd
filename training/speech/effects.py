"""What happens to a voice between the mouth and the file: room, noise, level, telephone, clipping.

All functions take and give float32 tensors [batch, samples] of 16 kHz, full scale 1.0, on any device.
Chance comes only from a `torch.Generator` of the same device, and every item of a batch draws its own
parameters. Filters work on the spectrum of the whole item: on a GPU one large transform costs less than a
recursive filter, and has no phase, so nothing moves in time and labels stay right.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

RATE_HZ = 16000
SPEED_OF_SOUND = 343.0  # m/s

NOISE_KINDS = ("white", "pink", "brown", "babble", "hum", "fan")


def uniform(generator: torch.Generator, low: float, high: float, *shape: int) -> Tensor:
    """Values drawn evenly from [low, high), of the given shape, on the generator's device."""
    return low + (high - low) * torch.rand(shape, generator=generator, device=generator.device)


def normal(generator: torch.Generator, *shape: int) -> Tensor:
    """Values of the standard normal distribution, of the given shape, on the generator's device."""
    return torch.randn(shape, generator=generator, device=generator.device)


def chance(generator: torch.Generator, probability: float, batch: int) -> Tensor:
    """[batch] of bool, true with the given probability."""
    return torch.rand(batch, generator=generator, device=generator.device) < probability


def decibels(db: Tensor | float) -> Tensor | float:
    """The factor of an amplitude that is `db` decibels."""
    return 10 ** (db / 20)


def column(values: Tensor | float, like: Tensor) -> Tensor:
    """A number, [batch] or [batch, 1] as [batch, 1] or [1, 1] on the device of `like`."""
    return torch.as_tensor(values, dtype=torch.float32, device=like.device).reshape(-1, 1)


def fast_size(length: int) -> int:
    """The smallest product of powers of 2, 3 and 5 that is at least `length`: a quick Fourier transform."""
    best = 1 << max(0, length - 1).bit_length()
    power5 = 1
    while power5 < best:
        power35 = power5
        while power35 < best:
            rest = -(-length // power35)
            best = min(best, power35 << max(0, rest - 1).bit_length())
            power35 *= 3
        power5 *= 5
    return best


def shape_spectrum(x: Tensor, gain_of: Callable[[Tensor], Tensor]) -> Tensor:
    """Multiplies the spectrum of x [B, N] by gain_of(frequencies [1, F] in Hz), real, [B or 1, F].

    Zeros behind the samples keep the end from leaking into the start.
    """
    samples = x.shape[-1]
    size = fast_size(samples + 1024)
    frequencies = torch.fft.rfftfreq(size, 1 / RATE_HZ, device=x.device)[None]
    return torch.fft.irfft(torch.fft.rfft(x, size) * gain_of(frequencies), size)[..., :samples]


def edge(frequencies: Tensor, cutoff_hz: Tensor, order: int) -> Tensor:
    """Amplitude response of a Butterworth low-pass, [B or 1, F]; -3 dB at cutoff_hz [B, 1]."""
    return (1 + (frequencies / cutoff_hz.clamp(min=1.0)) ** (2 * order)).rsqrt()


def convolve(x: Tensor, response: Tensor) -> Tensor:
    """x [B, N] convolved with response [B or 1, L], cut to N: what comes at response[0] keeps its time."""
    size = fast_size(x.shape[-1] + response.shape[-1])
    product = torch.fft.rfft(x, size) * torch.fft.rfft(response, size)
    return torch.fft.irfft(product, size)[..., : x.shape[-1]]


# Level ---------------------------------------------------------------------------


def active_power(x: Tensor) -> Tensor:
    """Mean power [B, 1] of the 20 ms frames of x [B, N] within 30 dB of the loudest: pauses do not count."""
    frame = RATE_HZ // 50
    usable = x.shape[-1] // frame * frame
    if usable == 0:
        return x.square().mean(-1, keepdim=True)
    power = x[..., :usable].reshape(*x.shape[:-1], -1, frame).square().mean(-1)
    active = power >= 1e-3 * power.amax(-1, keepdim=True)
    return (power * active).sum(-1, keepdim=True) / active.sum(-1, keepdim=True)


def set_level(x: Tensor, level_db: Tensor | float) -> Tensor:
    """x scaled so that its active power is level_db dB relative to full scale ([B] or a number).

    Silence stays silence. Peaks above full scale are left to `clip`.
    """
    rms = active_power(x).sqrt()
    return x * torch.where(rms > 1e-7, decibels(column(level_db, x)) / rms.clamp(min=1e-7), 1.0)


def gain(x: Tensor, gain_db: Tensor | float) -> Tensor:
    """x louder by gain_db ([B] or a number)."""
    return x * decibels(column(gain_db, x))


def clip(x: Tensor) -> Tensor:
    """What a 16-bit file can hold: cut off at full scale."""
    return x.clamp(-1.0, 32767 / 32768)


def soft_clip(x: Tensor, drive_db: Tensor | float) -> Tensor:
    """An overdriven amplifier: tanh after drive_db of gain ([B] or a number) over the peak; level kept."""
    peak = x.abs().amax(-1, keepdim=True).clamp(min=1e-7)
    driven = torch.tanh(x / peak * decibels(column(drive_db, x))) * peak
    scale = x.square().mean(-1, keepdim=True).sqrt() / driven.square().mean(-1, keepdim=True).sqrt().clamp(
        min=1e-7
    )
    return driven * scale


def add_noise(speech: Tensor, noise: Tensor, snr_db: Tensor | float) -> Tensor:
    """speech plus noise [B, N], the noise scaled to snr_db ([B] or a number) below the active speech.

    Beside an item without speech the noise is taken as if there were speech at -30 dB of full scale.
    """
    power = active_power(speech)
    power = torch.where(power > 1e-12, power, torch.full_like(power, 1e-3))
    wanted = (power * 10 ** (-column(snr_db, speech) / 10)).sqrt()
    return speech + noise * (wanted / noise.square().mean(-1, keepdim=True).sqrt().clamp(min=1e-9))


# Room ---------------------------------------------------------------------------


def room_responses(
    batch: int,
    generator: torch.Generator,
    rt60_s: tuple[float, float] = (0.1, 0.8),
    distance_m: tuple[float, float] = (0.3, 3.5),
) -> Tensor:
    """Impulse responses [batch, samples] of random rectangular rooms, direct sound of height 1 at sample 0.

    Early reflections are the mirror images of the speaker in the six walls, up to the second order along each
    axis (J. B. Allen and D. A. Berkley, 1979). What comes later is noise that decays by 60 dB in the
    reverberation time (drawn from rt60_s, seconds), with the energy that Sabine's formula gives a diffuse
    field, and faster at high frequencies, as air and curtains have it.
    """
    device = generator.device
    rt60 = uniform(generator, *rt60_s, batch, 1)
    size = torch.stack(
        [
            uniform(generator, 2.5, 8, batch),
            uniform(generator, 2.5, 6, batch),
            uniform(generator, 2.3, 3.5, batch),
        ],
        -1,
    )  # [B, 3] metres
    microphone = size * uniform(generator, 0.2, 0.8, batch, 3)
    direction = normal(generator, batch, 3) * torch.tensor([1.0, 1.0, 0.2], device=device)
    direction = direction / direction.norm(dim=-1, keepdim=True).clamp(min=1e-3)
    source = microphone + direction * uniform(generator, *distance_m, batch, 1)
    source = torch.minimum(source.clamp(min=0.2), size - 0.2)
    direct = (source - microphone).norm(dim=-1, keepdim=True).clamp(min=0.1)  # [B, 1]

    volume = size.prod(-1, keepdim=True)
    surface = 2 * (size[:, :1] * size[:, 1:2] + size[:, :1] * size[:, 2:] + size[:, 1:2] * size[:, 2:])
    absorption = (0.161 * volume / rt60 / surface).clamp(0.02, 0.9)
    reflected = (1 - absorption).sqrt()  # amplitude kept by one wall

    order = torch.arange(-1, 2, device=device)
    copies = torch.cartesian_prod(order, order, order).repeat_interleave(8, 0)  # [I, 3] whole rooms away
    mirrored = torch.cartesian_prod(*[torch.arange(2, device=device)] * 3).repeat(27, 1)  # [I, 3]
    image = (1 - 2 * mirrored) * source[:, None] + 2 * copies * size[:, None] - microphone[:, None]
    distance = image.norm(dim=-1).clamp(min=0.1)  # [B, I]
    walls = ((copies - mirrored).abs() + copies.abs()).sum(-1)  # [I] walls met on the way
    height = reflected**walls * direct / distance
    sign = torch.where(walls % 2 == 0, 1.0, -1.0)  # keeps the images from adding up at low frequencies
    delay = ((distance - direct) / SPEED_OF_SOUND * RATE_HZ).round().long()

    samples = int(rt60_s[1] * RATE_HZ)
    height = torch.where((delay >= 0) & (delay < samples), height * sign, 0.0)
    early = torch.zeros(batch, samples, device=device).scatter_add_(1, delay.clamp(0, samples - 1), height)
    early[:, 0] = 1.0

    time = torch.arange(samples, device=device)[None] / RATE_HZ
    hiss = normal(generator, batch, samples)
    dull = shape_spectrum(hiss, lambda f: edge(f, torch.full_like(rt60, 1500.0), 2))
    brightness = uniform(generator, 0.4, 0.8, batch, 1)
    onset = (time / 0.03).clamp(max=1.0)  # the images carry the first 30 ms
    tail = (dull * 10 ** (-3 * time / rt60) + (hiss - dull) * 10 ** (-3 * time / (rt60 * brightness))) * onset
    energy = (16 * math.pi * direct**2 * (1 - absorption) / (absorption * surface)).clamp(max=4.0)
    tail = tail * (energy / tail.square().sum(-1, keepdim=True).clamp(min=1e-9)).sqrt()
    return early + tail


def reverberate(x: Tensor, responses: Tensor) -> Tensor:
    """x [B, N] in a room (responses [B, L]); times as before, active power as before."""
    wet = convolve(x, responses)
    return wet * (active_power(x) / active_power(wet).clamp(min=1e-12)).sqrt()


# Noise ---------------------------------------------------------------------------


def coloured_noise(batch: int, samples: int, exponent: Tensor | float, generator: torch.Generator) -> Tensor:
    """Noise [batch, samples] of power 1, falling with frequency^exponent: 0 white, 1 pink, 2 brown."""
    white = normal(generator, batch, samples)
    slope = column(exponent, white)
    x = shape_spectrum(white, lambda f: f.clamp(min=20.0) ** (-slope / 2) * (f >= 20))
    return unit_power(x)


def unit_power(x: Tensor) -> Tensor:
    """x with mean power 1 per item."""
    return x / x.square().mean(-1, keepdim=True).sqrt().clamp(min=1e-9)


def slow_curve(batch: int, samples: int, rate_hz: float, generator: torch.Generator) -> Tensor:
    """A random curve [batch, samples] between 0 and 1 that turns about rate_hz times a second."""
    points = max(2, math.ceil(samples / RATE_HZ * rate_hz) + 2)
    return torch.nn.functional.interpolate(
        uniform(generator, 0, 1, batch, 1, points), size=samples, mode="linear", align_corners=True
    )[:, 0]


def speech_shaped_noise(batch: int, samples: int, generator: torch.Generator) -> Tensor:
    """Noise of power 1 with the long-term spectrum of speech: strong around 500 Hz, weaker above."""
    peak = uniform(generator, 300, 700, batch, 1)
    return unit_power(
        shape_spectrum(
            normal(generator, batch, samples), lambda f: (f / peak) / (1 + (f / peak) ** 2) ** 1.15
        )
    )


def babble(batch: int, samples: int, generator: torch.Generator, talkers: int = 6) -> Tensor:
    """Noise of power 1 as of many distant talkers: speech-shaped, each rising and falling with syllables."""
    total = torch.zeros(batch, samples, device=generator.device)
    for _ in range(talkers):
        total += (
            speech_shaped_noise(batch, samples, generator) * slow_curve(batch, samples, 6.0, generator) ** 2
        )
    return unit_power(total)


def babble_of(speech: Tensor, talkers: int = 6) -> Tensor:
    """Babble of power 1 from the voices of a batch [B, N]: each item hears others, moved in time."""
    power = active_power(speech).sqrt().clamp(min=1e-6)
    voices = speech / power
    samples = speech.shape[-1]
    total = torch.zeros_like(speech)
    for k in range(1, talkers + 1):
        total += voices.roll(k, 0).roll(samples * k // (talkers + 1), 1)
    return unit_power(total)


def hum(batch: int, samples: int, generator: torch.Generator) -> Tensor:
    """Mains hum of power 1: 50 or 60 Hz and its harmonics, with a little hiss."""
    time = torch.arange(samples, device=generator.device)[None] / RATE_HZ
    base = torch.where(chance(generator, 0.5, batch), 50.0, 60.0)[:, None]
    x = 0.02 * normal(generator, batch, samples)
    for k in range(1, 13):
        height = uniform(generator, 0, 1, batch, 1) / k
        x = x + height * torch.sin(2 * math.pi * (k * base * time + uniform(generator, 0, 1, batch, 1)))
    return unit_power(x)


def fan(batch: int, samples: int, generator: torch.Generator) -> Tensor:
    """A fan or an air conditioner, power 1: dull noise with slow beats and the tone of its blades."""
    time = torch.arange(samples, device=generator.device)[None] / RATE_HZ
    cutoff = uniform(generator, 200, 2500, batch, 1)
    x = unit_power(
        shape_spectrum(coloured_noise(batch, samples, 0.5, generator), lambda f: edge(f, cutoff, 1))
    )
    beat = uniform(generator, 0.3, 12, batch, 1)
    x = x * (1 + uniform(generator, 0, 0.4, batch, 1) * torch.sin(2 * math.pi * beat * time))
    blade = uniform(generator, 60, 400, batch, 1)
    for k in range(1, 4):
        x = x + uniform(generator, 0, 0.4, batch, 1) / k * torch.sin(2 * math.pi * k * blade * time)
    return unit_power(x)


def noise_of_kind(kind: str, batch: int, samples: int, generator: torch.Generator) -> Tensor:
    """Noise [batch, samples] of power 1 of one of NOISE_KINDS."""
    colours = {"white": (-0.3, 0.3), "pink": (0.7, 1.3), "brown": (1.7, 2.3)}
    if kind in colours:
        return coloured_noise(batch, samples, uniform(generator, *colours[kind], batch), generator)
    return {"babble": babble, "hum": hum, "fan": fan}[kind](batch, samples, generator)


def noise(
    batch: int, samples: int, generator: torch.Generator, kinds: tuple[str, ...] = NOISE_KINDS
) -> tuple[Tensor, list[str]]:
    """Noise [batch, samples] of power 1, each item of a kind drawn from `kinds`; the kinds beside it."""
    drawn = torch.randint(len(kinds), (batch,), generator=generator, device=generator.device).tolist()
    x = torch.empty(batch, samples, device=generator.device)
    for index, kind in enumerate(kinds):
        rows = [row for row, k in enumerate(drawn) if k == index]
        if rows:
            x[rows] = noise_of_kind(kind, len(rows), samples, generator)
    return x, [kinds[k] for k in drawn]


# Channel ---------------------------------------------------------------------------


def low_pass(x: Tensor, cutoff_hz: Tensor | float) -> Tensor:
    """x without what lies above cutoff_hz ([B] or a number): -24 dB per octave."""
    cutoff = column(cutoff_hz, x)
    return shape_spectrum(x, lambda f: edge(f, cutoff, 4))


def band_pass(x: Tensor, low_hz: Tensor | float, high_hz: Tensor | float, order: int = 6) -> Tensor:
    """x between low_hz and high_hz ([B] or numbers)."""
    low, high = column(low_hz, x), column(high_hz, x)
    return shape_spectrum(
        x, lambda f: edge(f, high, order) * edge(low.clamp(min=1.0), f.clamp(min=1.0), order)
    )


def equalise(x: Tensor, generator: torch.Generator, tilt_db: float = 4.0, bumps_db: float = 6.0) -> Tensor:
    """A random microphone and mouth: up to tilt_db per octave around 1 kHz, and two wide bumps or dips."""
    batch = x.shape[0]
    tilt = uniform(generator, -tilt_db, tilt_db, batch, 1)
    centres = [uniform(generator, math.log2(150), math.log2(6000), batch, 1) for _ in range(2)]
    heights = [uniform(generator, -bumps_db, bumps_db, batch, 1) for _ in range(2)]

    def response(frequencies: Tensor) -> Tensor:
        octave = frequencies.clamp(min=60.0).log2()
        db = tilt * (octave - math.log2(1000))
        for centre, height in zip(centres, heights):
            db = db + height * torch.exp(-0.5 * ((octave - centre) / 0.5) ** 2)
        return decibels(db.clamp(-30, 30))

    return shape_spectrum(x, response)


def mu_law(x: Tensor) -> Tensor:
    """x through the 8-bit logarithmic quantiser of the telephone network (ITU-T G.711, mu = 255)."""
    x = x.clamp(-1, 1)
    squeezed = x.sign() * torch.log1p(255 * x.abs()) / math.log(256)
    squeezed = (squeezed * 127.5).round() / 127.5
    return squeezed.sign() * (256 ** squeezed.abs() - 1) / 255


def telephone(x: Tensor, generator: torch.Generator, mu_law_chance: float = 0.5) -> Tensor:
    """x over the telephone: 300 to 3400 Hz, at times also quantised by mu-law."""
    x = band_pass(x, 300.0, 3400.0)
    quantised = chance(generator, mu_law_chance, x.shape[0])[:, None]
    return torch.where(quantised, band_pass(mu_law(x), 200.0, 3600.0), x)


def resample(x: Tensor, speed: Tensor) -> Tensor:
    """x [B, N] played `speed` [B] times as fast: pitch and formants rise with it. Length stays N.

    Sample i of the result is x at i * speed; behind the end there is silence. Cubic interpolation through
    four samples, after a low-pass where speeding up would fold high frequencies down.
    """
    samples = x.shape[-1]
    rate = column(speed, x)
    x = shape_spectrum(x, lambda f: edge(f, (RATE_HZ / 2) / rate.clamp(min=1.0) * 0.97, 12))
    at = torch.arange(samples, device=x.device, dtype=torch.float64)[None] * rate.double()
    whole = at.floor()
    part = (at - whole).float()
    index = whole.long()
    padded = torch.nn.functional.pad(x, (1, 3))

    def tap(offset: int) -> Tensor:
        place = index + (1 + offset)
        return torch.where(index < samples, padded.gather(1, place.clamp(max=samples + 3)), 0.0)

    a, b, c, d = tap(-1), tap(0), tap(1), tap(2)
    return b + 0.5 * part * (c - a + part * (2 * a - 5 * b + 4 * c - d + part * (3 * (b - c) + d - a)))


def where_chosen(chosen: Tensor, changed: Tensor, x: Tensor) -> Tensor:
    """Items of `changed` where chosen [B], else those of x."""
    return torch.where(chosen[:, None], changed, x)
