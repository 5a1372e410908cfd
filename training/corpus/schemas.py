"""The shape of the four summary templates the language model learns, as JSON Schema (draft 7).

Names, limits and which fields must be there: docs/spec/service.md, section 6.3. Key order is the order in
which the model writes them.
"""


def _text(limit: int) -> dict:
    return {"type": "string", "maxLength": limit}


def _texts(least: int, most: int, limit: int) -> dict:
    return {"type": "array", "items": _text(limit), "minItems": least, "maxItems": most}


def _object(properties: dict, optional: tuple[str, ...] = ()) -> dict:
    return {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        "required": [name for name in properties if name not in optional],
    }


_TASK = _object(
    {"mô_tả": _text(500), "người_được_giao": _text(100), "hạn_hoàn_thành": {"type": ["string", "null"]}}
)

SCHEMAS: dict[str, dict] = {
    "meeting_notes_v2": _object(
        {
            "tiêu_đề": _text(200),
            "ngày_họp": {"type": ["string", "null"]},
            "người_tham_gia": _texts(0, 100, 100),
            "tóm_tắt": _text(2000),
            "chương_trình_nghị_sự": _texts(1, 20, 300),
            "quyết_định": _texts(0, 100, 300),
            "công_việc_cần_làm": {"type": "array", "items": _TASK, "minItems": 0, "maxItems": 200},
            "thẻ": _texts(1, 7, 50),
        }
    ),
    "generic_summary_v2": _object(
        {
            "tiêu_đề": _text(200),
            "tóm_tắt": _text(2000),
            "chủ_đề_chính": _texts(1, 15, 300),
            "thẻ": _texts(1, 10, 50),
        }
    ),
    "generic_summary_en_v2": _object(
        {
            "title": _text(200),
            "summary": _text(2000),
            "key_topics": _texts(1, 10, 200),
            "tags": _texts(1, 10, 50),
        }
    ),
    "interview_transcript_v2": _object(
        {
            "ngày_phỏng_vấn": {"type": ["string", "null"], "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"},
            "tóm_tắt_phỏng_vấn": _text(2000),
            "nhận_định_chính": _texts(1, 10, 500),
            "cảm_xúc_người_tham_gia": {
                "type": "string",
                "enum": ["positive", "neutral", "negative", "mixed"],
            },
            "thẻ": _texts(1, 7, 50),
        },
        optional=("ngày_phỏng_vấn",),
    ),
}


def generic(title: str, summary: str, topics: list[str], tags: list[str]) -> dict[str, dict]:
    """The same facts under the keys of both generic templates."""
    return {
        "generic_summary_v2": {"tiêu_đề": title, "tóm_tắt": summary, "chủ_đề_chính": topics, "thẻ": tags},
        "generic_summary_en_v2": {"title": title, "summary": summary, "key_topics": topics, "tags": tags},
    }
