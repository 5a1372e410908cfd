#!/usr/bin/env python3
"""Writes small GGUF vocabularies, the tokenizer.json of one of them, and what Hugging Face
tokenizers make of two thousand texts with each.

    make_gguf_vocabularies.py       # needs tokenizers, gguf, numpy; made with tokenizers 0.23, gguf 0.19

small_bpe.gguf and small_bpe.json hold the same byte-level vocabulary, trained here in the form of
Qwen's. small_spm.gguf holds a SentencePiece vocabulary (scores, byte tokens) that is trained here too;
its Hugging Face form has the merge of every pair of tokens whose union is a token, best score first,
which is what the scores mean. small_vocabulary_ids.json has the texts and, for each text, eight
hexadecimal digits of the SHA-256 of its ids as little-endian int32.
"""
import hashlib
import json
import random
import struct
import unicodedata
from pathlib import Path

import gguf
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

HERE = Path(__file__).parent
QWEN2 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
         r"|\s*[\r\n]+|\s+(?!\S)|\s+")
LLAMA3 = QWEN2.replace(r"|\p{N}|", r"|\p{N}{1,3}|")
NAMES = [("<|endoftext|>", True), ("<|im_start|>", True), ("<|im_end|>", True), ("<tool_call>", False),
         ("<think>", False), ("</think>", False)]
SPACE = "\u2581"


def corpus():
    spec = HERE.parents[2] / "docs" / "spec"
    for name in ("service.md", "models.md"):
        yield from spec.joinpath(name).read_text(encoding="utf-8").splitlines(keepends=True)
    text = "Cộng hòa xã hội chủ nghĩa Việt Nam. Cuộc họp bắt đầu lúc chín giờ sáng, mọi người đã có mặt. "
    yield from [text, "日本語のテキスト、そして漢字。会議は九時に始まりました。", "Привет, как дела?"] * 30


def make_texts():
    """Words, runs of white space, scripts, marks, emoji, names of tokens, and any characters at all, as
    Unicode 3.2 knew them: libraries of different ages agree on the classes of those."""
    rng = random.Random(5)
    old = unicodedata.ucd_3_2_0
    any_character = [chr(c) for c in range(0x20, 0x30000)
                     if old.category(chr(c)) not in ("Cn", "Cs", "Co") and chr(c) != "\u180e"
                     and old.category(chr(c)) == unicodedata.category(chr(c))]
    words = [w for line in list(corpus())[:400] for w in line.split()]
    makers = [
        lambda: rng.choice(words), lambda: " " + rng.choice(words), lambda: rng.choice(words).upper(),
        lambda: " " * rng.randint(1, 6), lambda: rng.choice(["\n", "\r\n", "\n\n", "\t", " \n ", "\u00a0", "\u3000"]),
        lambda: str(rng.randint(0, 10**rng.randint(1, 9))), lambda: rng.choice(["'s", "'LL", "'re", "n't", "'", "’s"]),
        lambda: rng.choice("!?.,;:()[]{}<>|`~@#$%^&*_-+=/\\\"") * rng.randint(1, 4),
        lambda: rng.choice(["Việt", "hội nghĩa", "họp", "Đường"]),
        lambda: unicodedata.normalize("NFD", rng.choice(["Việt", "hội nghĩa", "họp", "Đường", "é"])),
        lambda: rng.choice(["会議", "日本語の", "한국어", "สวัสดี", "Привет", "ελλ", "שלום", "नमस्ते", "👨‍👩‍👧", "🇻🇳", "♪"]),
        lambda: rng.choice(any_character), lambda: "".join(rng.choices(any_character, k=4)),
        lambda: rng.choice(NAMES)[0], lambda: rng.choice(["<|im_", "<thin", "<s>", "<unk>", "<0x0A>", SPACE]),
    ]
    return ["".join(rng.choice(makers)() for _ in range(rng.randint(0, 12))) for _ in range(2000)]


def digest(ids):
    return hashlib.sha256(struct.pack(f"<{len(ids)}i", *ids)).hexdigest()[:8]


def add_names(tokenizer):
    tokenizer.add_special_tokens([AddedToken(n, normalized=False, special=True) for n, s in NAMES if s])
    tokenizer.add_tokens([AddedToken(n, normalized=False, special=False) for n, s in NAMES if not s])


def byte_level_tokenizer(model, pre):
    tokenizer = Tokenizer(model)
    level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    split = lambda pattern: pre_tokenizers.Split(Regex(pattern), "isolated")
    parts = {"qwen2": [split(QWEN2), level], "llama-bpe": [split(LLAMA3), level],
             "gpt-2": [pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)],
             "smollm": [pre_tokenizers.Digits(individual_digits=True),
                        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)]}[pre]
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(parts)
    tokenizer.decoder = decoders.ByteLevel()
    if pre == "qwen2":
        tokenizer.normalizer = normalizers.NFC()
    add_names(tokenizer)
    return tokenizer


def byte_level(texts, out):
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = byte_level_tokenizer(models.BPE(), "qwen2").pre_tokenizer
    trained.normalizer = normalizers.NFC()
    trained.train_from_iterator(corpus(), trainers.BpeTrainer(
        vocab_size=1200, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
    model = json.loads(trained.to_str())["model"]
    vocab, merges = model["vocab"], [tuple(m) for m in model["merges"]]
    for pre in ("qwen2", "llama-bpe", "gpt-2", "smollm"):
        tokenizer = byte_level_tokenizer(models.BPE(vocab, merges, ignore_merges=pre == "llama-bpe"), pre)
        if pre == "qwen2":
            (HERE / "small_bpe.json").write_text(tokenizer.to_str() + "\n", encoding="utf-8")
        out[pre] = [digest(tokenizer.encode(t, add_special_tokens=False).ids) for t in texts]
    tokens = sorted(vocab, key=vocab.get)
    types = [gguf.TokenType.NORMAL] * len(tokens)
    for name, special in NAMES:
        tokens.append(name)
        types.append(gguf.TokenType.CONTROL if special else gguf.TokenType.USER_DEFINED)
    tokens.append("[PAD0]")
    types.append(gguf.TokenType.UNUSED)
    writer = gguf.GGUFWriter(str(HERE / "small_bpe.gguf"), "qwen3")
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges([" ".join(m) for m in merges])
    writer.add_eos_token_id(tokens.index("<|im_end|>"))
    writer.add_pad_token_id(tokens.index("<|endoftext|>"))
    writer.add_add_bos_token(False)
    writer.add_chat_template("{{ messages[0].content }}")
    finish(writer)


def scored(texts, out):
    trained = Tokenizer(models.BPE())
    trained.normalizer = normalizers.Replace(" ", SPACE)
    trained.pre_tokenizer = pre_tokenizers.Split(Regex(SPACE + "?[^" + SPACE + "]+|" + SPACE + "+"), "isolated")
    trained.train_from_iterator(corpus(), trainers.BpeTrainer(vocab_size=1100, show_progress=False, limit_alphabet=90))
    pieces = sorted(trained.get_vocab(), key=trained.get_vocab().get)
    special = ["<unk>", "<s>", "</s>"]
    tokens = special + [f"<0x{b:02X}>" for b in range(256)]
    singles, merged = [p for p in pieces if len(p) == 1], [p for p in pieces if len(p) > 1]
    first_merged = len(tokens)
    tokens += merged + singles
    scores = [0.0] * first_merged + [-float(i) for i in range(len(merged))] + [-1e4] * len(singles)
    # Groups of equal scores, so that ties are met: then the leftmost pair merges.
    scores = [s if s <= -1e4 else float(int(s / 4)) for s in scores]
    types = [gguf.TokenType.UNKNOWN, gguf.TokenType.CONTROL, gguf.TokenType.CONTROL]
    types += [gguf.TokenType.BYTE] * 256 + [gguf.TokenType.NORMAL] * (len(merged) + len(singles))
    writer = gguf.GGUFWriter(str(HERE / "small_spm.gguf"), "llama")
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_scores(scores)
    writer.add_token_types(types)
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    finish(writer)
    # Hugging Face ranks have no ties, so its ids are taken from a plain loop: best score, then leftmost.
    rank = {t: s for t, s in zip(tokens[first_merged:], scores[first_merged:])}
    ids = {t: i for i, t in enumerate(tokens)}
    out["spm"] = [digest(encode_scored(t, rank, ids, special)) for t in texts]
    # With scores that differ everywhere Hugging Face tokenizers can say it themselves.
    strict = {t: (-i if len(t) > 1 else -10000 - i) for i, t in enumerate(merged + singles)}
    merges = sorted(((t[:k], t[k:]) for t in merged for k in range(1, len(t)) if t[:k] in strict and t[k:] in strict),
                    key=lambda m: -strict[m[0] + m[1]])
    peer = Tokenizer(models.BPE(ids, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    peer.normalizer = normalizers.Sequence([normalizers.Prepend(SPACE), normalizers.Replace(" ", SPACE)])
    clean = [t for t in texts if t and not any(s in t for s in special)]
    for text in clean:
        assert peer.encode(text).ids == encode_scored(text, strict, ids, []), text
    out["spm_strict_scores"] = [strict.get(t, 0) for t in tokens]
    out["spm_strict"] = [digest(peer.encode(t).ids) if t in clean else "" for t in texts]


def encode_scored(text, rank, ids, names):
    for name in names:
        if name in text:
            before, after = text.split(name, 1)
            first = encode_scored(before, rank, ids, names) if before else []
            return first + [ids[name]] + (encode_scored(after, rank, ids, names) if after else [])
    if not text:
        return []
    parts = list((SPACE + text).replace(" ", SPACE))
    while True:
        pairs = [(rank[a + b], -i) for i, (a, b) in enumerate(zip(parts, parts[1:])) if a + b in rank]
        if not pairs:
            break
        at = -max(pairs)[1]
        parts[at:at + 2] = [parts[at] + parts[at + 1]]
    out = []
    for part in parts:
        out += [ids[part]] if part in rank else [ids[f"<0x{b:02X}>"] for b in part.encode()]
    return out


def finish(writer):
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()


def fuzz_seeds():
    """The least files with everything a vocabulary can have, for the fuzz target to change."""
    for kind in ("gpt2", "llama"):
        folder = HERE.parents[1] / "text" / "gguf_vocabulary_fuzz_corpus"
        folder.mkdir(exist_ok=True)
        writer = gguf.GGUFWriter(str(folder / f"{kind}.gguf"), "llama")
        writer.add_tokenizer_model(kind)
        writer.add_tokenizer_pre("qwen2")
        writer.add_token_list(["<unk>", "<0x0A>", "a", "b", "ab", SPACE, "<x>"])
        writer.add_token_scores([0.0, 0.0, -1.0, -2.0, -0.5, -3.0, 0.0])
        writer.add_token_types([2, 6, 1, 1, 1, 1, 3])
        writer.add_token_merges(["a b"])
        writer.add_unk_token_id(0)
        writer.add_eos_token_id(6)
        writer.add_add_space_prefix(True)
        writer.add_chat_template("{{ messages }}")
        finish(writer)


def main():
    fuzz_seeds()
    texts = make_texts()
    out = {"texts": texts}
    byte_level(texts, out)
    scored(texts, out)
    (HERE / "small_vocabulary_ids.json").write_text(json.dumps(out, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
