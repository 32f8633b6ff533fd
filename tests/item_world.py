"""Rows of the item bank and of a learning path for the walk through every door."""

from __future__ import annotations

from portal.accounts.people import Person
from portal.certs import items, learning
from tests.exam_items import content

KNOWN: dict[tuple[str, str], str] = {
    **{
        (f"exam_office.{name}", "uid"): "item"
        for name in (
            "item", "item_version", "write_item", "tag_item", "submit_item", "review_item", "use_item", "turn_item",
            "leak_item", "add_enemy", "end_enemy",
        )
    },
    ("exam_office.item_version", "n"): "word:1",
    ("exam_office.turn_item", "n"): "word:1",
    ("exam_office.turn_item", "turn"): "word:rest",
    ("exam_office.end_enemy", "number"): "word:1",
    ("exam_office.fix_form", "exam"): "word:OPDEV",
    ("exam_office.fix_form", "part"): "word:written",
    ("exam_office.confirm_step", "uid"): "step",
    ("exam_office.return_step", "uid"): "step",
    ("exams.path", "code"): "word:OPDEV",
    ("exams.declare", "code"): "word:opdev.course",
    ("exams.withdraw_step", "code"): "word:opdev.exercises",
}  # fmt: skip


def rows(person: Person) -> dict[str, str]:
    """Write an item, and declare a step of a person; call inside a transaction."""
    item = items.begin("OPDEV", "walked", by=person, topic="memory")
    items.write(item, content(), by=person)
    step = learning.declare(person, "opdev.exercises", by=person, evidence="done", link="", done_on=None)
    return {"item": item.uid, "step": step.uid}
