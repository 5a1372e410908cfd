"""The meetings and the dictation of samples/, with the truth about them, in one command:

    python3 -m training.speech.samples -o samples

Documents of the test split, so that no model of models/mini was trained on their texts, and voices that
the recogniser knows. Each is the first document from its seed on that fits; the same espeak-ng gives the
same bytes.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

from training.speech import scene
from training.speech.scene import Setting


@dataclass(frozen=True)
class Sample:
    """A file to make."""

    name: str
    language: str
    kind: str
    speakers: int
    seconds: tuple[float, float]
    setting: Setting
    seed: int


_TABLE = Setting(snr_db=32.0, noise=("fan",), rt60_s=(0.15, 0.25), overlap=0.25)
_DESK = Setting(snr_db=38.0, noise=("pink",), rt60_s=None, overlap=0.0)

SAMPLES = (
    Sample("meeting_en", "en", "meeting", 3, (120.0, 175.0), _TABLE, 7),
    Sample("meeting_vi", "vi", "meeting", 3, (120.0, 175.0), _TABLE, 7),
    Sample("dictation_vi", "vi", "dictation", 1, (20.0, 90.0), _DESK, 3),
)


def make(sample: Sample, folder: Path) -> Path:
    """Writes the recording and its truth; returns its path."""
    found = scene.scenes(
        sample.language,
        sample.kind,
        "test",
        sample.seed,
        sample.setting,
        sample.speakers,
        sample.seconds,
        voice_split="train",
    )
    document, made = next(found)
    path = folder / f"{sample.name}.flac"
    scene.write(made, document, path)
    size = path.stat().st_size
    overlap = sum(b.start_s < a.end_s for a, b in zip(made.turns, made.turns[1:]))
    print(f"{path}: {made.duration_s:.1f} s, {size} bytes, {len(made.turns)} turns, {overlap} overlaps")
    return path


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder")
    arguments = parser.parse_args()
    for sample in SAMPLES:
        make(sample, arguments.output)


if __name__ == "__main__":
    main()
