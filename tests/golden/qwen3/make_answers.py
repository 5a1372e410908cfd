"""Writes what transformers' own generate makes of the models beside this file: answers.json in each folder.

    python make_answers.py        # needs torch and transformers, and the folders that make_models.py wrote

Greedy, in double precision, from beginnings of the text in expected.safetensors:

  {"prompts": [so many first tokens, ...], "answers": [[32 tokens], ...]}

A beginning is left out when at some step the two likeliest tokens are closer than 1e-3: there float32 may decide otherwise.
"""

import json
import os

import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from make_models import HERE, MODELS

NEW_TOKENS = 32
PROMPTS = [1, 2, 3, 5, 8, 12, 17, 20, 33, 40, 47, 52, 60, 64, 65, 71, 75]


def write(name):
    folder = os.path.join(HERE, name)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float64, attn_implementation="eager").eval()
    model.model.rotary_emb.float()
    tokens = load_file(os.path.join(folder, "expected.safetensors"))["tokens"].long()
    prompts, answers = [], []
    for size in PROMPTS:
        with torch.no_grad():
            out = model.generate(tokens[None, :size], do_sample=False, max_new_tokens=NEW_TOKENS, min_new_tokens=NEW_TOKENS,
                                 temperature=None, top_p=None, top_k=None, output_logits=True,
                                 return_dict_in_generate=True, pad_token_id=2)
        best = torch.stack(out.logits)[:, 0]
        best[:, [2, 3]] = -torch.inf  # end tokens, which min_new_tokens keeps out
        two = best.topk(2).values
        if (two[:, 0] - two[:, 1]).min() < 1e-3:
            continue
        prompts.append(size)
        answers.append(out.sequences[0, size:].tolist())
    with open(os.path.join(folder, "answers.json"), "w") as file:
        json.dump({"prompts": prompts, "answers": answers}, file)
    print(name, len(prompts), "of", len(PROMPTS))


if __name__ == "__main__":
    for model_name in MODELS:
        write(model_name)
