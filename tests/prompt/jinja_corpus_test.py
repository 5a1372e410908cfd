"""Thousands of random templates, rendered by MAIE and by jinja2: the same text, or an error from both.

Installs jinja2 into build/prompt-venv the first time (tools/venv) and is skipped with a sentence where it cannot.
MAIE_RENDER_PROGRAM names the program of render_program.cpp, MAIE_BUILD the folder of builds.

    jinja_corpus_test.py [first seed] [count]      further seeds by hand
"""
import json
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
FIRST, COUNT = 1, 4000
# Where docs/prompts.md says that the two differ: whole numbers beyond 64 bits, results of filters that are printed
# without "| list", functions that are printed, and limits that Python does not have.
OURS_ONLY = ("64 bits", "not printed", "needs a \"| list\"", "takes no format specification",
             # What jinja2 finds out later or never: slices of constants that have none, unknown filters and missing
             # files in what is not rendered.
             "has no slices", "there is no filter", "there is no test", "no such file")
PYTHON_ONLY = (" at 0x", "<function", "<built-in", "<bound method", "Macro anonymous", "<jinja2")


def differs(request, ours, theirs):
    if "text" in ours and "text" in theirs:
        return ours["text"] != theirs["text"]
    return ("text" in ours) != ("text" in theirs)


def excused(ours, theirs):
    return (any(part in ours.get("error", "") for part in OURS_ONLY)
            or any(part in theirs.get("text", "") for part in PYTHON_ONLY))


def main():
    import random_templates
    import reference
    first = int(sys.argv[1]) if len(sys.argv) > 1 else FIRST
    count = int(sys.argv[2]) if len(sys.argv) > 2 else COUNT
    requests = []
    for seed in range(first, first + count):
        maker = random_templates.Maker(seed)
        template = maker.damaged() if seed % 4 == 0 else maker.template()
        requests.append({"template": template, "data": random_templates.DATA, "files": random_templates.FILES,
                         "escape": seed % 10 == 1})
    lines = "".join(json.dumps(r) + "\n" for r in requests)
    done = subprocess.run([os.environ["MAIE_RENDER_PROGRAM"]], input=lines, capture_output=True, text=True,
                          encoding="utf-8")
    assert done.returncode == 0, f"status {done.returncode}: {done.stderr}"
    answers = [json.loads(line) for line in done.stdout.split("\n") if line]
    assert len(answers) == len(requests), f"{len(answers)} answers for {len(requests)} templates"
    different, texts, excuses = 0, 0, 0
    for seed, (request, ours) in enumerate(zip(requests, answers), first):
        theirs = reference.answer(request)
        texts += "text" in theirs
        if not differs(request, ours, theirs):
            continue
        if excused(ours, theirs):
            excuses += 1
            continue
        different += 1
        if different <= 20:
            print(f"seed {seed}: {request['template']!r}\n  jinja2: {theirs}\n  maie:   {ours}")
    print(f"{count} templates, {texts} with text, {excuses} with a known difference, {different} different")
    assert texts > count // 4, "the corpus has too few templates that work"
    assert excuses <= count // 50, "too many known differences"
    return 1 if different else 0


if __name__ == "__main__":
    python = pathlib.Path(os.environ["MAIE_BUILD"]) / "prompt-venv/bin/python"
    if os.environ.get("MAIE_PROMPT_PYTHON"):
        raise SystemExit(main())
    made = subprocess.run([str(ROOT / "tools/venv"), str(python.parent.parent), str(HERE / "requirements.txt")],
                          capture_output=True, text=True, env=dict(os.environ, MAIE_VENV_SECONDS="120"))
    if made.returncode != 0:
        print("skipped: " + (made.stderr.strip() or made.stdout.strip()))
        raise SystemExit(77)
    raise SystemExit(subprocess.run([str(python), "-B", __file__, *sys.argv[1:]],
                                    env=dict(os.environ, MAIE_PROMPT_PYTHON="1")).returncode)
