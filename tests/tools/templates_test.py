"""The four templates that models/mini/lm is trained on have the schemas of training/corpus, keys in the same order."""
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from training.corpus.schemas import SCHEMAS  # noqa: E402

DESCRIBING = {"$schema", "title", "description"}


def main():
    wrong = 0
    for name, trained in SCHEMAS.items():
        stored = json.loads((ROOT / "templates" / name / "schema.json").read_text(encoding="utf-8"))
        stored = {key: value for key, value in stored.items() if key not in DESCRIBING}
        if json.dumps(stored) != json.dumps(trained):  # as text: the order of keys counts
            print(f"templates/{name}/schema.json differs from training/corpus/schemas.py")
            wrong += 1
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
