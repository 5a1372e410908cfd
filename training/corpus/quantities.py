"""Numbers, money, dates and times, written the one way the whole corpus writes them.

English: "March 4, 2026", "9:30", "3 o'clock", "1,200 dollars", "15%"; Vietnamese: "ngày 4 tháng 3 năm 2026",
"9 giờ 30", "1.200.000 đồng", "15%". Counts below ten are words, all other numbers digits. espeak-ng reads
each of these forms as a person would, which is why a full hour is "3 o'clock" and money has its unit behind
it.
"""

import datetime
import random

MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
WEEKDAYS = {
    "en": ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
    "vi": ["thứ hai", "thứ ba", "thứ tư", "thứ năm", "thứ sáu", "thứ bảy", "chủ nhật"],
}
SMALL = {
    "en": ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"],
    "vi": ["không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín"],
}


def number(language: str, value: int) -> str:
    """Digits with the thousands separator of the language; words below ten."""
    if value < 10:
        return SMALL[language][value]
    return digits(language, value)


def digits(language: str, value: int) -> str:
    text = f"{value:,}"
    return text if language == "en" else text.replace(",", ".")


def count(language: str, rng: random.Random) -> str:
    """A number of things or people, two at least."""
    kind = rng.random()
    if kind < 0.3:
        return number(language, rng.randint(2, 9))
    if kind < 0.8:
        return number(language, rng.randint(10, 99))
    if kind < 0.95:
        return number(language, rng.choice([rng.randint(100, 999), rng.randint(10, 99) * 10]))
    return number(language, rng.randint(11, 60) * 100)


def few(language: str, rng: random.Random) -> str:
    """A number of days, years or pages."""
    return number(language, rng.randint(2, 40))


def percent(language: str, rng: random.Random) -> str:
    return f"{rng.randint(1, 20) * 5 if rng.random() < 0.5 else rng.randint(2, 98)}%"


def money(language: str, rng: random.Random) -> str:
    kind = rng.random()
    if language == "en":
        unit = rng.choice(["dollars", "dollars", "euros", "euros", "pounds"])
        if kind < 0.15:
            return f"{rng.randint(1, 9)}.{rng.randint(1, 9)} million {unit}"
        if kind < 0.5:
            return f"{digits(language, rng.randint(2, 99) * 500)} {unit}"
        amount = rng.choice([rng.randint(11, 99), rng.randint(2, 99) * 10, rng.randint(2, 40) * 50])
        return f"{digits(language, amount)} {unit}"
    if kind < 0.15:
        return f"{rng.randint(1, 9)},{rng.randint(1, 9)} tỷ đồng"
    if kind < 0.6:
        return f"{rng.choice([rng.randint(2, 99), rng.randint(10, 90) * 10])} triệu đồng"
    if kind < 0.75:
        return f"{rng.randint(1, 9)},{rng.randint(1, 9)} triệu đồng"
    return f"{digits(language, rng.randint(2, 190) * 5000)} đồng"


def time(language: str, rng: random.Random) -> str:
    minute = rng.choice([0, 0, 15, 30, 30, 45, 10, 20, 40, 50])
    if language == "en":
        hour = rng.randint(1, 12)
        return f"{hour}:{minute}" if minute else f"{hour} o'clock"
    hour = rng.randint(7, 21)
    return f"{hour} giờ {minute}" if minute else f"{hour} giờ"


def weekday(language: str, rng: random.Random) -> str:
    return rng.choice(WEEKDAYS[language][:5] if rng.random() < 0.9 else WEEKDAYS[language])


def month(language: str, rng: random.Random) -> str:
    value = rng.randint(1, 12)
    return MONTHS[value - 1] if language == "en" else f"tháng {value}"


def random_day(rng: random.Random, first: int = 2019, last: int = 2032) -> datetime.date:
    return datetime.date(rng.randint(first, last), 1, 1) + datetime.timedelta(days=rng.randint(0, 364))


def short_date(language: str, day: datetime.date) -> str:
    """A date without year: "March 4", "ngày 4 tháng 3"."""
    return f"{MONTHS[day.month - 1]} {day.day}" if language == "en" else f"ngày {day.day} tháng {day.month}"


def full_date(language: str, day: datetime.date) -> str:
    """A date with year: "March 4, 2026", "ngày 4 tháng 3 năm 2026"."""
    return f"{short_date(language, day)}{',' if language == 'en' else ' năm'} {day.year}"


def due(language: str, rng: random.Random) -> str:
    """Something that can follow "by" ("trước" in Vietnamese): "Friday", "March 4", "the end of the month"."""
    kind = rng.random()
    day = weekday(language, rng)
    if kind < 0.35:
        return day
    if kind < 0.5:
        return f"next {day}" if language == "en" else f"{day} tuần sau"
    if kind < 0.75:
        return short_date(language, random_day(rng))
    if kind < 0.83:
        return f"the end of {month(language, rng)}" if language == "en" else f"cuối {month(language, rng)}"
    return rng.choice(
        [
            "tomorrow",
            "tomorrow evening",
            "the end of the week",
            "the end of the month",
            "the weekend",
            "tonight",
        ]
        if language == "en"
        else ["ngày mai", "chiều mai", "cuối tuần", "cuối tháng", "tối nay", "trưa mai"]
    )
