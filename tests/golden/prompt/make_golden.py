#!/usr/bin/env python3
"""Writes the golden files of tests/prompt: what jinja2 and transformers make of the templates here.

    make_golden.py             with jinja2 3.1.6 and transformers 5 installed
    make_golden.py FOLDER      answers for real models instead: FOLDER holds their tokenizer_config.json as <model>.json


chats.json: every template of templates/ over every conversation below, rendered by transformers' own
render_jinja_template after the step of apply_chat_template that drops members that are null.
templates.json: small templates, one for each thing docs/prompts.md names, rendered by jinja2 with the environment of
tests/prompt/reference.py, with the first words of its error where there is one.
"""
import json
import pathlib
import sys
import unittest.mock

import transformers.utils.chat_template_utils as chat_template_utils

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "prompt"))
import reference  # noqa: E402
import small_templates  # noqa: E402

TOKENS = {"bos_token": "<s>", "eos_token": "</s>"}
TOOLS = [
    {"type": "function", "function": {
        "name": "tìm_kiếm", "description": "Looks things up.\nSlowly, with a description that is rather long.",
        "parameters": {"type": "object", "required": ["query"], "properties": {
            "query": {"type": "string"}, "count": {"type": "integer", "default": 3},
            "kind": {"enum": ["web", "ảnh"]}, "where": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "tags": {"type": "array", "items": {"type": "object", "properties": {"x": {"type": "number"}}}}}},
        "strict": True}},
    {"type": "function", "function": {"name": "now", "parameters": {}, "return": {"type": "string"}}},
]
CALL = {"id": "abc123def", "type": "function", "function": {"name": "now", "arguments": {"b": "x<y", "a": [1, 2.5, None]}}}
SYSTEM = {"role": "system", "content": " Trả lời ngắn.\n"}
USER = {"role": "user", "content": "Xin chào \"bạn\" 😀 "}
ANSWER = {"role": "assistant", "content": "<think>\nLet me see.\n</think>\n\nChào!"}
CONVERSATIONS = {
    "one question": [USER],
    "system first": [SYSTEM, USER],
    "two turns": [SYSTEM, USER, ANSWER, {"role": "user", "content": "more"}],
    "ends with an answer": [USER, {"role": "assistant", "content": "Yes.", "reasoning": "so\nit is"}],
    "no system, late system": [USER, {"role": "assistant", "content": ""}, {"role": "system", "content": "late"}, USER],
    "calls and results": [USER, {"role": "assistant", "content": None, "tool_calls": [CALL]},
                          {"role": "tool", "content": "12:30", "tool_call_id": "abc123def"},
                          {"role": "tool", "content": "{\"ok\": true}"}, {"role": "assistant", "content": "Half past."}],
    "two calls at once": [USER, {"role": "assistant", "content": "wait", "tool_calls": [CALL, CALL]},
                          {"role": "tool", "content": {"content": 5}}],
    "parts": [{"role": "system", "content": [{"type": "text", "text": "sys"}]},
              {"role": "user", "content": [{"type": "text", "text": " a  b "}, {"type": "image"}]}],
    "out of turn": [USER, USER],
    "tool response by hand": [USER, ANSWER, {"role": "user", "content": "<tool_response>\n1\n</tool_response>"},
                              {"role": "assistant", "content": "STOP", "thinking": "hm"}],
}
SWITCHES = [{"add_generation_prompt": True}, {"add_generation_prompt": False},
            {"add_generation_prompt": True, "enable_thinking": False, "tools": TOOLS},
            {"add_generation_prompt": False, "enable_thinking": True,
             "variables": {"date_string": "1 Jan", "extra_tools": ["python", "sh"]}}]


class Clock(chat_template_utils.datetime):
    @classmethod
    def now(cls):
        return reference.NOW


def render(source, chat, tokens=TOKENS):
    messages = [{k: v for k, v in m.items() if v is not None} for m in chat["messages"]]
    switches = {k: v for k, v in chat.items() if k not in ("messages", "tools", "variables", "add_generation_prompt")}
    try:
        with unittest.mock.patch.object(chat_template_utils, "datetime", Clock):
            rendered, _ = chat_template_utils.render_jinja_template(
                conversations=[messages], tools=chat.get("tools"), chat_template=source,
                add_generation_prompt=chat["add_generation_prompt"], **tokens, **chat.get("variables", {}), **switches)
        return {"text": rendered[0]}
    except Exception as error:
        return {"error": str(error)}


def real_models(folder):
    """Writes <model>.expected.json beside each <model>.json, and their names to models.txt, for the C++ test."""
    models = sorted(f.stem for f in folder.glob("*.json") if not f.name.endswith(".expected.json"))
    for model in models:
        config = json.loads((folder / f"{model}.json").read_text(encoding="utf-8"))
        tokens = {name: config[name]["content"] if isinstance(config[name], dict) else config[name]
                  for name in ("bos_token", "eos_token", "unk_token", "pad_token") if config.get(name) is not None}
        cases = []
        for messages in CONVERSATIONS.values():
            for switches in SWITCHES:
                chat = {"messages": messages, **switches}
                cases.append({"chat": chat, **render(config["chat_template"], chat, tokens)})
        (folder / f"{model}.expected.json").write_text(json.dumps(cases, ensure_ascii=False), encoding="utf-8")
    (folder / "models.txt").write_text("".join(model + "\n" for model in models), encoding="utf-8")


def main():
    if len(sys.argv) > 1:
        return real_models(pathlib.Path(sys.argv[1]))
    chats = []
    for file in sorted((HERE / "templates").glob("*.jinja")):
        source = file.read_text(encoding="utf-8")
        for name, messages in CONVERSATIONS.items():
            for switches in SWITCHES:
                chat = {"messages": messages, **switches}
                chats.append({"template": file.name, "name": name, "chat": chat, **render(source, chat)})
    write("chats.json", {"tokens": TOKENS, "chats": chats})
    cases = []
    for case in small_templates.cases():
        answer = reference.answer(case)
        # What differs from run to run, or only in how Python shows a function, is nothing to compare with.
        if " at 0x" not in answer.get("text", ""):
            cases.append({"template": case["template"], "escape": case["escape"], **answer})
    write("templates.json", {"data": small_templates.DATA, "files": small_templates.FILES, "cases": cases})


def write(name, content):
    text = json.dumps(content, ensure_ascii=False, indent=0)
    (HERE / name).write_text(text + "\n", encoding="utf-8")
    print(name, len(text))


if __name__ == "__main__":
    main()
