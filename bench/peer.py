"""The peer's side of `make bench-asr`: CTranslate2 and faster-whisper, timed by their own public calls.

A process of its own that answers one JSON line for each JSON line it is asked: {"row": NAME} gives {"median_s": ...}
or {"error": ...}. It stays alive between questions, so models are loaded once, outside of every measurement.
"""
import argparse
import contextlib
import json
import statistics
import sys
import time

import numpy as np


def seconds(work):
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


class Small:
    """The random Whisper `small`: encoder and decoder steps."""

    # CTranslate2 stops at half of max_length generated tokens; the difference of two lengths leaves out the prompt's
    # pass, the encoder and whatever else is paid once. 64 steps lie between them.
    SHORT, LONG = 32, 160
    STEPS = 64

    def __init__(self, folder, threads, compute_type, ids):
        import ctranslate2
        self.library = ctranslate2
        self.model = ctranslate2.models.Whisper(folder, device="cpu", compute_type=compute_type,
                                                intra_threads=threads, inter_threads=1)
        noise = np.random.RandomState(0).randn(1, 80, 3000).astype(np.float32)
        self.features = noise
        self.prompt = [ids["<|startoftranscript|>"], ids["<|en|>"], ids["<|transcribe|>"], ids["<|notimestamps|>"]]
        self.end = ids["<|endoftext|>"]
        self.encoded = {}

    def encode(self, batch=1):
        features = self.library.StorageView.from_array(np.repeat(self.features, batch, axis=0))
        return self.model.encode(features, to_cpu=True)

    def encode_row(self):
        duration_s, encoded = seconds(self.encode)
        shape = list(encoded.shape)
        if shape != [1, 1500, 768]:
            raise RuntimeError(f"the encoder answered with the shape {shape}")
        return duration_s

    def generate(self, batch, beams, max_length):
        """Decodes with the end-of-text token forbidden, so that the number of steps is known."""
        if batch not in self.encoded:
            self.encoded[batch] = self.encode(batch)
        duration_s, results = seconds(lambda: self.model.generate(
            self.encoded[batch], [self.prompt] * batch, beam_size=beams, max_length=max_length,
            suppress_tokens=[self.end], suppress_blank=False))
        return duration_s, [len(r.sequences_ids[0]) for r in results]

    def step_row(self, batch, beams):
        short_s, short = self.generate(batch, beams, self.SHORT)
        long_s, long = self.generate(batch, beams, self.LONG)
        steps = {b - a for a, b in zip(short, long)}
        if steps != {self.STEPS}:
            raise RuntimeError(f"{sorted(steps)} steps were timed, {self.STEPS} were expected")
        return (long_s - short_s) / self.STEPS


def without_absent_tokens(tokenizer, suppress):
    """What faster-whisper suppresses, for a vocabulary that lacks some special tokens: its own rule stops there."""
    special = (tokenizer.transcribe, tokenizer.translate, tokenizer.sot, tokenizer.sot_prev, tokenizer.sot_lm,
               tokenizer.no_speech)
    return tuple(sorted({*suppress, *(token for token in special if token is not None)}))


def multilingual(tokenizer):
    """faster-whisper's Tokenizer for a vocabulary smaller than Whisper's: CTranslate2 takes every such model for an English
    one, and the prompt would lack language and task."""
    return lambda hf_tokenizer, _, **options: tokenizer(hf_tokenizer, True, **options)


class Mini:
    """models/mini/asr end to end: file in, text out."""

    def __init__(self, folder, threads, compute_type, recording):
        import faster_whisper
        import faster_whisper.transcribe
        faster_whisper.transcribe.get_suppressed_tokens = without_absent_tokens
        faster_whisper.transcribe.Tokenizer = multilingual(faster_whisper.transcribe.Tokenizer)
        self.pipeline = faster_whisper.BatchedInferencePipeline(faster_whisper.WhisperModel(
            folder, device="cpu", compute_type=compute_type, cpu_threads=threads))
        self.recording = recording

    def transcribe(self):
        # Defaults, but for the suppressed tokens: the rule for [-1] would mute this vocabulary's space token.
        segments, _ = self.pipeline.transcribe(self.recording, batch_size=8, suppress_tokens=[])
        return "\n".join(segment.text.strip() for segment in segments) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("--small", "--mini", "--recording", "--ids", "--text-out"):
        parser.add_argument(name, required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--compute-type", required=True)
    parser.add_argument("--repeat", type=int, default=1, help="measurements of one answer, whose median is given")
    arguments = parser.parse_args()
    ids = json.loads(arguments.ids)
    loaded = {}

    def small():
        if "small" not in loaded:
            loaded["small"] = Small(arguments.small, arguments.threads, arguments.compute_type, ids)
        return loaded["small"]

    def whole():
        if "mini" not in loaded:
            loaded["mini"] = Mini(arguments.mini, arguments.threads, arguments.compute_type, arguments.recording)
        duration_s, text = seconds(loaded["mini"].transcribe)
        with open(arguments.text_out, "w", encoding="utf-8") as out:
            out.write(text)
        return duration_s

    rows = {
        "encode_small": lambda: small().encode_row(),
        "step_small": lambda: small().step_row(1, 1),
        "step_small_b8": lambda: small().step_row(8, 1),
        "beam5_small": lambda: small().step_row(1, 5),
        "e2e_mini": whole,
    }
    answers = sys.stdout
    for line in sys.stdin:
        name = json.loads(line)["row"]
        with contextlib.redirect_stdout(sys.stderr):
            try:
                times = [rows[name]() for _ in range(1 if name == "e2e_mini" else arguments.repeat)]
                answer = {"median_s": statistics.median(times)}
            except Exception as error:  # the other side decides what a failed row means
                answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
