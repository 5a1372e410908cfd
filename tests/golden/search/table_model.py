"""A "Whisper" whose logits are a known function of (token, position) and nothing else.

Attention and feed-forward outputs are zero, so the decoder is logits = LayerNorm(E[token] + P[position]) W^T + bias.
Every number comes from SplitMix64, so the C++ test rebuilds the same model without reading weights. Real decoders
(CTranslate2) can run it, which makes them an oracle for the search alone.
"""
import numpy as np

D = 16
TEXT = 80  # ids 0..79 are text
NAMES = ["<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|vi|>", "<|translate|>", "<|transcribe|>",
         "<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"]
EOT, SOT, EN, VI, TRANSLATE, TRANSCRIBE, LM, PREV, NOSPEECH, NOTIME = range(TEXT, TEXT + len(NAMES))
TIME = TEXT + len(NAMES)
TIMES = 60
V = TIME + TIMES
POSITIONS = 448
SUPPRESS = [7, 11, 29, SOT, TRANSLATE, TRANSCRIBE, LM, PREV, NOSPEECH]
SUPPRESS_BEGIN = [3, EOT]
MASK = (1 << 64) - 1


def splitmix(x):
    x = (x + 0x9E3779B97F4A7C15) & MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def numbers(seed, stream, rows, cols):
    """[rows, cols] float32 in [-1, 1), entry i from splitmix(splitmix(seed * 16 + stream) ^ i)."""
    base = splitmix(seed * 16 + stream)
    flat = [(splitmix(base ^ i) >> 40) * 2.0 ** -23 - 1.0 for i in range(rows * cols)]
    return np.array(flat, np.float32).reshape(rows, cols)


class Model:
    def __init__(self, seed, eot_bias=2.0, time_bias=-3.0, sharpness=1.0):
        self.E = numbers(seed, 0, V, D)
        self.P = numbers(seed, 1, POSITIONS, D)
        self.W = numbers(seed, 2, V, D) * np.float32(sharpness)
        self.bias = np.zeros(V, np.float32)
        self.bias[EOT] = eot_bias
        self.bias[TIME:] = time_bias

    def logits(self, token, position):
        x = self.E[token] + self.P[position]
        mean = x.mean(dtype=np.float32)
        x = x - mean
        x = x / np.sqrt((x * x).mean(dtype=np.float32) + np.float32(1e-5))
        return self.W @ x + self.bias
