"""The peer's side of `make bench-llm`: llama.cpp through llama-cpp-python's bindings of its C interface.

A process of its own that answers one JSON line for each JSON line it is asked: {"row": NAME} gives
{"tokens_per_s": ...} or {"error": ...}. The model is loaded once, outside of every measurement. Sampling is greedy and
takes the likeliest token from the logits where they lie.
"""
import argparse
import contextlib
import ctypes
import json
import random
import sys
import time

import llama_cpp
import numpy as np

PROMPT, STEPS, SEQUENCES, SHORT = 2048, 128, 8, 16


class Model:
    def __init__(self, path, threads):
        llama_cpp.llama_backend_init()
        self.model = llama_cpp.llama_model_load_from_file(path.encode(), self._model_options())
        if not self.model:
            raise RuntimeError(f"{path} was not loaded")
        self.threads = threads
        self.contexts = {}
        vocabulary = llama_cpp.llama_model_get_vocab(self.model)
        self.size = llama_cpp.llama_vocab_n_tokens(vocabulary)
        self.random = random.Random(1)

    @staticmethod
    def _model_options():
        options = llama_cpp.llama_model_default_params()
        options.n_gpu_layers = 0
        return options

    def tokens(self, count):
        return [self.random.randrange(256, self.size - 8) for _ in range(count)]

    def begin(self, sequences, tokens):
        """An empty context for so many sequences of so many tokens becomes the current one."""
        if sequences not in self.contexts:
            options = llama_cpp.llama_context_default_params()
            options.n_ctx = sequences * tokens
            options.n_batch = max(tokens, sequences)
            options.n_seq_max = sequences
            options.n_threads = options.n_threads_batch = self.threads
            self.contexts[sequences] = llama_cpp.llama_init_from_model(self.model, options)
            if not self.contexts[sequences]:
                raise RuntimeError("no context was made")
        self.context = self.contexts[sequences]
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(self.context), True)

    def decode(self, rows):
        """One pass; rows are (token, position, sequence, whether its logits are wanted)."""
        batch = llama_cpp.llama_batch_init(len(rows), 0, 1)
        try:
            batch.n_tokens = len(rows)
            for i, (token, position, sequence, wanted) in enumerate(rows):
                batch.token[i], batch.pos[i], batch.n_seq_id[i], batch.logits[i] = token, position, 1, wanted
                batch.seq_id[i][0] = sequence
            if llama_cpp.llama_decode(self.context, batch) != 0:
                raise RuntimeError("llama_decode failed")
        finally:
            llama_cpp.llama_batch_free(batch)

    def likeliest(self, row):
        logits = llama_cpp.llama_get_logits_ith(self.context, row)
        values = np.ctypeslib.as_array(ctypes.cast(logits, ctypes.POINTER(ctypes.c_float)), (self.size,))
        if not np.isfinite(values).all():
            raise RuntimeError("the logits are not finite")
        return int(values.argmax())

    def prefill(self):
        self.begin(1, PROMPT)
        rows = [(token, i, 0, i == PROMPT - 1) for i, token in enumerate(self.tokens(PROMPT))]
        start = time.perf_counter()
        self.decode(rows)
        self.likeliest(PROMPT - 1)
        return PROMPT / (time.perf_counter() - start)

    def steps(self, sequences):
        """Tokens of all sequences a second, once their prompts of a few tokens are read."""
        self.begin(sequences, PROMPT if sequences == 1 else 256)
        chosen = []
        for sequence in range(sequences):
            self.decode([(token, i, sequence, i == SHORT - 1) for i, token in enumerate(self.tokens(SHORT))])
            chosen.append(self.likeliest(SHORT - 1))
        start = time.perf_counter()
        for step in range(STEPS):
            self.decode([(token, SHORT + step, sequence, True) for sequence, token in enumerate(chosen)])
            chosen = [self.likeliest(row) for row in range(sequences)]
        return sequences * STEPS / (time.perf_counter() - start)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True)
    parser.add_argument("--threads", type=int, required=True)
    arguments = parser.parse_args()
    answers = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):
        model = Model(arguments.model, arguments.threads)
    rows = {"prefill": model.prefill, "decode": lambda: model.steps(1), "decode_b8": lambda: model.steps(SEQUENCES)}
    for line in sys.stdin:
        with contextlib.redirect_stdout(sys.stderr):
            try:
                answer = {"tokens_per_s": rows[json.loads(line)["row"]]()}
            except Exception as error:  # the other side decides what a failed row means
                answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
