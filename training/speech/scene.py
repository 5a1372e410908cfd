"""A document of the corpus as a recording: several speakers in a room, pauses, some overlap, noise.

    python3 -m training.speech.scene --language en --kind meeting --speakers 3 --seconds 120 180 -o DIR

takes the first such document of the split and writes the recording (FLAC) and beside it what is true of it:

    .txt   what was said, one turn a line, in the order of their starts
    .rttm  who speaks when; a pause of more than 150 ms ends a line
    .json  language, speakers (name, voice), turns with times of their words, facts per summary template

The same command and the same espeak-ng give the same bytes. Within a process that has spoken before, samples
differ a little: the unsteadiness of espeak-ng's voices runs on from one utterance to the next.
"""

import argparse
import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from training import metrics
from training.corpus import Document, documents
from training.speech import effects, espeak, voices
from training.speech.activity import stretches, voice_samples

RATE_HZ = espeak.RATE_HZ
_LEVEL_DB = -22.0  # of the active speech, relative to full scale
_EDGE_S = 0.8  # of the recording before the first and after the last word


@dataclass(frozen=True)
class Setting:
    """Where and how a recording is made."""

    snr_db: float | None = 30.0  # of fan and hiss below the speech; None: none
    noise: tuple[str, ...] = ("pink", "fan")  # kinds of effects.NOISE_KINDS, one is drawn
    rt60_s: tuple[float, float] | None = (0.15, 0.35)  # range of the reverberation time; None: no room
    overlap: float = 0.2  # share of the changes of speaker that come before the other has ended
    overlap_s: tuple[float, float] = (0.2, 0.7)
    pause_s: tuple[float, float] = (0.3, 1.1)
    telephone: bool = False


@dataclass
class SpokenTurn:
    """A turn in the recording; times in seconds from its start."""

    speaker: str
    text: str
    start_s: float
    end_s: float
    words: list[espeak.Word] = field(default_factory=list)

    def sentence_starts(self) -> list[float]:
        """Starts of the turn's sentences: of the words after a full stop, question or exclamation mark."""
        starts, place, opening = [], 0, True
        for word in self.words:
            at = self.text.find(word.text, place)
            if at < 0:
                continue
            opening = opening or bool(re.search(r"[.!?…]", self.text[place:at]))
            if opening:
                starts.append(word.start_s)
            opening, place = False, at + len(word.text)
        return starts


@dataclass
class Scene:
    """A recording and the truth about it."""

    samples: np.ndarray  # float32 [N] at 16 kHz
    language: str
    turns: list[SpokenTurn]  # in the order of their starts
    voiced: list[metrics.Turn]  # stretches of voice, by start
    voices: dict[str, str]  # of espeak-ng, per speaker

    @property
    def duration_s(self) -> float:
        return len(self.samples) / RATE_HZ

    @property
    def text(self) -> str:
        """One turn a line."""
        return "".join(turn.text + "\n" for turn in self.turns)


def cast(speakers: list[str], language: str, split: str, seed: int) -> dict[str, espeak.Synthesiser]:
    """A voice per speaker, no variant twice while there are others."""
    chosen: dict[str, espeak.Synthesiser] = {}
    used: set[str] = set()
    for index, speaker in enumerate(speakers):
        for attempt in range(30):
            voice = voices.speaker(language, split, seed * 10_007 + index * 101 + attempt)
            if voice.voice.partition("+")[2] not in used:
                break
        used.add(voice.voice.partition("+")[2])
        chosen[speaker] = voice
    return chosen


def _place(document: Document, cast_of: dict[str, espeak.Synthesiser], setting: Setting, dice: random.Random):
    """Speaks the turns and gives each its first sample: [(speaker, text, speech, first sample)]."""
    placed, last_end, own_end = [], int(_EDGE_S * RATE_HZ), dict.fromkeys(cast_of, 0)
    before = None
    for turn in document.turns:
        speech = cast_of[turn.speaker].speak(turn.text)
        if not len(speech.samples):
            continue
        if before is not None and before != turn.speaker and dice.random() < setting.overlap:
            first = last_end - int(dice.uniform(*setting.overlap_s) * RATE_HZ)
            first = max(first, own_end[turn.speaker] + RATE_HZ // 5, 0)
        elif before is None:
            first = last_end
        else:
            first = last_end + int(dice.uniform(*setting.pause_s) * RATE_HZ)
        placed.append((turn.speaker, turn.text, speech, first))
        own_end[turn.speaker] = first + len(speech.samples)
        last_end = max(last_end, own_end[turn.speaker])
        before = turn.speaker
    return placed, last_end + int(_EDGE_S * RATE_HZ)


def render(document: Document, setting: Setting, split: str, seed: int) -> Scene:
    """Speaks, places, mixes; `split` is that of the voices."""
    dice = random.Random(f"scene {document.id} {seed}")
    g = torch.Generator().manual_seed(dice.randrange(2**31))
    speakers = sorted({turn.speaker for turn in document.turns})
    cast_of = cast(speakers, document.language, split, seed)
    placed, length = _place(document, cast_of, setting, dice)

    stems = torch.zeros(len(speakers), length)
    turns, voiced = [], []
    for speaker, text, speech, first in placed:
        stem = stems[speakers.index(speaker)]
        stem[first : first + len(speech.samples)] += torch.from_numpy(
            speech.samples.astype(np.float32) / 32768
        )
        at = first / RATE_HZ
        words = [espeak.Word(w.text, at + w.start_s, at + w.end_s) for w in speech.words]
        turns.append(SpokenTurn(speaker, text, at, at + speech.duration_s, words))
        for begin, end in stretches(voice_samples(speech.samples)):
            voiced.append(metrics.Turn(speaker, at + begin / RATE_HZ, at + end / RATE_HZ))
    turns.sort(key=lambda turn: turn.start_s)
    voiced.sort(key=lambda turn: turn.start_s)

    # Every speaker keeps a loudness and a place in the room.
    loudness = torch.tensor([dice.uniform(-3, 3) for _ in speakers])
    stems = effects.set_level(stems, _LEVEL_DB + loudness)
    if setting.rt60_s:
        stems = effects.reverberate(
            stems, effects.room_responses(len(speakers), g, setting.rt60_s, (0.4, 1.2))
        )
    mix = stems.sum(0, keepdim=True)
    if setting.snr_db is not None:
        mix = effects.add_noise(mix, effects.noise(1, length, g, setting.noise)[0], setting.snr_db)
    if setting.telephone:
        mix = effects.telephone(mix, g)
    mix = effects.set_level(mix, _LEVEL_DB)
    samples = effects.clip(mix * (0.95 / mix.abs().max()).clamp(max=1.0))[0].numpy()
    return Scene(samples, document.language, turns, voiced, {s: v.voice for s, v in cast_of.items()})


def write(scene: Scene, document: Document, path: Path) -> None:
    """Writes `path` (.flac or .wav) and the three files beside it."""
    import soundfile

    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(str(path), np.round(scene.samples * 32768).clip(-32768, 32767).astype(np.int16), RATE_HZ)
    path.with_suffix(".txt").write_text(scene.text, encoding="utf-8")
    metrics.write_rttm(path.with_suffix(".rttm"), path.stem, scene.voiced)
    truth = {
        "language": scene.language,
        "kind": document.kind,
        "document": document.id,
        "duration_s": round(scene.duration_s, 3),
        "speakers": {s: {"name": document.people.get(s), "voice": v} for s, v in scene.voices.items()},
        "turns": [
            {
                "speaker": turn.speaker,
                "start_s": round(turn.start_s, 3),
                "end_s": round(turn.end_s, 3),
                "text": turn.text,
                "sentence_starts_s": [round(s, 3) for s in turn.sentence_starts()],
                "words": [[w.text, round(w.start_s, 3), round(w.end_s, 3)] for w in turn.words],
            }
            for turn in scene.turns
        ],
        "facts": document.facts,
    }
    text = json.dumps(truth, ensure_ascii=False, indent=1)
    path.with_suffix(".json").write_text(text + "\n", encoding="utf-8")


def scenes(
    language: str,
    kind: str,
    split: str,
    seed: int,
    setting: Setting = Setting(),
    speakers: int | None = None,
    seconds: tuple[float, float] | None = None,
    voice_split: str | None = None,
    tries: int = 2000,
) -> Iterator[tuple[Document, Scene]]:
    """Recordings of the documents of a kind that have so many speakers and last so long.

    The voices are of the documents' split unless voice_split names another.
    """
    for _, document in zip(range(tries), documents(language, split, seed, [kind])):
        if speakers and len({turn.speaker for turn in document.turns}) != speakers:
            continue
        if seconds:  # a guess from the number of words spares most of the speaking
            words = sum(len(turn.text.split()) for turn in document.turns)
            rate = 2.6 if language == "en" else 3.5
            if not seconds[0] * 0.7 < words / rate < seconds[1] * 1.3:
                continue
        scene = render(document, setting, voice_split or split, seed)
        if not seconds or seconds[0] <= scene.duration_s <= seconds[1]:
            yield document, scene


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--language", choices=("en", "vi"), required=True)
    parser.add_argument("--kind", choices=("meeting", "interview", "talk", "dictation"), default="meeting")
    parser.add_argument("--split", choices=("train", "test"), default="test")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=1, help="recordings to write [1]")
    parser.add_argument("--speakers", type=int, help="only documents with this many")
    parser.add_argument("--seconds", type=float, nargs=2, metavar=("LEAST", "MOST"))
    parser.add_argument("--snr", type=float, default=30.0, help="noise below the speech in dB [30]")
    parser.add_argument("--overlap", type=float, default=0.2, help="share of changes of speaker [0.2]")
    parser.add_argument("--telephone", action="store_true")
    parser.add_argument("--name", help="of the files [KIND_LANGUAGE, numbered if there are several]")
    parser.add_argument("--format", choices=("flac", "wav"), default="flac")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder")
    arguments = parser.parse_args()
    setting = Setting(snr_db=arguments.snr, overlap=arguments.overlap, telephone=arguments.telephone)
    found = scenes(
        arguments.language,
        arguments.kind,
        arguments.split,
        arguments.seed,
        setting,
        arguments.speakers,
        tuple(arguments.seconds) if arguments.seconds else None,
    )
    written = 0
    for index, (document, scene) in zip(range(arguments.count), found):
        name = arguments.name or f"{arguments.kind}_{arguments.language}"
        path = arguments.output / (f"{name}_{index:03}" if arguments.count > 1 else name)
        write(scene, document, path.with_suffix("." + arguments.format))
        print(f"{path}: {scene.duration_s:.1f} s, {len(scene.turns)} turns, document {document.id}")
        written += 1
    if written < arguments.count:
        raise SystemExit(
            f"only {written} of {arguments.count} recordings: no other document fits the options"
        )


if __name__ == "__main__":
    main()
