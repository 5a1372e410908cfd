"""The token set: byte-level BPE of our own, then Whisper's special tokens under their published names.

ids  0 .. V0-1        pieces of text (GPT-2's pre-tokeniser, 256 bytes as the alphabet)
     V0 ..            <|endoftext|> <|startoftranscript|> <|en|> <|vi|> <|translate|> <|transcribe|>
                      <|startoflm|> <|startofprev|> <|nospeech|> <|notimestamps|>
     then 1,501       <|0.00|> .. <|30.00|> in steps of 0.02 s, the length of one encoder frame
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

LANGUAGES = ("en", "vi")
SPECIAL = (
    "<|endoftext|>",
    "<|startoftranscript|>",
    *(f"<|{name}|>" for name in LANGUAGES),
    "<|translate|>",
    "<|transcribe|>",
    "<|startoflm|>",
    "<|startofprev|>",
    "<|nospeech|>",
    "<|notimestamps|>",
)
TIMESTAMPS = 1501
STEP_S = 0.02


class Tokens:
    """A tokenizer and the ids that training and decoding need by name."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self.end = self._id("endoftext")
        self.start = self._id("startoftranscript")
        self.language = {name: self._id(name) for name in LANGUAGES}
        self.translate = self._id("translate")
        self.transcribe = self._id("transcribe")
        self.start_of_lm = self._id("startoflm")
        self.previous = self._id("startofprev")
        self.no_speech = self._id("nospeech")
        self.no_timestamps = self._id("notimestamps")
        self.first_time = self._id("0.00")
        self.size = self.first_time + TIMESTAMPS
        self.text_size = self.end  # ordinary pieces lie below
        assert self._id("30.00") == self.size - 1 and self.start == self.end + 1

    def _id(self, name: str) -> int:
        return self.tokenizer.token_to_id(f"<|{name}|>")

    def encode(self, text: str) -> list[int]:
        """Ids of a segment's text, with the space that Whisper puts before each segment."""
        return self.tokenizer.encode(" " + text.strip(), add_special_tokens=False).ids

    def decode(self, ids: Iterable[int]) -> str:
        """Text of the ordinary ids among `ids`."""
        return self.tokenizer.decode([i for i in ids if i < self.text_size]).strip()

    def time(self, seconds: float) -> int:
        """Id of the timestamp nearest to `seconds`, from 0 to 30."""
        return self.first_time + min(max(round(seconds / STEP_S), 0), TIMESTAMPS - 1)

    def save(self, path: Path) -> None:
        """Writes tokenizer.json without indentation: with 1,511 added tokens it is mostly white space."""
        data = json.loads(self.tokenizer.to_str())
        path.write_text(json.dumps(data, ensure_ascii=False, separators=(",", ":")))


def train(texts: Iterable[str], text_size: int) -> Tokens:
    """Learns `text_size` pieces from `texts` and adds the special tokens."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=text_size,
        special_tokens=[],
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator((" " + text.strip() for text in texts), trainer)
    tokenizer.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in SPECIAL])
    times = [f"<|{i // 50}.{i % 50 * 2:02d}|>" for i in range(TIMESTAMPS)]
    tokenizer.add_tokens([AddedToken(name, special=False, normalized=False) for name in times])
    return Tokens(tokenizer)


def load(path: Path | str) -> Tokens:
    """From tokenizer.json."""
    return Tokens(Tokenizer.from_file(str(path)))
