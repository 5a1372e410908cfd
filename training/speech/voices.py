"""Who speaks: espeak-ng's accents times its voice variants, some variants kept for the test split only.

The variants were measured beside the plain voice (sentence of both languages; loudness, clipping, duration,
spectral distance after time alignment): `_RARE` are the robots, whispers and far-off ones (distance above
1.35 or stretched by more than a third), worth hearing now and then; `_SAME` are copies of others.
"""

from __future__ import annotations

import functools
import random

from training.speech import espeak

ACCENTS = {
    "en": (
        "en-us",
        "en",
        "en-gb-x-rp",
        "en-gb-scotland",
        "en-gb-x-gbclan",
        "en-gb-x-gbcwmd",
        "en-029",
        "en-us-nyc",
    ),
    "vi": ("vi", "vi-vn-x-central", "vi-vn-x-south"),
}
# The main accents come up more often: north and south of Vietnam, America and England.
_ACCENT_WEIGHTS = {"en": (4, 3, 2, 2, 1, 1, 1, 2), "vi": (4, 2, 3)}
_PLAIN_SHARE = 0.04  # of the speakers without any variant
_RARE_SHARE = 0.06
_RARE = frozenset(
    {
        "whisper",
        "whisperf",
        "UniRobot",
        "anikaRobot",
        "Demonic",
        "Alicia",
        "zac",
        "Marco",
        "RicishayMax",
        "RicishayMax2",
        "RicishayMax3",
        "robosoft",
        "robosoft2",
        "robosoft3",
        "robosoft4",
        "robosoft5",
        "robosoft6",
        "robosoft7",
        "robosoft8",
    }
)
_SAME = frozenset({"fast", "klatt4", "klatt6", "edward2", "steph2", "steph3", "adam"})
TEST_VARIANTS = ("f4", "m7", "Andrea", "Denis", "linda", "boris", "quincy", "Mario", "Lee", "travis")


@functools.cache
def _variants() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of the usual and of the rare training variants that this espeak-ng has."""
    folder = espeak.data_folder() / "voices" / "!v"
    names = sorted(path.name for path in folder.iterdir())
    names = [name for name in names if name not in _SAME and name not in TEST_VARIANTS]
    return tuple(n for n in names if n not in _RARE), tuple(n for n in names if n in _RARE)


def train_voices(language: str) -> list[str]:
    """All voices of the training split: plain accents, usual and rare variants."""
    usual, rare = _variants()
    return [a + suffix for a in ACCENTS[language] for suffix in ("", *("+" + v for v in usual + rare))]


def test_voices(language: str) -> list[str]:
    """Voices with variants that training never hears."""
    return [f"{accent}+{variant}" for accent in ACCENTS[language] for variant in TEST_VARIANTS]


def speaker(language: str, split: str, seed: int) -> espeak.Synthesiser:
    """A speaker drawn by `seed`: accent, variant of the split ("train" or "test"), speed, pitch, range."""
    r = random.Random(f"speaker {language} {split} {seed}")
    accent = r.choices(ACCENTS[language], _ACCENT_WEIGHTS[language])[0]
    usual, rare = _variants()
    kind = r.random()
    if split == "test":
        suffix = "+" + r.choice(TEST_VARIANTS)
    elif kind < _PLAIN_SHARE:
        suffix = ""
    else:
        suffix = "+" + r.choice(rare if kind < _PLAIN_SHARE + _RARE_SHARE and rare else usual)
    rate = min(max(round(r.gauss(170, 20)), 125), 215)
    return espeak.Synthesiser(accent + suffix, rate, r.randint(25, 75), r.randint(25, 75))
