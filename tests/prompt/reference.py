"""jinja2 set up as Hugging Face's apply_chat_template sets it up: the reference of these tests.

The environment is written from what that library documents: the immutable sandbox, trim_blocks and lstrip_blocks,
break and continue, the generation tag, tojson as json.dumps without escapes, raise_exception and strftime_now.
"""
import copy
import datetime
import json

import jinja2
import jinja2.ext
import jinja2.sandbox

NOW = datetime.datetime.fromtimestamp(1_700_000_000)


class Generation(jinja2.ext.Extension):
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("plain"), [], [], body).set_lineno(line)

    def plain(self, caller):
        return caller()


def raise_exception(message):
    raise jinja2.TemplateError(message)


def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def environment(files=None, escape=False):
    made = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, autoescape=escape, extensions=[Generation, jinja2.ext.loopcontrols],
        loader=jinja2.DictLoader(files or {}))
    made.filters["tojson"] = tojson
    made.globals["raise_exception"] = raise_exception
    made.globals["strftime_now"] = lambda form: NOW.strftime(form)
    return made


def answer(request):
    """What the C++ program answers to the same request, by jinja2: {"text"} or {"error"}."""
    try:
        if "chat_template" in request:
            chat = request["chat"]
            variables = {"messages": chat["messages"], "tools": chat.get("tools"), "documents": chat.get("documents"),
                         "add_generation_prompt": chat.get("add_generation_prompt", False)}
            if "enable_thinking" in chat:
                variables["enable_thinking"] = chat["enable_thinking"]
            template = environment().from_string(request["chat_template"])
            return {"text": template.render(**request.get("tokens", {}), **chat.get("variables", {}), **variables)}
        template = environment(request.get("files"), request.get("escape", False)).from_string(request["template"])
        # A copy: some filters of jinja2 change a list that they are given.
        return {"text": template.render(**copy.deepcopy(request.get("data", {})))}
    except Exception as error:  # whatever a template can do wrong in Python
        return {"error": f"{type(error).__name__}: {error}"}
