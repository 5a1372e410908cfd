"""Every syllable Vietnamese spelling allows, by rule: initial, rime, tone.

The rules of quốc ngữ that matter here: c, g, ng are written k, gh, ngh before e, ê, i; q is always followed
by u; syllables that end in a stop (c, ch, p, t) carry only the sắc or nặng tone; the tone mark stands on the
vowel given by the rime. The list is wider than the dictionary: a recogniser has to spell names and rare
words as well.
"""

import functools
import random
import unicodedata
from collections.abc import Sequence

INITIALS = [
    "",
    "b",
    "c",
    "ch",
    "d",
    "đ",
    "g",
    "gi",
    "h",
    "kh",
    "l",
    "m",
    "n",
    "ng",
    "nh",
    "ph",
    "qu",
    "r",
    "s",
    "t",
    "th",
    "tr",
    "v",
    "x",
]

# A dot follows the vowel that carries the tone mark.
RIMES = """
a. a.c a.ch a.i a.m a.n a.ng a.nh a.o a.p a.t a.u a.y ă.c ă.m ă.n ă.ng ă.p ă.t â.c â.m â.n â.ng â.p â.t â.u
â.y e. e.c e.m e.n e.ng e.o e.p e.t ê. ê.ch ê.m ê.n ê.nh ê.p ê.t ê.u i. i.a i.ch iê.c iê.m iê.n iê.ng iê.p
iê.t iê.u i.m i.n i.nh i.p i.t i.u o. o.c o.i o.m o.n o.ng o.p o.t o.a oa.c oa.ch oa.i oa.m oa.n oa.ng oa.nh
oa.t oa.y oă.c oă.m oă.n oă.ng oă.t o.e oe.n oe.o oe.t ô. ô.c ô.i ô.m ô.n ô.ng ô.p ô.t ơ. ơ.i ơ.m ơ.n ơ.p ơ.t
u. u.a u.c u.i u.m u.n u.ng u.p u.t uâ.n uâ.ng uâ.t uâ.y uê. uê.ch uê.nh uô.c uô.i uô.m uô.n uô.ng uô.t
u.y uy.a uy.ch uyê.n uyê.t uy.n uy.nh uy.t uy.u ư. ư.a ư.c ư.i ư.ng ư.t ư.u ươ.c ươ.i ươ.m ươ.n ươ.ng ươ.p
ươ.t ươ.u
""".split()

TONES = {"level": "", "huyền": "\u0300", "sắc": "\u0301", "hỏi": "\u0309", "ngã": "\u0303", "nặng": "\u0323"}
STOPS = ("c", "ch", "p", "t")


def _spell(initial: str, rime: str) -> str | None:
    """The syllable without tone, its dot kept; None where the spelling does not exist."""
    front = rime[0] in "eêi"
    if initial == "c" and front:
        initial = "k"
    elif initial in ("g", "ng") and front:
        initial += "h"
    elif initial == "gi" and rime[0] == "i":
        return "g" + rime  # one i is enough: gì, giếng; "gia" is gi with a, and comes out twice
    elif initial == "qu":
        if rime[0] in "oôuư":
            return None
        if rime.startswith("i."):
            rime = "y." + rime[2:]  # quý, quýt: the u belongs to q
    elif initial == "" and rime.startswith("iê"):
        rime = "yê" + rime[2:]
    if initial in ("b", "m", "ph", "v", "") and rime[:2] in ("oa", "oă", "oe", "uâ", "uê", "uy") and initial:
        return None  # lips cannot round twice
    return initial + rime


@functools.cache
def all_syllables() -> tuple[str, ...]:
    """Every syllable once, in NFC, sorted by rule and not by alphabet."""
    found: dict[str, None] = {}
    for rime in RIMES:
        stopped = rime.replace(".", "").endswith(STOPS)
        for initial in INITIALS:
            spelled = _spell(initial, rime)
            if spelled is None:
                continue
            for name, mark in TONES.items():
                if stopped and name not in ("sắc", "nặng"):
                    continue
                found[unicodedata.normalize("NFC", spelled.replace(".", mark))] = None
    return tuple(found)


def syllable_sentence(rng: random.Random, syllables: Sequence[str]) -> str:
    """Some syllables in a row, as a sentence without meaning."""
    chosen = [rng.choice(syllables) for _ in range(rng.randint(3, 10))]
    return " ".join(chosen).capitalize() + "."
