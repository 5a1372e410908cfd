#!/usr/bin/env python3
"""Writes the golden files of tests/text from Hugging Face tokenizers and Python's own codecs.

    make_golden.py <directory with gpt2.tiktoken and multilingual.tiktoken>

The Hugging Face tokenizer is built from the ranks: a token's merge is the pair into which byte-pair
encoding with only the lower ranks splits it. Made with tokenizers 0.23 and Python 3.11.
"""
import base64
import json
import random
import sys
import zlib
from pathlib import Path

import tokenizers
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers

HERE = Path(__file__).parent
PRINTABLE = [*range(33, 127), *range(161, 173), *range(174, 256)]
ALPHABET = {b: chr(b) for b in PRINTABLE}
for n, b in enumerate(b for b in range(256) if b not in ALPHABET):
    ALPHABET[b] = chr(0x100 + n)

QWEN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
        r"|\s*[\r\n]+|\s+(?!\S)|\s+")

TEXTS = [
    "", " ", "  ", "   \t ", "Hello world", " Hello, world!  ", "I'm you're he's they'd we'll I've don't",
    "I'M YOU'RE 's''t", "Cộng hòa xã hội chủ nghĩa Việt Nam", "Co\u0323\u0302ng ho\u0300a xa\u0303 ho\u0323\u0302i",
    "日本語のテキスト、そして漢字。", "中文没有空格", "한국어 텍스트", "สวัสดีครับ", "မင်္ဂလာပါ", "ສະບາຍດີ",
    "👨‍👩‍👧‍👦 family 🏳️‍🌈 flag 🇻🇳", "e\u0301e\u0300 a\u0308\u0323 Z\u0351\u036b\u0343algo",
    "line\r\nline\r\n\r\nline\n\n\n  indented", "runs   of    spaces     here ", "\t\ttabs\tand \t mixed",
    "12345678901234567890 3.14159 1,000,000", "x1y22z333", "½ ² ³ Ⅷ ٣٤٥ १२३", "a\u00a0b\u2003c\u2028d\u3000e",
    "zero\u200bwidth\u200djoin\ufeffbom", "mongolian\u180evowel \u180e separator", "\u0085next\u0085line",
    "\x00nul\x01\x1c\x1f ctl\x7f", "ſ'ſ Kelvin K ﬁ ﬆ", "UPPER lower MiXeD ÀÉÎ ß ẞ İ ı",
    "!!!???...;;; (((brackets))) [[x]] {{y}} <<z>>", "♪♪♪ ♩ ♫ la la la ♪", "« guillemets » “quotes” ‘single’ —dash–",
    "https://example.org/a?b=c&d=%20#frag user@example.org", "def f(x):\n    return x ** 2  # comment\n",
    "<|endoftext|>", "<|startoftranscript|>text<|endoftext|>", "<|endoftext", "<<|endoftext|>|>", "a<|en|>b<|1.00|>",
    "Русский текст, ещё раз", "Ελληνικά", "עברית", "العربية نص", "हिन्दी पाठ", "தமிழ்", "\U0001F600\U0010FFFF\U0001D54F",
    "a" * 300, "ab" * 200, " " * 200, "\n" * 120, "the the the the " * 40, "\u0300\u0301", "ȷ̈ ǰ", "Å Å Å ﷺ",
]


def ranks_of(path):
    return [base64.b64decode(line.split()[0]) if line[0] != " " else b"" for line in path.read_text().splitlines() if line]


def merges_of(tokens):
    rank = {t: i for i, t in enumerate(tokens) if t}
    merges = []
    for token in tokens:
        if len(token) < 2:
            continue
        parts = [bytes([b]) for b in token]
        while len(parts) > 2:
            best = min(range(len(parts) - 1),
                       key=lambda i: rank.get(parts[i] + parts[i + 1], 1 << 30))
            parts[best:best + 2] = [parts[best] + parts[best + 1]]
        merges.append(tuple(parts))
    return merges


def spell(token):
    return "".join(ALPHABET[b] for b in token)


def hugging_face(tokens, eot, qwen=False):
    vocab = {spell(t): i for i, t in enumerate(tokens) if t}
    merges = [(spell(a), spell(b)) for a, b in merges_of(tokens)]
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=merges))
    if qwen:
        tokenizer.normalizer = normalizers.NFC()
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
            pre_tokenizers.Split(Regex(QWEN), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def small_tokenizers():
    """tokenizer.json files small enough to keep, with what they give for awkward text."""
    cases = []
    corpus = ["the cat sat on the mat, the hat; that's what they'd say", "Việt Nam việt nam", "日本 日本語",
              "aaaa bbbb abab", "12 1234 12345", "new\nline\n\nnew"] * 4
    from tokenizers import AddedToken, trainers
    for name in ("gpt2", "qwen", "added"):
        tokenizer = Tokenizer(models.BPE(ignore_merges=name == "qwen"))
        if name == "qwen":
            tokenizer.normalizer = normalizers.NFC()
            tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
                pre_tokenizers.Split(Regex(QWEN), "isolated"),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
        else:
            tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(vocab_size=420, show_progress=False,
                                      initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
        tokenizer.train_from_iterator(corpus, trainer)
        tokenizer.add_special_tokens(["<|endoftext|>", "<|end|>", "<|end"])
        if name == "added":
            tokenizer.add_tokens([
                AddedToken("[L]", lstrip=True, normalized=False), AddedToken("[R]", rstrip=True, normalized=False),
                AddedToken("[B]", lstrip=True, rstrip=True, normalized=False),
                AddedToken("word", single_word=True, normalized=False), AddedToken("norm", normalized=True)])
        if name == "qwen":
            tokenizer.add_tokens([AddedToken("é", normalized=True), AddedToken("à", normalized=False)])
        texts = TEXTS + ["x  [L] y", "x [R]  \n y", "a [B] b [B]", "word words sword word. word", "wordword word_ _word é",
                         "normal norm", "e\u0301 é a\u0300 à", "<|end|><|endoftext|><|end<|end|", "the<|end|>cat"]
        cases.append({"name": name, "tokenizer": tokenizer.to_str(), "texts": texts,
                      "ids": [tokenizer.encode(t, add_special_tokens=False).ids for t in texts],
                      "decoded": [tokenizer.decode(tokenizer.encode(t, add_special_tokens=False).ids,
                                                   skip_special_tokens=True) for t in texts]})
    return cases


def whisper_reference(vocabularies):
    """Words, prompts and suppressed tokens as faster-whisper 1.2.1 has them."""
    from faster_whisper.tokenizer import Tokenizer as WhisperTokenizer
    from tokenizers import AddedToken
    from transformers.models.whisper.tokenization_whisper import LANGUAGES, TO_LANGUAGE_CODE

    out = {"languages": list(LANGUAGES.items()), "names": list(TO_LANGUAGE_CODE.items())}
    for name, eot in (("gpt2", 50256), ("multilingual", 50257)):
        tokenizer = hugging_face(ranks_of(vocabularies / f"{name}.tiktoken"), eot)
        names = ["endoftext", "startoftranscript", *list(LANGUAGES)[:99], "translate", "transcribe", "startoflm",
                 "startofprev", "nospeech", "notimestamps", *(f"{i * 0.02:.2f}" for i in range(1501))]
        added = [AddedToken(f"<|{n}|>", special=True, normalized=False) for n in names]
        if name == "multilingual":  # id 50256 is a hole: the empty token
            tokenizer.add_special_tokens([AddedToken("<|hole|>", special=True, normalized=False)])
        tokenizer.add_special_tokens(added)
        assert tokenizer.token_to_id("<|endoftext|>") == eot
        multilingual = name == "multilingual"
        reference = WhisperTokenizer(tokenizer, multilingual, task="transcribe", language="en")
        words = []
        for text in TEXTS:
            for language in ("en", "ja") if multilingual else ("en",):
                reference.language_code = language
                ids = [*tokenizer.encode(text).ids, eot]
                got = reference.split_to_word_tokens(ids)
                words.append([language, ids, got[0], got[1]])
        cut = [i for t in TEXTS[8:20] for i in tokenizer.encode(t).ids[::2]]  # characters torn apart
        for language in ("en", "ja") if multilingual else ("en",):
            reference.language_code = language
            words.append([language, [*cut, eot], *reference.split_to_word_tokens([*cut, eot])])
        begin = reference.timestamp_begin
        stamped = [begin, *tokenizer.encode(" Hello").ids, begin + 54, begin + 54, *tokenizer.encode(" world").ids,
                   begin + 1500, eot]
        out[name] = {"words": words, "non_speech": list(reference.non_speech_tokens), "begin": begin,
                     "sot_sequence": list(reference.sot_sequence), "stamped": stamped,
                     "stamped_text": reference.decode_with_timestamps(stamped)}
    return out


def main():
    vocabularies = Path(sys.argv[1])
    whisper = {"made_with": f"tokenizers {tokenizers.__version__}", "texts": TEXTS}
    for name, eot in (("gpt2", 50256), ("multilingual", 50257)):
        tokens = ranks_of(vocabularies / f"{name}.tiktoken")
        plain = hugging_face(tokens, eot)
        whisper[name] = [plain.encode(t).ids for t in TEXTS]
        qwen = hugging_face(tokens, eot, qwen=True)
        whisper[name + "_qwen_split"] = [qwen.encode(t).ids for t in TEXTS]
    (HERE / "whisper_ids.json").write_text(json.dumps(whisper, separators=(",", ":")) + "\n")
    (HERE / "small_tokenizers.json").write_text(json.dumps(small_tokenizers(), separators=(",", ":")) + "\n")

    (HERE / "whisper_reference.json").write_text(
        json.dumps(whisper_reference(vocabularies), separators=(",", ":")) + "\n")

    random.seed(3)
    starts = [b"\xc2", b"\xe0", b"\xed", b"\xef", b"\xf0", b"\xf4", b"\xf5", b"\x80", b"a", b"\xa0", b"\x9f", b"\x90", b"\xff"]
    samples = [b"".join(random.choice(starts) for _ in range(random.randint(1, 8))) for _ in range(300)]
    samples += [bytes(random.randrange(256) for _ in range(12)) for _ in range(200)]
    samples += [t.encode()[i:j] for t in TEXTS[8:18] for i in range(0, 6) for j in (7, 11)]
    repaired = [[s.hex(), s.decode("utf-8", "replace").encode().hex()] for s in samples]
    ratios = [[t, len(t.encode()) / len(zlib.compress(t.encode()))] for t in TEXTS if t]
    stripped = [[t, t.strip()] for t in
                ["", " ", " a ", "\u00a0a\u3000", "\x1ca\x1f", "\u200ba\u200b", "\u180ea", "a b\n", "\u2028\u0085x"]]
    (HERE / "python_text.json").write_text(
        json.dumps({"utf8_replace": repaired, "compression_ratio": ratios, "strip": stripped},
                   separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
