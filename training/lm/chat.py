"""How a job is put to the model: one system message, one user message, one answer (ChatML).

The user messages are those of the service (docs/spec/service.md, 4.6 and 4.7). The system message is one
short fixed line per job: a model this small obeys what it was trained with, and long instructions would only
fill its context.
"""

RESTORE = "text_enhancement_v1"

SYSTEM = {
    RESTORE: "Restore case and punctuation. Keep every word.",
    "meeting_notes_v2": "Fill the template meeting_notes_v2.",
    "generic_summary_v2": "Fill the template generic_summary_v2.",
    "generic_summary_en_v2": "Fill the template generic_summary_en_v2.",
    "interview_transcript_v2": "Fill the template interview_transcript_v2.",
}

NO_THINKING = "<think>\n\n</think>\n\n"


def user_message(job: str, transcript: str) -> str:
    return ("Text to enhance:\n" if job == RESTORE else "Transcript to analyze:\n") + transcript


def prompt(job: str, transcript: str, empty_thinking: bool = False) -> str:
    """Everything up to the answer; `empty_thinking` as the template does with enable_thinking=false."""
    return (
        f"<|im_start|>system\n{SYSTEM[job]}<|im_end|>\n"
        f"<|im_start|>user\n{user_message(job, transcript)}<|im_end|>\n"
        f"<|im_start|>assistant\n{NO_THINKING if empty_thinking else ''}"
    )


# Jinja2, rendered by `transformers` and by the service. Reasoning of earlier turns is left out, as Qwen3
# does.
CHAT_TEMPLATE = """\
{%- set found = namespace(last=-1) %}
{%- for message in messages %}
{%- if message.role == 'user' %}{% set found.last = loop.index0 %}{% endif %}
{%- endfor %}
{%- for message in messages %}
{%- set content = message.content if message.content is string else '' %}
{%- if message.role == 'assistant' and '</think>' in content %}
{%- set thought = content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') %}
{%- set content = content.split('</think>')[-1].lstrip('\\n') %}
{%- if loop.index0 > found.last %}
{%- set content = '<think>\\n' + thought.strip('\\n') + '\\n</think>\\n\\n' + content %}
{%- endif %}
{%- endif %}
{{- '<|im_start|>' + message.role + '\\n' + content + '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
{{- '<|im_start|>assistant\\n' }}
{%- if enable_thinking is defined and enable_thinking is false %}
{{- '<think>\\n\\n</think>\\n\\n' }}
{%- endif %}
{%- endif %}
"""
