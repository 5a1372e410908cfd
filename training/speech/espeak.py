"""espeak-ng as a function from text to samples and word times.

The wavering of its voices goes on from one utterance to the next, so samples (not texts, nor voices)
depend a little on what the process said before; ending and starting the library again, which would
reset that, hangs in 1.51.

The shared library is called in this process: no child process per sentence, no WAV files. It keeps
its state in globals, so one process holds one library and speaks one utterance at a time (see `synthesise`
for many processes).

Where the library comes from, in this order:
  1. the environment: MAIE_ESPEAK_LIBRARY (libespeak-ng.so.1) and MAIE_ESPEAK_DATA (folder that holds
     `espeak-ng-data`);
  2. a folder made by `training.speech.unpack` from .deb files, for machines where nothing can be installed;
  3. the system's library.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy.signal import firwin, resample_poly

from training.speech import unpack

RATE_HZ = 16000  # of everything this module returns
# espeak-ng speaks at 22,050 Hz; 16000 / 22050 = 320 / 441.
_UP, _DOWN = 320, 441

_AUDIO_OUTPUT_SYNCHRONOUS = 2
_INITIALIZE_DONT_EXIT = 0x8000
_CHARS_UTF8 = 1
_POS_CHARACTER = 1
_RATE, _VOLUME, _PITCH, _RANGE = 1, 2, 3, 4
_HALF_VOLUME = 50  # at 100, its default, many variants clip
_EVENT_LIST_TERMINATED, _EVENT_WORD, _EVENT_END = 0, 1, 5


class _Event(ctypes.Structure):
    """espeak_EVENT of speak_lib.h."""

    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),  # characters, from 1
        ("length", ctypes.c_int),  # characters
        ("audio_position", ctypes.c_int),  # milliseconds
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_int64),
    ]


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


@dataclass(frozen=True)
class Word:
    """A word of the text and when it is heard, in seconds from the first sample."""

    text: str
    start_s: float
    end_s: float


@dataclass
class Speech:
    """One utterance: int16 mono samples at 16 kHz, trimmed to the sound, and the times of its words."""

    samples: np.ndarray
    words: list[Word] = field(default_factory=list)

    @property
    def duration_s(self) -> float:
        return len(self.samples) / RATE_HZ


class _Library:
    """The loaded library of this process."""

    def __init__(self) -> None:
        location = unpack.find()
        for dependency in location.dependencies:
            ctypes.CDLL(str(dependency), ctypes.RTLD_GLOBAL)
        self.lib = ctypes.CDLL(str(location.library))
        self.lib.espeak_Synth.argtypes = [
            ctypes.c_char_p,
            ctypes.c_size_t,
            ctypes.c_uint,
            ctypes.c_int,
            ctypes.c_uint,
            ctypes.c_uint,
            ctypes.POINTER(ctypes.c_uint),
            ctypes.c_void_p,
        ]
        data = str(location.data).encode() if location.data else None
        self.rate_hz = self.lib.espeak_Initialize(
            _AUDIO_OUTPUT_SYNCHRONOUS, 2000, data, _INITIALIZE_DONT_EXIT
        )
        if self.rate_hz * _UP != RATE_HZ * _DOWN:
            raise RuntimeError(f"espeak-ng gave {self.rate_hz} for its sample rate, 22050 expected")
        self.chunks: list[np.ndarray] = []
        self.events: list[tuple[int, int, int]] = []  # position in the text, length, sample
        self._callback = _Callback(self._receive)  # kept: the library holds only a pointer
        self.lib.espeak_SetSynthCallback(self._callback)
        # 20 taps either side at the lower rate; the band ends at 7.4 kHz, where aliases are 60 dB down.
        self.taps = firwin(2 * 20 * _DOWN + 1, 1.0 / _DOWN, window=("kaiser", 6.0)).astype(np.float32)

    def _receive(self, samples, count, events) -> int:
        if samples and count > 0:
            self.chunks.append(np.ctypeslib.as_array(samples, shape=(count,)).copy())
        i = 0
        while events[i].type != _EVENT_LIST_TERMINATED:
            if events[i].type == _EVENT_WORD:
                self.events.append((events[i].text_position - 1, events[i].length, events[i].sample))
            i += 1
        return 0


_library: _Library | None = None
_voice: str | None = None


def library() -> _Library:
    """This process's library, loaded at the first call."""
    global _library
    if _library is None:
        _library = _Library()
    return _library


def data_folder() -> Path:
    """The folder `espeak-ng-data` with its voices."""
    location = unpack.find()
    if location.data:
        return Path(location.data) / "espeak-ng-data"
    lib = library().lib
    lib.espeak_Info.restype = ctypes.c_char_p
    path = ctypes.c_char_p()
    lib.espeak_Info(ctypes.byref(path))
    return Path(os.fsdecode(path.value))


def available() -> bool:
    """Whether the library can be loaded here."""
    try:
        library()
    except (OSError, RuntimeError):
        return False
    return True


@dataclass(frozen=True)
class Synthesiser:
    """A speaker: a voice ("en-us", "vi+f3"), words per minute, pitch and pitch range (0 to 100)."""

    voice: str
    rate_wpm: int = 175
    pitch: int = 50
    pitch_range: int = 50

    def speak(self, text: str) -> Speech:
        """Says `text`. Silence before and after the sound is cut off; inner pauses stay."""
        global _voice
        loaded = library()
        lib = loaded.lib
        if _voice != self.voice:
            if lib.espeak_SetVoiceByName(self.voice.encode()) != 0:
                raise ValueError(f"espeak-ng has no voice {self.voice!r}")
            _voice = self.voice
        # After the voice, which sets these for itself.
        lib.espeak_SetParameter(_RATE, self.rate_wpm, 0)
        lib.espeak_SetParameter(_VOLUME, _HALF_VOLUME, 0)
        lib.espeak_SetParameter(_PITCH, self.pitch, 0)
        lib.espeak_SetParameter(_RANGE, self.pitch_range, 0)
        loaded.chunks, loaded.events = [], []
        encoded = text.encode()
        lib.espeak_Synth(encoded, len(encoded) + 1, 0, _POS_CHARACTER, 0, _CHARS_UTF8, None, None)
        lib.espeak_Synchronize()
        if not loaded.chunks:
            return Speech(np.zeros(0, np.int16))
        return _finish(np.concatenate(loaded.chunks), loaded.events, text, loaded.taps)


def _finish(raw: np.ndarray, events: list[tuple[int, int, int]], text: str, taps: np.ndarray) -> Speech:
    """Resamples, trims, and turns word events into times. `raw` int16 at 22,050 Hz."""
    sound = resample_poly(raw.astype(np.float32), _UP, _DOWN, window=taps)
    first, last = sounding_range(sound)
    samples = np.clip(np.rint(sound[first:last]), -32768, 32767).astype(np.int16)
    length_s = len(samples) / RATE_HZ
    words = []
    events = _merge_parts(events)
    for i, (position, length, sample) in enumerate(events):
        end = events[i + 1][2] if i + 1 < len(events) else len(raw)
        start_s = min(max(sample * _UP / _DOWN - first, 0) / RATE_HZ, length_s)
        end_s = min(max(end * _UP / _DOWN - first, 0) / RATE_HZ, length_s)
        # The next word's start is known, not this one's end: a pause between them belongs to neither.
        heard = sounding_range(sound[first:last][int(start_s * RATE_HZ) : int(end_s * RATE_HZ)])[1]
        end_s = min(end_s, start_s + heard / RATE_HZ)
        words.append(Word(text[position : position + length], start_s, end_s))
    return Speech(samples, words)


def _merge_parts(events: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Numbers and the like are spoken in parts, with events of their own inside the word: keep the first."""
    merged: list[tuple[int, int, int]] = []
    for event in events:
        if not merged or event[0] >= merged[-1][0] + merged[-1][1]:
            merged.append(event)
    return merged


def sounding_range(sound: np.ndarray, below_peak_db: float = 40.0) -> tuple[int, int]:
    """First and one past the last sample of sound: 5 ms frames within `below_peak_db` of the loudest one."""
    frame = RATE_HZ // 200
    count = len(sound) // frame
    if count == 0:
        return 0, 0
    energy = np.square(sound[: count * frame].reshape(count, frame)).mean(1)
    loud = np.flatnonzero(energy > max(energy.max() * 10 ** (-below_peak_db / 10), 1.0))
    if len(loud) == 0:
        return 0, 0
    return int(loud[0]) * frame, int(loud[-1] + 1) * frame
