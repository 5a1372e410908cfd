"""What the corpus consists of: documents of turns, with the facts that the summaries must find."""

import json
from dataclasses import asdict, dataclass, field


@dataclass
class Turn:
    """What one speaker says without a break: `text` is punctuated and cased, in Unicode NFC."""

    speaker: str  # stable within a document: "S1", "S2", in the order in which the plan seats them
    text: str


@dataclass
class Document:
    """A transcript and what is known about it.

    `people` maps a speaker to the name that can be heard in the text; who is never named is missing there.
    `facts` maps a template id to a JSON object that is valid for that template (see `schemas.py`).
    """

    id: str
    language: str  # "en" or "vi"
    kind: str  # "meeting", "interview", "talk" or "dictation"
    split: str  # "train" or "test"
    turns: list[Turn]
    people: dict[str, str] = field(default_factory=dict)
    facts: dict[str, dict] = field(default_factory=dict)

    def text(self) -> str:
        """All turns in one line, without speakers."""
        return " ".join(turn.text for turn in self.turns)

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)

    @staticmethod
    def from_json(line: str) -> "Document":
        fields = json.loads(line)
        fields["turns"] = [Turn(**turn) for turn in fields["turns"]]
        return Document(**fields)
