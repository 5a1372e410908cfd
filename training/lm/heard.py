"""Transcripts as the product makes them: meetings of the test split, spoken, then heard by a recogniser.

python3 -m training.lm.heard --model models/mini/asr --count 20 -o build/heard.jsonl

One JSON object a line: language, template, facts (of what was really said), transcript (a line per segment).
For `training.lm.evaluate --heard`.
"""

import argparse
import itertools
import json
import tempfile
from pathlib import Path

from training.evaluate import PROGRAM, transcribe
from training.lm.jobs import own_template
from training.speech import scene
from training.speech.scene import Setting

SEED = 11  # of the documents; the split keeps them apart from training anyway
ROOM = Setting(snr_db=30.0, rt60_s=None, overlap=0.0)


def heard(program: Path, model: Path, language: str, count: int) -> list[dict]:
    """Speaks and transcribes `count` meetings; needs espeak-ng and the program."""
    lines = []
    spoken = scene.scenes(language, "meeting", "test", SEED, ROOM, seconds=(30, 240), voice_split="train")
    with tempfile.TemporaryDirectory() as place:
        documents, files = [], []
        for number, (document, recording) in enumerate(itertools.islice(spoken, count)):
            files.append(Path(place) / f"{number:03}.flac")
            scene.write(recording, document, files[-1])
            documents.append(document)
        for document, answer in zip(documents, transcribe(program, model, files, [])):
            template = own_template(document)
            lines.append(
                {
                    "language": language,
                    "template": template,
                    "facts": document.facts[template],
                    "transcript": "\n".join(segment["text"].strip() for segment in answer["segments"]),
                }
            )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, default=Path("models/mini/asr"))
    parser.add_argument("--program", type=Path, default=PROGRAM)
    parser.add_argument("--count", type=int, default=20, help="per language")
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    lines = []
    for language in ("en", "vi"):
        lines += heard(options.program, options.model, language, options.count)
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    options.output.write_text(text, encoding="utf-8")
    print(f"{len(lines)} transcripts in {options.output}")


if __name__ == "__main__":
    main()
