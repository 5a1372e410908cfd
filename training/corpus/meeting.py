"""Meetings: who is there, what is on the agenda, what is decided, who does what until when.

The plan comes first (people, agenda, length), then the turns are written act by act, and every decision and
task is noted as it is said. The facts are composed from these notes alone, in words that occur in the text.
"""

from dataclasses import dataclass, field

from training.corpus import quantities
from training.corpus.document import Document, Turn
from training.corpus.schemas import generic
from training.corpus.writer import Writer, bare, capital

MAX_TAGS = 5
CLOSING_WORDS = 30
LONG_WORDS = 900
OUTCOME_WORDS = 28  # what a decision or task takes, about
SUMMED_UP = 3  # decisions and tasks that the summary repeats


@dataclass
class Person:
    speaker: str
    given: str
    gender: str
    full: str  # as introduced: with or without family name


@dataclass
class Task:
    what: str
    owner: str
    due: str | None


@dataclass
class Notes:
    """What was said that counts."""

    title: str | None = None
    date: str | None = None  # ISO 8601
    agenda: list[str] = field(default_factory=list)
    decisions: list[str] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)


class Meeting:
    def __init__(self, writer: Writer):
        self.writer = writer
        self.rng = writer.rng
        self.turns: list[Turn] = []
        self.notes = Notes()
        self.words = 0
        self.idle = False  # small talk only
        self.named: dict[str, None] = {}  # speakers whose name was said, in that order
        self.target_words = self._length()
        self.people = self._seat()
        self.chair = self.people[0]

    def _length(self) -> int:
        kind = self.rng.random()
        brief, long = self.writer.style.brief, self.writer.style.long
        if long and self.rng.random() < long:
            return self.rng.randint(LONG_WORDS, 1600)
        if kind < brief:
            return self.rng.randint(110, 240)
        return self.rng.randint(270, 450) if kind < brief + 0.75 * (1 - brief) else self.rng.randint(450, 880)

    def _seat(self) -> list[Person]:
        fewest, most = (2, 4) if self.target_words < 200 else (3, 6)
        with_family = self.rng.random() < 0.4
        people = []
        for index in range(self.rng.randint(fewest, most)):
            given, gender = self.writer.given_name()
            self.writer.avoid.add(given)
            full = self.writer.full_name(given, gender) if with_family else given
            people.append(Person(f"S{index + 1}", given, gender, full))
        return people

    # ---- saying things

    def say(self, person: Person, text: str) -> None:
        """Adds to what `person` is saying, or lets them take the floor."""
        self.words += len(text.split())
        if self.turns and self.turns[-1].speaker == person.speaker:
            self.turns[-1].text += " " + text
        else:
            self.turns.append(Turn(person.speaker, text))

    def act(self, person: Person, act: str, **given: str) -> None:
        self.say(person, self.writer.say(act, **given))

    def pair(self, first: Person, second: Person, act: str, **given: str) -> None:
        """A template with `|` in it: one says the first half, another answers."""
        asked, answered = self.writer.template(act).split("|")
        text, _ = self.writer.fill(asked + " | " + answered, **given)
        question, answer = text.split(" | ")
        self.say(first, question)
        self.say(second, self.writer.finish(answer))

    def name(self, person: Person) -> str:
        """How `person` is addressed; from now on the name is known."""
        self.named[person.speaker] = None
        return self.writer.called(person.given, person.gender)

    def other(self, *but: Person) -> Person:
        choices = [person for person in self.people if person not in but]
        return self.rng.choice(choices) if choices else self.people[0]

    # ---- the parts

    def open(self) -> None:
        rng, writer, chair = self.rng, self.writer, self.chair
        if rng.random() < 0.2:
            self.pair(self.other(), chair, "smalltalk")
        if rng.random() < 0.8:
            kind = writer.word("meetingkind")
            self.notes.title = writer.compose(
                rng.choice(["plain", "team", "project"]),
                meetingkind=kind,
                department=writer.word("department"),
                project=writer.word("project"),
            )
            self.act(chair, "open", meeting=self.notes.title)
        else:
            self.act(chair, "open_plain")
        if rng.random() < 0.8:
            day = quantities.random_day(rng)
            self.notes.date = day.isoformat()
            self.act(
                chair,
                "date",
                date=quantities.full_date(writer.language, day),
                weekday_of=quantities.WEEKDAYS[writer.language][day.weekday()],
            )

    def introduce(self) -> None:
        """Three ways to learn the names: everyone says theirs, the chair says them, or they fall in
        passing."""
        rng, chair, guests = self.rng, self.chair, self.people[1:]
        way = rng.random()
        if way < 0.55:
            self.act(chair, "chair_self", full=chair.full)
            self.act(chair, "invite_intro")
            for guest in guests:
                self.act(guest, "self_intro", full=guest.full)
            self.named.update(dict.fromkeys(person.speaker for person in self.people))
        elif way < 0.8:
            self.act(chair, "chair_self", full=chair.full)
            self.act(chair, "presence", names=self.writer.join([guest.full for guest in guests]))
            self.named.update(dict.fromkeys(person.speaker for person in self.people))
            for guest in guests:
                if rng.random() < 0.4:
                    self.act(guest, "greet_back")
        else:
            for person in self.people:
                person.full = person.given
        if rng.random() < 0.2:
            self.act(chair, "absent")

    def agenda(self, points: int) -> None:
        while len(self.notes.agenda) < points:
            topic = self.writer.topic()
            if all(bare(topic) not in seen and bare(seen) not in topic for seen in self.notes.agenda):
                self.notes.agenda.append(topic)
        if self.rng.random() < 0.75:
            act = "agenda" if points > 1 else "agenda_one"
            self.act(
                self.chair,
                act,
                list=self.writer.join(self.notes.agenda),
                n=quantities.number(self.writer.language, points),
            )

    def point(self, index: int, words: int) -> None:
        """One point of the agenda, in about so many words."""
        rng, chair, notes = self.rng, self.chair, self.notes
        last = index == len(notes.agenda) - 1 and index > 0
        act = "topic_first" if index == 0 else "topic_last" if last else "topic_next"
        self.act(chair, act, topic=notes.agenda[index])
        lead = self.other(chair)
        if lead.speaker not in self.named or rng.random() < 0.5:
            self.act(chair, "ask_status", name=self.name(lead))
        self.act(lead, "status")
        end = self.words + words
        outcomes = [
            outcome
            for outcome, chance in (("rejected", 0.2), ("decision", 0.65), ("task", 0.55), ("task", 0.35))
            if rng.random() < chance
        ]
        if "decision" not in outcomes and rng.random() < 0.4:
            outcomes.append("postponed")
        while self.words < end - OUTCOME_WORDS * len(outcomes):
            self.exchange(lead)
        for outcome in outcomes:
            getattr(self, outcome)()
            if rng.random() < 0.2:
                self.exchange(lead)

    def exchange(self, lead: Person) -> None:
        """Something said on the way that is no fact: news, a question, an opinion."""
        kind, other = self.rng.random(), self.other(lead)
        if kind < 0.35:
            self.act(lead, "status")
            if self.rng.random() < 0.5:
                self.act(lead, "status")
        elif kind < 0.6:
            self.pair(other, lead, "question")
        elif kind < 0.85:
            self.act(other, "opinion")
            self.act(self.other(other), "agree" if self.rng.random() < 0.7 else "disagree")
        elif kind < 0.93:
            self.act(other, "filler")
        else:
            self.pair(other, lead, "smalltalk")

    def rejected(self) -> None:
        proposer = self.other()
        self.pair(proposer, self.other(proposer), "rejected", vp=self.writer.phrase("decide_vp")[1])

    def postponed(self) -> None:
        self.act(self.chair, "postponed")

    def decision(self) -> None:
        said, meant = self.writer.phrase("decide_vp")
        if meant in self.notes.decisions:
            return
        self.notes.decisions.append(meant)
        self.act(self.chair if self.rng.random() < 0.85 else self.other(), "decision", vp=said)
        if self.rng.random() < 0.3:
            self.act(self.other(self.chair), "agree")

    def task(self) -> None:
        said, meant = self.writer.phrase("task_vp")
        if any(task.what == meant for task in self.notes.tasks):
            return
        due = self.writer.value("due")
        way = self.rng.random()
        owner = self.other(self.chair)
        boss = self.chair if self.rng.random() < 0.85 else self.other(owner)
        if way < 0.35:
            self._ask(boss, owner, "action_ask", said, due)
            self.act(owner, "action_yes")
        elif way < 0.5:
            self.act(boss, "action_ask_nodue", name=self.name(owner), vp=said)
            self.act(owner, "action_yes")
            due = None
        elif way < 0.6:
            self.act(boss, "action_ask_nodue", name=self.name(owner), vp=said)
            self.pair(owner, boss, "action_when", due=due)
        elif way < 0.8:
            self._ask(owner, owner, "action_volunteer", said, due)
            self.act(boss, "action_thanks", name=self.name(owner))
        elif way < 0.93 or len(self.people) < 4:
            self._ask(boss, owner, "action_assign", said, due)
            if self.rng.random() < 0.4:
                self.act(owner, "action_yes")
        else:
            first = self.other(boss, owner)
            self._ask(boss, first, "action_ask", said, due)
            self.act(first, "action_refuse")
            self.act(boss, "action_other", name=self.name(owner))
            self.act(owner, "action_yes")
        self.notes.tasks.append(Task(meant, owner.given, due))

    def _ask(self, speaker: Person, owner: Person, act: str, task: str, due: str) -> None:
        """Says a task with its date; now and then another date first, and then the right one."""
        template = self.writer.template(act)
        by = self.writer.templates("by")[0]
        wrong = self.writer.value("due")
        if by in template and wrong != due and self.rng.random() < 0.12:
            template = template.replace(by, self.writer.template("due_fix"))
        name = self.name(owner) if "{name}" in template else ""
        self.say(speaker, self.writer.fill(template, name=name, vp=task, due=due, wrong=wrong)[0])

    def chat(self) -> None:
        """A meeting without facts: small talk only."""
        self.idle = True
        self.act(self.chair, "open_plain")
        self.introduce()
        self.notes.agenda = [self.writer.template("chat_topic")]
        self.act(self.chair, "topic_first", topic=self.notes.agenda[0])
        while self.words < min(self.target_words, 250):
            first = self.other()
            if first.speaker not in self.named:
                self.act(self.other(first), "ask_status", name=self.name(first))
            self.pair(first, self.other(first), "smalltalk")
            if self.rng.random() < 0.3:
                self.act(self.other(), self.rng.choice(["agree", "filler"]))

    def close(self) -> None:
        rng, chair = self.rng, self.chair
        for person in self.people[1:]:
            if person.speaker not in self.named:
                self.act(chair, "ask_status", name=self.name(person))
                self.act(person, "opinion")
        if rng.random() < 0.4:
            self.act(chair, "recap")
        if rng.random() < 0.4:
            self.act(chair, "next_meeting")
        self.act(chair, "close")
        if chair.speaker not in self.named:
            self.act(self.other(chair), "action_thanks", name=self.name(chair))
        for person in self.people[1:]:
            if rng.random() < 0.3:
                self.act(person, "bye")

    def write(self) -> None:
        if self.rng.random() < 0.06:
            self.chat()
            self.close()
            return
        self.open()
        self.introduce()
        most = 8 if self.target_words >= LONG_WORDS else 5
        points = max(1, min(most, round((self.target_words - self.words) / self.rng.randint(70, 140))))
        self.agenda(points)
        for index in range(points):
            left = self.target_words - CLOSING_WORDS - self.words
            self.point(index, left // (points - index))
        self.close()

    # ---- facts

    def listed_people(self) -> list[Person]:
        """The participants in the order in which their names are heard first."""
        by_speaker = {person.speaker: person for person in self.people}
        return [by_speaker[speaker] for speaker in self.named]

    def facts(self) -> dict[str, dict]:
        writer, notes = self.writer, self.notes
        people = [person.full for person in self.listed_people()]
        agenda = [bare(topic) for topic in notes.agenda]
        title = capital(notes.title or agenda[0])
        sentences = [
            writer.fact(
                "chatted" if self.idle else "discussed",
                people=writer.join(people),
                agenda=writer.join(notes.agenda),
            )
        ]
        sentences += [writer.fact("decided", vp=vp) for vp in notes.decisions[:SUMMED_UP]]
        for task in notes.tasks[:SUMMED_UP]:
            sentences.append(
                writer.fact(
                    "task" if task.due else "task_nodue", owner=task.owner, vp=task.what, due=task.due
                )
            )
        summary = " ".join(sentences)
        topics = [capital(topic) for topic in agenda]
        tags = agenda[:MAX_TAGS]
        return {
            "meeting_notes_v2": {
                "tiêu_đề": title,
                "ngày_họp": notes.date,
                "người_tham_gia": people,
                "tóm_tắt": summary,
                "chương_trình_nghị_sự": topics,
                "quyết_định": [capital(vp) for vp in notes.decisions],
                "công_việc_cần_làm": [
                    {"mô_tả": capital(task.what), "người_được_giao": task.owner, "hạn_hoàn_thành": task.due}
                    for task in notes.tasks
                ],
                "thẻ": tags,
            },
            **generic(title, summary, topics, tags),
        }


def write_meeting(writer: Writer, document_id: str) -> Document:
    meeting = Meeting(writer)
    meeting.write()
    people = {person.speaker: person.full for person in meeting.people if person.speaker in meeting.named}
    return Document(
        document_id, writer.language, "meeting", writer.split, meeting.turns, people, meeting.facts()
    )
