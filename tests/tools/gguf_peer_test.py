"""GGUF files beside the `gguf` and `tokenizers` packages: files of ours read by them, values to the last bit, and a
vocabulary trained and written by them whose ids are ours.

Installs the packages into build/gguf-venv the first time (tools/venv), and is skipped with a sentence where it cannot.
MAIE_MAKE_GGUF and MAIE_GGUF_FACTS name the two programs of tests/support, MAIE_BUILD the folder of builds.
"""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TYPES = ["float32", "float16", "bfloat16", "q4_0", "q4_1", "q5_0", "q5_1", "q8_0", "q4_K", "q5_K", "q6_K"]

READ = r"""
import hashlib, json, sys
import gguf, numpy as np
plain = {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}
out = {}
for tensor in gguf.GGUFReader(sys.argv[1]).tensors:
    values = np.ascontiguousarray(gguf.quants.dequantize(tensor.data, tensor.tensor_type), dtype=np.float32)
    name = tensor.tensor_type.name
    out[tensor.name] = {"shape": tensor.shape.tolist()[::-1], "type": plain.get(name, name[0].lower() + name[1:]),
                        "sha256": hashlib.sha256(values.tobytes()).hexdigest()}
print(json.dumps(out))
"""

# Trains on the words of the second argument, writes OUT.gguf, and answers with texts and ids.
TRAIN = r"""
import json, random, sys
import gguf
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
rng = random.Random(int(sys.argv[3]))
split = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
         r"|\s*[\r\n]+|\s+(?!\S)|\s+")
words = open(sys.argv[2], encoding="utf-8").read().split()
tokenizer = Tokenizer(models.BPE())
tokenizer.normalizer = normalizers.NFC()
tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
    pre_tokenizers.Split(Regex(split), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
tokenizer.decoder = decoders.ByteLevel()
tokenizer.train_from_iterator([" ".join(rng.choices(words, k=20)) for _ in range(2000)], trainers.BpeTrainer(
    vocab_size=3000, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False))
model = json.loads(tokenizer.to_str())["model"]
writer = gguf.GGUFWriter(sys.argv[1], "qwen3")
writer.add_tokenizer_model("gpt2")
writer.add_tokenizer_pre("qwen2")
writer.add_token_list(sorted(model["vocab"], key=model["vocab"].get))
writer.add_token_types([gguf.TokenType.NORMAL] * len(model["vocab"]))
writer.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in model["merges"]])
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.close()
def text():
    parts = []
    for _ in range(rng.randint(0, 15)):
        kind = rng.randrange(6)
        parts.append(rng.choice(words) if kind < 2 else " " * rng.randint(1, 4) if kind == 2 else
                     rng.choice("\n\t\r'.,;!?0123456789") * rng.randint(1, 3) if kind == 3 else
                     chr(rng.randint(0xa1, 0x24f)) if kind == 4 else chr(rng.randint(0x3041, 0x9fa5)))
    return "".join(parts)
texts = [text() for _ in range(3000)]
ids = [tokenizer.encode(t).ids for t in texts]
print(json.dumps({"texts": texts, "ids": ids, "decoded": [tokenizer.decode(i) for i in ids]}))
"""


def run(*command):
    return json.loads(subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, check=True).stdout)


class GgufBesideThePackages(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.file = pathlib.Path(self.folder.name) / "model.gguf"
        self.addCleanup(self.folder.cleanup)

    def test_values_of_every_type_are_theirs(self):
        for seed, kind in enumerate(TYPES, 100):
            architecture = "llama" if seed % 2 else "qwen3"
            subprocess.run([os.environ["MAIE_MAKE_GGUF"], self.file, f"type={kind}", f"embedding={kind}",
                            f"seed={seed}", "tied=0", "layers=1", f"architecture={architecture}"], check=True)
            theirs = run(PYTHON, "-c", READ, self.file)
            self.assertEqual(run(os.environ["MAIE_GGUF_FACTS"], self.file)["tensors"], theirs, kind)
            self.assertEqual(theirs["blk.0.ffn_up.weight"]["type"], kind)

    def test_ids_of_a_vocabulary_of_theirs_are_theirs(self):
        corpus = ROOT / "docs" / "spec" / "service.md"
        theirs = run(PYTHON, "-c", TRAIN, self.file, corpus, 11)
        texts = self.file.with_suffix(".json")
        texts.write_text(json.dumps(theirs["texts"]))
        ours = run(os.environ["MAIE_GGUF_FACTS"], self.file, texts)
        for text, a, b in zip(theirs["texts"], ours["ids"], theirs["ids"]):
            self.assertEqual(a, b, repr(text))
        self.assertEqual(len(ours["ids"]), 3000)
        self.assertEqual(ours["decoded"], theirs["decoded"])


if __name__ == "__main__":
    venv = pathlib.Path(os.environ["MAIE_BUILD"]) / "gguf-venv"
    made = subprocess.run([ROOT / "tools/venv", venv, ROOT / "tests/tools/gguf_requirements.txt"], capture_output=True,
                          text=True, env=dict(os.environ, MAIE_VENV_SECONDS="300"))
    if made.returncode != 0:
        print("skipped: " + (made.stderr.strip() or made.stdout.strip()))
        raise SystemExit(77)
    PYTHON = venv / "bin" / "python"
    unittest.main()
