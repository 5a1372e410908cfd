"""Writes parts.json: what the plain-Python parts of faster-whisper answer on made-up input (python parts.py).

Needs faster-whisper (made with 1.2.1). No model is loaded: the model and the tokenizer are replaced by stand-ins that
return prepared values, so only the rules around them run.
"""
import copy
import json
import logging
import os
import random
from types import SimpleNamespace

import numpy as np
from faster_whisper.transcribe import Segment, Word, WhisperModel, merge_punctuations, restore_speech_timestamps
from faster_whisper.vad import SpeechTimestampsMap, collect_chunks

import table_model as tm

rng = random.Random(5)
PREPEND, APPEND = "\"'“¿([{-", "\"'.。,，!！?？:：”)]}、"


def whisper():
    w = object.__new__(WhisperModel)
    w.logger = logging.getLogger("silent")
    w.frames_per_second, w.tokens_per_second, w.input_stride, w.time_precision, w.max_length = 100, 50, 2, 0.02, 448
    return w


def split():
    tokenizer = SimpleNamespace(timestamp_begin=tm.TIME)
    out = []
    for _ in range(120):
        tokens, time = [], 0
        if rng.random() < 0.9:
            tokens.append(tm.TIME + rng.randint(0, 3))
        for _ in range(rng.randint(0, 4)):
            tokens += [rng.randrange(tm.TEXT) for _ in range(rng.randint(0, 4))]
            time += rng.randint(1, 14)
            kind = rng.random()
            if kind < 0.75:
                tokens.append(tm.TIME + time)
            if kind < 0.5:
                tokens.append(tm.TIME + time)
        seek, size = rng.randrange(0, 10000), rng.choice([3000, 120, 777])
        got, after, single = whisper()._split_segments_by_timestamps(
            tokenizer, tokens, seek / 100, size, size / 100, seek)
        if after == seek:
            continue  # would never end
        out.append(dict(tokens=tokens, seek=seek, size=size, after=after, single=single,
                        segments=[[s["start"], s["end"], s["tokens"]] for s in got]))
    return out


def prompts():
    out = []
    for _ in range(30):
        text = lambda most: [rng.randrange(tm.TEXT) for _ in range(rng.choice([0, 3, most]))]
        previous, hotwords, prefix = text(300), text(30), text(10)
        if rng.random() < 0.15:
            prefix, previous = [1] * 230, text(30)
        sot = rng.choice([[tm.SOT], [tm.SOT, tm.EN, tm.TRANSCRIBE]])
        without = rng.random() < 0.5
        tokenizer = SimpleNamespace(sot_prev=tm.PREV, no_timestamps=tm.NOTIME, timestamp_begin=tm.TIME, sot_sequence=sot,
                                    encode=lambda t: {"h": hotwords, "p": prefix}[t.strip()])
        got = whisper().get_prompt(tokenizer, previous, without_timestamps=without, prefix="p" if prefix else None,
                                   hotwords="h" if hotwords else None)
        out.append(dict(previous=previous, hotwords=hotwords, prefix=prefix, sot=sot, without=without, prompt=got))
    return out




def fallback():
    out = []
    ladder = [0.0, 0.2, 0.4, 0.6]
    for _ in range(150):
        attempts = []
        for _ in ladder:
            n = rng.choice([0, 3, 10, 40, 40, 40, 40, 40])
            score = -rng.random() * 4 if n else float("-inf")
            attempts.append(dict(n=n, score=score, no_speech=rng.choice([0.1, 0.59, 0.61, 0.9]),
                                 text=rng.choice(["", "a", "so it goes", "no " * 40, "one two three four " * 9, "ha " * 50])))
        options = SimpleNamespace(
            temperatures=ladder, max_initial_timestamp=1.0, max_new_tokens=None, best_of=5, beam_size=5, patience=1,
            length_penalty=rng.choice([1.0, 0.5]), repetition_penalty=1, no_repeat_ngram_size=0, suppress_blank=True,
            suppress_tokens=[], compression_ratio_threshold=rng.choice([2.4, None]),
            log_prob_threshold=rng.choice([-1.0, None]), no_speech_threshold=rng.choice([0.6, None]))
        served = []

        class Model:
            def generate(self, *_, **__):
                a = attempts[len(served)]
                served.append(a)
                return [SimpleNamespace(sequences_ids=[[len(served) - 1] * a["n"]], scores=[a["score"]],
                                        no_speech_prob=a["no_speech"])]

        class Tokenizer:
            def decode(self, tokens):
                return served[-1]["text"]

        w = whisper()
        w.model = Model()
        result, avg, temperature, ratio = w.generate_with_fallback(None, [1], Tokenizer(), options)
        chosen = next(i for i, a in enumerate(served) if a["score"] == result.scores[0] and
                      len(result.sequences_ids[0]) == a["n"] and a["no_speech"] == result.no_speech_prob and
                      ratio == ratio_of(a["text"]))
        for a in attempts:
            a["ratio"] = ratio_of(a["text"])
            power = a["n"] ** options.length_penalty
            a["avg"] = a["score"] * power / (a["n"] + 1) if a["n"] else None
            del a["text"]
            a["score"] = None
        out.append(dict(attempts=attempts, served=len(served), chosen=chosen, temperature=temperature,
                        gates=[options.compression_ratio_threshold, options.log_prob_threshold,
                               options.no_speech_threshold]))
    return out


def ratio_of(text):
    from faster_whisper.transcribe import get_compression_ratio
    return get_compression_ratio(text.strip())


WORDS = [" so", " it", "goes", ".", ",", " (", ")", " \"", "\"", " ", "。", "！", " -", "-", "'s", " don", " '", "”", " “", "?!", "!",
         " long", "日本", "、", " [", "}"]


def punctuation():
    out = []
    for _ in range(150):
        words = [dict(word=rng.choice(WORDS), tokens=[i, i]) for i in range(rng.randint(0, 12))]
        merged = copy.deepcopy(words)
        merge_punctuations(merged, PREPEND, APPEND)
        out.append(dict(words=[w["word"] for w in words], merged=[[w["word"], len(w["tokens"])] for w in merged]))
    return out


def word_times():
    out = []
    for _ in range(50):
        words = [(rng.choice(WORDS), rng.randint(1, 3)) for _ in range(rng.randint(1, 14))]
        lengths = [n for _, n in words]
        total = sum(lengths)
        tokens = [rng.randrange(tm.TEXT) for _ in range(total)]
        # A monotone path with pauses in it.
        path, frame = [], rng.choice([0, 3, 200])
        path += [(0, f) for f in range(frame + 1)]
        for row in range(1, total + 1):
            for _ in range(rng.choice([0, 1, 2, 5, 10, 15, 100])):
                frame += 1
                path.append((row - 1, frame))
            frame += rng.choice([0, 1])
            path.append((row, frame))
        probs = [round(rng.random(), 3) for _ in tokens]
        seek = rng.randrange(0, 9000)
        # Cut the tokens to segments, with timestamp tokens around them that do not count.
        segments, at = [], 0
        while at < total:
            n = min(total - at, rng.randint(1, 9))
            start = seek / 100 + rng.random() * 3 + at * 0.2
            segments.append(dict(seek=seek, start=start, end=start + rng.random() * 4,
                                 tokens=[tm.TIME] + tokens[at:at + n] + [tm.TIME + 4]))
            at += n
        if rng.random() < 0.3:
            segments.insert(rng.randrange(len(segments) + 1), dict(seek=seek, start=1.0, end=2.0, tokens=[tm.TIME, tm.TIME]))
        last_speech = rng.choice([0.0, seek / 100 - 5, seek / 100])

        class Tokenizer:
            eot, sot_sequence = tm.EOT, [tm.SOT]

            def split_to_word_tokens(self, all_tokens):
                texts, groups, i = [], [], 0
                for text, n in words + [("<|endoftext|>", 1)]:
                    texts.append(text)
                    groups.append(all_tokens[i:i + n])
                    i += n
                return texts, groups

        w = whisper()
        w.model = SimpleNamespace(align=lambda *_, **__: [SimpleNamespace(text_token_probs=probs, alignments=path)])
        before = [dict(start=s["start"], end=s["end"], text_tokens=sum(t < tm.EOT for t in s["tokens"])) for s in segments]
        after = copy.deepcopy(segments)
        end = w.add_word_timestamps([after], Tokenizer(), None, 3000, PREPEND, APPEND, last_speech)
        out.append(dict(words=words, path=[f for _, f in path], rows=[i for i, _ in path], probs=probs, seek=seek, last_speech=last_speech, before=before, new_last_speech=end,
                        after=[dict(start=s["start"], end=s["end"],
                                    words=[[x["word"], x["start"], x["end"], x["probability"]] for x in s["words"]])
                               for s in after]))
    return out


def regions():
    out = []
    for _ in range(40):
        at, chunks = rng.randrange(0, 40000), []
        for _ in range(rng.randint(1, 12)):
            size = rng.choice([160, 16000, 47999, 250000, 520000])
            chunks.append(dict(start=at, end=at + size))
            at += size + rng.choice([0, 1, 8000, 100003])
        merged = [len(a) for a in collect_chunks(np.zeros(at, np.float32), chunks, max_duration=30)[0]]
        total = sum(c["end"] - c["start"] for c in chunks) / 16000
        table = SpeechTimestampsMap(chunks, 16000)
        segments, ends = [], np.cumsum([c["end"] - c["start"] for c in chunks]) / 16000
        for _ in range(10):
            start = round(rng.random() * total, 2)
            end = rng.choice([round(start + rng.random() * 5, 2), float(rng.choice(ends))])
            plain = Segment(1, 0, start, end, "", [], 0, 0, 0, None, 0)
            worded = Segment(1, 0, start, end, "", [], 0, 0, 0, [Word(start, end, "a", 1.0)], 0)
            a, b = restore_speech_timestamps([plain, worded], chunks, 16000)
            segments.append([start, end, a.start, a.end, b.start, b.end])
        out.append(dict(chunks=[[c["start"], c["end"]] for c in chunks], merged=[m for m in merged if m],
                        segments=segments))
    return out


parts = dict(split=split(), prompts=prompts(), fallback=fallback(), punctuation=punctuation(), word_times=word_times(),
             regions=regions())
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "parts.json"), "w") as f:
    f.write("{\n")
    for i, (name, cases) in enumerate(parts.items()):
        body = ",\n".join(json.dumps(c, ensure_ascii=False, separators=(",", ":")) for c in cases)
        f.write(f'{"," if i else ""}"{name}":[\n{body}\n]\n')
    f.write("}\n")
print({k: len(v) for k, v in parts.items()})
