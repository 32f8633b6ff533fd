"""Forms of the item bank: an item in both languages side by side, a review, and the deeds of the chief examiner."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField, FileRequired
from wtforms import BooleanField, FieldList, FormField, IntegerField, StringField, TextAreaField
from wtforms import Form as Part
from wtforms.validators import NumberRange

from portal.certs.gift_answers import MOST_OPTIONS, NUMBER, Kind
from portal.certs.item_content import Content, code_of, exact
from portal.certs.models.bank import Difficulty, Ground
from portal.core import labels
from portal.core.errors import Refused
from portal.core.forms import Form, choice_field, clean, most, options, text_field
from portal.core.rich import sanitised

SPARE = 3
LEAST_ROWS = 4


def _area(label: Any, longest: int, rows: int = 5) -> TextAreaField:
    return TextAreaField(label, validators=[most(longest)], filters=[clean], render_kw={"rows": rows})


class OptionPart(Part):
    """One option, or one text that is looked for."""

    zh = StringField(_l("Chinese"), validators=[most(2000)], filters=[clean])
    en = StringField(_l("English"), validators=[most(2000)], filters=[clean])
    weight = StringField(_l("Mark in percent"), validators=[most(12)], filters=[clean])
    pinned = BooleanField(_l("Stays last"))


class NumberPart(Part):
    """One number that is looked for."""

    value = StringField(_l("Value"), validators=[most(82)], filters=[clean])
    tolerance = StringField(_l("Tolerance"), validators=[most(82)], filters=[clean])
    weight = StringField(_l("Mark in percent"), validators=[most(12)], filters=[clean])


class Writing(Form):
    """An item: what it says in both languages, its answers, its source."""

    kind = choice_field(_l("Type"))
    points = IntegerField(_l("Points of the item"), validators=[NumberRange(1, 1000, _l("Please give 1 to 1000 points."))], default=1)  # fmt: skip
    format = choice_field(_l("Written in"))
    text_zh = _area(_l("Text in Chinese"), 20_000)
    text_en = _area(_l("Text in English"), 20_000)
    options = FieldList(FormField(OptionPart), max_entries=MOST_OPTIONS)
    numbers = FieldList(FormField(NumberPart), max_entries=MOST_OPTIONS)
    feedback_zh = _area(_l("Said of the item in Chinese"), 4000, 2)
    feedback_en = _area(_l("Said of the item in English"), 4000, 2)
    reference = text_field(_l("Source of the key"), longest=500, required=False)
    machine_aid = BooleanField(_l("A machine helped to write this"))

    def offer(self) -> None:
        """Fill the lists to choose from, and leave free rows."""
        self.kind.choices = options((one.value, labels.label(one)) for one in Kind)
        self.format.choices = options(
            [("plain", str(_l("Plain text"))), ("markdown", "Markdown"), ("html", "HTML")]
        )
        for rows in (self.options, self.numbers):
            spare = max(LEAST_ROWS if rows is self.options else 1, len(rows.entries) + SPARE)
            while not self.is_submitted() and len(rows.entries) < min(spare, MOST_OPTIONS):
                rows.append_entry()

    def show(self, content: Content, reference: str, machine_aid: bool) -> None:
        """Put a version into the form."""
        self.kind.data, self.points.data, self.format.data = (
            content.kind.value,
            content.points,
            content.format,
        )
        self.text_zh.data, self.text_en.data = content.text.get("zh", ""), content.text.get("en", "")
        self.feedback_zh.data, self.feedback_en.data = (
            content.feedback.get("zh", ""),
            content.feedback.get("en", ""),
        )
        self.reference.data, self.machine_aid.data = reference, machine_aid
        for one in content.options:
            row = {key: one["text"].get(key, "") for key in ("zh", "en")}
            self.options.append_entry({**row, "weight": percent(one["weight"]), "pinned": one["pinned"]})
        for number in content.numbers:
            self.numbers.append_entry({**number, "weight": percent(number["weight"])})

    def content(self) -> Content:
        """Return what was typed; `Refused` says which row makes no sense."""
        kind, html = Kind(self.kind.data), self.format.data == "html"
        wanted = kind in (Kind.SINGLE, Kind.MULTIPLE, Kind.SHORT)
        rows = [one.form for one in self.options if wanted and (one.form.zh.data or one.form.en.data)]
        numbers = [one.form for one in self.numbers if kind is Kind.NUMERIC and one.form.value.data]
        made = Content(
            kind, _words(self.text_zh.data, self.text_en.data, html), str(self.format.data),
            [_option(n, row, html) for n, row in enumerate(rows)], [_number(n, row) for n, row in enumerate(numbers, 1)],
            _words(self.feedback_zh.data, self.feedback_en.data, False), int(self.points.data),
        )  # fmt: skip
        refuse_unmarkable(made)
        return made


def _words(zh: str | None, en: str | None, html: bool) -> dict[str, str]:
    found = {"zh": zh or "", "en": en or ""}
    return {key: sanitised(said) if html else said for key, said in found.items() if said}


def percent(weight: str) -> str:
    """Return a fraction as the percentage people type."""
    return exact(Decimal(weight) * 100)


def _weight(text: str, what: str) -> str:
    text = (text or "0").strip().removesuffix("%")
    if not NUMBER.fullmatch(text) or abs(Decimal(text)) > 100:
        raise Refused(_l("%(what)s: a mark is a percentage from −100 to 100.", what=what), status=422)
    return exact(Decimal(text) / 100)


def _option(n: int, row: Any, html: bool) -> dict[str, Any]:
    name = str(_l("Option %(code)s", code=code_of(n)))
    return {
        "code": code_of(n), "text": _words(row.zh.data, row.en.data, html), "weight": _weight(row.weight.data, name),
        "feedback": {}, "pinned": bool(row.pinned.data),
    }  # fmt: skip


def _number(n: int, row: Any) -> dict[str, str]:
    name = str(_l("Number %(n)s", n=n))
    value, tolerance = (row.value.data or "").strip(), (row.tolerance.data or "0").strip()
    if not NUMBER.fullmatch(value) or not NUMBER.fullmatch(tolerance) or Decimal(tolerance) < 0:
        raise Refused(
            _l("%(what)s: value and tolerance are numbers such as 3.14 and 0.01.", what=name), status=422
        )
    return {
        "value": exact(Decimal(value)), "tolerance": exact(Decimal(tolerance)),
        "weight": _weight(row.weight.data or "100", name),
    }  # fmt: skip


def refuse_unmarkable(content: Content) -> None:
    """Refuse an item that nobody could answer rightly."""
    if not content.text:
        raise Refused(_l("Please write the text, at least in one language."), field="text_zh", status=422)
    weights = [
        Decimal(one["weight"])
        for one in (content.numbers if content.kind is Kind.NUMERIC else content.options)
    ]
    if content.kind in (Kind.SINGLE, Kind.MULTIPLE) and len(weights) < 2:
        raise Refused(_l("Please give at least two options."), status=422)
    if content.kind is Kind.MULTIPLE and not any(one > 0 for one in weights):
        raise Refused(_l("At least one option must earn something."), status=422)
    if content.kind in (Kind.SINGLE, Kind.SHORT, Kind.NUMERIC) and Decimal(1) not in weights:
        raise Refused(_l("One answer must earn 100 % of the mark."), status=422)


class PictureForm(Form):
    """A picture of an item, and what it shows."""

    file = FileField(_l("Picture"), validators=[FileRequired(_l("Please choose a file."))])
    alt_zh = _area(_l("What the picture shows, in Chinese"), 500, 2)
    alt_en = _area(_l("What the picture shows, in English"), 500, 2)


class NewItem(Form):
    """An item that is begun: for which exam, under which key."""

    exam = choice_field(_l("Exam"))
    key = text_field(_l("Key of the item"), longest=120)
    topic = text_field(_l("Topic of the blueprint"), longest=120, required=False)


class Tags(Form):
    """The tags of an item."""

    topic = text_field(_l("Topic of the blueprint"), longest=120, required=False)
    difficulty = choice_field(_l("Difficulty, as guessed"))
    chip = text_field(_l("Chip"), longest=60, required=False)
    tool = text_field(_l("Tool"), longest=60, required=False)
    anchor = BooleanField(_l("Anchor item: it stands in many forms, so that they can be compared"))

    def offer(self) -> None:
        """Fill the list to choose from."""
        self.difficulty.choices = options((one.value, labels.label(one)) for one in Difficulty)


class Review(Form):
    """A review: the checklist, and comments by field."""

    key = BooleanField(_l("The key is right, and nothing else is"))
    parity = BooleanField(_l("Both languages say the same and are equally hard"))
    bias = BooleanField(_l("Nobody is favoured by origin, employer or chip"))
    reference = BooleanField(_l("The reference supports the key"))
    text_comment = _area(_l("On the text"), 1000, 2)
    options_comment = _area(_l("On options or numbers"), 1000, 2)
    key_comment = _area(_l("On the key"), 1000, 2)
    reference_comment = _area(_l("On the reference"), 1000, 2)
    tags_comment = _area(_l("On topic and tags"), 1000, 2)

    def ticked(self) -> list[str]:
        """Return the points ticked."""
        return [name for name in ("key", "parity", "bias", "reference") if self._fields[name].data]

    def comments(self) -> dict[str, str]:
        """Return the comments by field."""
        names = ("text", "options", "key", "reference", "tags")
        return {name: self._fields[f"{name}_comment"].data or "" for name in names}


class Use(Form):
    """Why an approved version may count."""

    ground = choice_field(_l("It may count because it was"))
    rating = text_field(_l("Panel's rating, 0 to 1"), longest=10, required=False)

    def offer(self) -> None:
        """Fill the list to choose from."""
        self.ground.choices = options((one.value, labels.label(one)) for one in Ground)


class Leak(Form):
    """How an item became known."""

    reason = text_field(_l("How it became known"), longest=300)


class Enemy(Form):
    """An item that never shares a form with this one."""

    enemy = text_field(_l("Key of the other item"), longest=120)
    reason = text_field(_l("Why they never meet"), longest=200, required=False)


class Import(Form):
    """A GIFT file of items."""

    exam = choice_field(_l("Exam"))
    file = FileField(_l("GIFT file"), validators=[FileRequired(_l("Please choose a file."))])
    check_only = BooleanField(_l("Only check, change nothing"))
