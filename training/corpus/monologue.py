"""Interviews, talks and dictations."""

from training.corpus import quantities
from training.corpus.document import Document, Turn
from training.corpus.schemas import generic
from training.corpus.writer import Writer, bare, capital

MOODS = ["positive", "neutral", "negative", "mixed"]


def write_interview(writer: Writer, document_id: str) -> Document:
    """One asks, one answers. A finding is the first sentence of an answer, word for word; the mood follows
    from which kinds of answers there are."""
    rng = writer.rng
    host, guest = writer.given_name(), writer.given_name()
    while guest[0] == host[0]:
        guest = writer.given_name()
    writer.avoid.update((host[0], guest[0]))
    host_full, guest_full = (
        writer.full_name(*name) if rng.random() < 0.7 else name[0] for name in (host, guest)
    )
    called = writer.called(*guest)
    role, city, subject = writer.word("role"), writer.word("city"), writer.subject()
    people = {"S2": guest_full}
    day = quantities.random_day(rng) if rng.random() < 0.65 else None

    opening = [writer.say("iv_open", full=guest_full, role=role, city=city)]
    if rng.random() < 0.6:
        people["S1"] = host_full
        opening.append(writer.say("iv_self", host=host_full))
    if day is not None:
        opening.append(
            writer.say(
                "date",
                date=quantities.full_date(writer.language, day),
                weekday_of=quantities.WEEKDAYS[writer.language][day.weekday()],
            )
        )
        rng.shuffle(opening)
    opening.append(writer.say("iv_topic", subject=subject))
    turns = [Turn("S1", " ".join(opening)), Turn("S2", writer.say("iv_thanks"))]

    mood = rng.choice(MOODS)
    findings = []
    kinds = _answer_kinds(mood, rng.randint(3, 7), rng)
    for kind in kinds:
        question = writer.say("iv_question", name=called, subject=subject)
        turns.append(Turn("S1", f"{writer.say('iv_react')} {question}" if rng.random() < 0.4 else question))
        finding = writer.say(f"iv_{kind}", subject=subject, role=role)
        findings.append(finding)
        follow = [writer.say("iv_follow") for _ in range(rng.randint(0, 4))]
        turns.append(Turn("S2", " ".join([finding, *follow])))
    turns.append(Turn("S1", writer.say("iv_close", name=called, full=guest_full)))
    turns.append(Turn("S2", writer.say("iv_end")))

    intro = writer.fact("interview", person=guest_full, role=role, city=city, subject=subject)
    summary = " ".join([intro, findings[0], findings[-1]])
    tags = [subject, role, city]
    facts = {
        "interview_transcript_v2": {
            "ngày_phỏng_vấn": day.isoformat() if day else None,
            "tóm_tắt_phỏng_vấn": summary,
            "nhận_định_chính": findings,
            "cảm_xúc_người_tham_gia": mood,
            "thẻ": tags,
        },
        **generic(capital(subject), summary, [capital(subject)], tags),
    }
    return Document(document_id, writer.language, "interview", writer.split, turns, people, facts)


def _answer_kinds(mood: str, answers: int, rng) -> list[str]:
    must = {
        "positive": ["positive"] * 2,
        "negative": ["negative"] * 2,
        "neutral": ["neutral"] * 2,
        "mixed": ["positive", "negative"],
    }[mood]
    may = {
        "positive": ["positive", "neutral"],
        "negative": ["negative", "neutral"],
        "neutral": ["neutral"],
        "mixed": ["positive", "negative", "neutral"],
    }[mood]
    kinds = must + [rng.choice(may) for _ in range(answers - len(must))]
    rng.shuffle(kinds)
    return kinds


def write_talk(writer: Writer, document_id: str) -> Document:
    """One speaker, a subject in three to five parts, a conclusion."""
    rng = writer.rng
    given, gender = writer.given_name()
    writer.avoid.add(given)
    full = writer.full_name(given, gender) if rng.random() < 0.7 else given
    subject = writer.subject()
    aspects: list[str] = []
    parts = rng.randint(2, 5)
    while len(aspects) < parts:
        aspect = writer.word("aspect")
        if aspect not in aspects:
            aspects.append(aspect)

    text = [writer.say("talk_open", full=full, subject=subject)]
    if rng.random() < 0.8:
        text.append(
            writer.say("talk_outline", list=writer.join(aspects), n=quantities.number(writer.language, parts))
        )
    sentences = rng.randint(2, 9)
    for index, aspect in enumerate(aspects):
        act = "talk_first" if index == 0 else "talk_last" if index == parts - 1 else "talk_next"
        text.append(writer.say(act, topic=aspect))
        text += [
            writer.say("talk_body", subject=subject) for _ in range(max(1, sentences + rng.randint(-2, 2)))
        ]
    claim = writer.phrase("claim", subject=subject)[0]
    text.append(writer.say("talk_conclusion", claim=claim))
    text.append(writer.say("talk_close"))

    summary = (
        f"{writer.fact('talk', person=full, subject=subject, aspects=writer.join(aspects))} {capital(claim)}."
    )
    names = [bare(aspect) for aspect in aspects]
    facts = generic(capital(subject), summary, [capital(name) for name in names], [subject, *names])
    return Document(
        document_id, writer.language, "talk", writer.split, [Turn("S1", " ".join(text))], {"S1": full}, facts
    )


def write_dictation(writer: Writer, document_id: str) -> Document:
    """A memo to somebody, or a note: a subject, some news, something to do."""
    rng = writer.rng
    given, gender = writer.given_name()
    reader = writer.given_name()
    while reader[0] == given:
        reader = writer.given_name()
    writer.avoid.update((given, reader[0]))
    full = writer.full_name(given, gender)
    called = writer.called(*reader)
    topic = writer.topic()
    memo = rng.random() < 0.6

    text = [
        writer.say("memo_open", name=called, topic=topic) if memo else writer.say("note_open", topic=topic)
    ]
    if rng.random() < 0.5:
        day = quantities.random_day(rng)
        text.append(
            writer.say(
                "date",
                date=quantities.full_date(writer.language, day),
                weekday_of=quantities.WEEKDAYS[writer.language][day.weekday()],
            )
        )
    todos = []
    for _ in range(rng.randint(2, 5)):
        text += [writer.say("status") for _ in range(rng.randint(0, 3))]
        if rng.random() < 0.4:
            said, meant = writer.phrase("task_vp")
            due = writer.value("due")
            text.append(writer.say("memo_ask", vp=said, due=due))
            todos.append((meant, due))
    if memo:
        text.append(writer.say("memo_close", full=full))
    else:
        text.append(writer.say("note_close"))

    sentences = [
        writer.fact("memo", person=called, topic=topic) if memo else writer.fact("note", topic=topic)
    ]
    sentences += [writer.fact("todo", vp=vp, due=due) for vp, due in todos]
    name = bare(topic)
    facts = generic(capital(name), " ".join(sentences), [capital(name)], [name])
    people = {"S1": full} if memo else {}
    return Document(
        document_id, writer.language, "dictation", writer.split, [Turn("S1", " ".join(text))], people, facts
    )
