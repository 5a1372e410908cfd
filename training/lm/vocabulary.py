"""Byte-level BPE of our own, in the published file format.

Like Qwen's it normalises to NFC, splits digits one by one and never adds a token by itself. Unlike Qwen's,
only a space may stand before the letters of a piece, not any character: `"Anna"` in JSON then holds the same
pieces as the name has elsewhere, which is what copying needs.
"""

import itertools
import json
import os
from pathlib import Path

os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers  # noqa: E402
from tokenizers import pre_tokenizers, trainers  # noqa: E402

from training.corpus import documents  # noqa: E402
from training.lm import chat  # noqa: E402
from training.lm.jobs import compact, unpunctuated  # noqa: E402

SPLIT = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)| ?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
THINKING = ["<think>", "</think>"]  # not special: they survive when special tokens are skipped


def train_vocabulary(size: int, documents_per_language: int, seed: int) -> Tokenizer:
    """Learns the merges from documents of the train split, as they are and as the jobs write them."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size - len(SPECIAL) - len(THINKING),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_texts(documents_per_language, seed), trainer)
    tokenizer.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in SPECIAL])
    tokenizer.add_tokens([AddedToken(token, normalized=False, special=False) for token in THINKING])
    return tokenizer


def _texts(count: int, seed: int):
    yield from list(chat.SYSTEM.values()) * 50
    for language in ("en", "vi"):
        for document in itertools.islice(documents(language, "train", seed), count):
            yield "\n".join(f"{turn.speaker}: {turn.text}" for turn in document.turns)
            yield unpunctuated(document.text())
            yield compact(next(iter(document.facts.values())))


def save_vocabulary(tokenizer: Tokenizer, folder: Path) -> None:
    """Writes tokenizer.json and tokenizer_config.json."""
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": None,
        "eos_token": "<|im_end|>",
        "pad_token": "<|endoftext|>",
        "unk_token": None,
        "add_bos_token": False,
        "add_prefix_space": False,
        "clean_up_tokenization_spaces": False,
        "errors": "replace",
        "model_max_length": 4096,
        "chat_template": chat.CHAT_TEMPLATE,
    }
    text = json.dumps(settings, ensure_ascii=False, indent=2)
    (folder / "tokenizer_config.json").write_text(text + "\n", encoding="utf-8")
