"""Writes decode.json: what CTranslate2 decodes from the table model under many settings (python decode.py).

Needs numpy and ctranslate2 (made with 4.8.5).
"""
import json
import os
import tempfile

import ctranslate2
import numpy as np
from ctranslate2.specs import WhisperSpec

import table_model as tm


def linear(spec, out, inp):
    spec.weight = np.zeros((out, inp), np.float32)
    spec.bias = np.zeros(out, np.float32)


def norm(spec):
    spec.gamma = np.ones(tm.D, np.float32)
    spec.beta = np.zeros(tm.D, np.float32)


def write(model, folder):
    d = tm.D
    spec = WhisperSpec(1, 1, 1, 1)
    encoder, decoder = spec.encoder, spec.decoder
    for conv, inp in ((encoder.conv1, 80), (encoder.conv2, d)):
        conv.weight = np.zeros((d, inp, 3), np.float32)
        conv.bias = np.zeros(d, np.float32)
    encoder.position_encodings.encodings = np.zeros((1500, d), np.float32)
    decoder.position_encodings.encodings = model.P
    for side, layer in ((0, encoder.layer[0]), (1, decoder.layer[0])):
        norm(layer.self_attention.layer_norm)
        linear(layer.self_attention.linear[0], 3 * d, d)
        linear(layer.self_attention.linear[1], d, d)
        norm(layer.ffn.layer_norm)
        linear(layer.ffn.linear_0, 4 * d, d)
        linear(layer.ffn.linear_1, d, 4 * d)
        if side:
            norm(layer.attention.layer_norm)
            linear(layer.attention.linear[0], d, d)
            linear(layer.attention.linear[1], 2 * d, d)
            linear(layer.attention.linear[2], d, d)
    norm(encoder.layer_norm)
    norm(decoder.layer_norm)
    decoder.embeddings.weight = model.E
    decoder.projection.weight = model.W
    decoder.projection.bias = model.bias
    vocabulary = [f"t{i}" for i in range(tm.TEXT)] + tm.NAMES + [f"<|{i * 0.02:.2f}|>" for i in range(tm.TIMES)]
    spec.register_vocabulary(vocabulary)
    spec.config.suppress_ids = tm.SUPPRESS
    spec.config.suppress_ids_begin = tm.SUPPRESS_BEGIN
    spec.config.lang_ids = [tm.EN, tm.VI]
    spec.config.alignment_heads = [[0, 0]]
    spec.validate()
    spec.save(folder)


def cases():
    start = [tm.SOT, tm.EN, tm.TRANSCRIBE]
    prompts = {
        "times": start,
        "plain": start + [tm.NOTIME],
        "prev": [tm.PREV, 4, 5, 6] + start,
        "english": [tm.SOT],
        "prefix": start + [tm.TIME, 20, 21],
        "plain_prefix": start + [tm.NOTIME, 33, 34, 35],
    }
    for seed in range(1, 7):
        for name, prompt in prompts.items():
            for beam in (1, 5):
                yield dict(seed=seed, prompt=prompt, beam_size=beam)
            yield dict(seed=seed, prompt=prompt, beam_size=3, patience=2.0)
            yield dict(seed=seed, prompt=prompt, beam_size=5, length_penalty=0.0)
            yield dict(seed=seed, prompt=prompt, beam_size=5, length_penalty=0.6)
            yield dict(seed=seed, prompt=prompt, beam_size=4, eot_bias=-20.0)
        yield dict(seed=seed, prompt=start, beam_size=5, patience=0.5)
        yield dict(seed=seed, prompt=start, beam_size=1, patience=2.0)
        yield dict(seed=seed, prompt=start, beam_size=5, length_penalty=0.0, patience=2.0)
        yield dict(seed=seed, prompt=start, beam_size=5, repetition_penalty=1.3)
        yield dict(seed=seed, prompt=start, beam_size=5, no_repeat_ngram_size=2, eot_bias=-20.0)
        yield dict(seed=seed, prompt=start, beam_size=1, no_repeat_ngram_size=3, eot_bias=-20.0)
        yield dict(seed=seed, prompt=prompts["prefix"], beam_size=5, repetition_penalty=0.8, no_repeat_ngram_size=2)
        yield dict(seed=seed, prompt=start, beam_size=5, max_initial_timestamp_index=2)
        yield dict(seed=seed, prompt=start, beam_size=5, max_new_tokens=20, eot_bias=-20.0)
        yield dict(seed=seed, prompt=[tm.PREV] + [9] * 300 + start, beam_size=2, eot_bias=-20.0)
        yield dict(seed=seed, prompt=start, beam_size=5, time_bias=-30.0)
        yield dict(seed=seed, prompt=start, beam_size=5, time_bias=3.0)


def main():
    features = ctranslate2.StorageView.from_array(np.zeros((1, 80, 3000), np.float32))
    models, results = {}, []
    for case in cases():
        made = (case["seed"], case.get("eot_bias", 2.0), case.get("time_bias", -3.0))
        if made not in models:
            folder = tempfile.mkdtemp()
            write(tm.Model(made[0], made[1], made[2]), folder)
            models[made] = ctranslate2.models.Whisper(folder, compute_type="float32", intra_threads=1)
        options = {k: v for k, v in case.items() if k not in ("seed", "prompt", "eot_bias", "time_bias", "max_new_tokens")}
        if "max_new_tokens" in case:
            options["max_length"] = len(case["prompt"]) + case["max_new_tokens"]
        out = models[made].generate(features, [case["prompt"]], return_scores=True, return_no_speech_prob=True,
                                    suppress_tokens=tm.SUPPRESS, **options)[0]
        case.update(tokens=out.sequences_ids[0], score=out.scores[0], no_speech_prob=out.no_speech_prob)
        if not np.isfinite(case["score"]):
            case["score"] = None
        results.append(case)
    here = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(here, "decode.json"), "w") as f:
        f.write("[\n" + ",\n".join(json.dumps(r, separators=(",", ":")) for r in results) + "\n]\n")
    print(len(results), "cases,", sum(len(r["tokens"]) == 0 for r in results), "empty, mean length",
          np.mean([len(r["tokens"]) for r in results]))


main()
