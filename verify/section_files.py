"""Whether every line of the CSV reached the raw zone, but for those that the planted faults altered."""
from __future__ import annotations

from typing import Iterator

import flights_csv
from checks import Section
from context import Context


def check(section: Section, context: Context) -> None:
    files, report = context.run_files, context.report
    section.same("raw objects of the run's months", len({file.key for file in files}), report["books"]["files"])
    section.holds("each is there once, and no other version of it", _versions(context), len(context.expected_files))
    lines = {file.key: lines_of(file.data) for file in files}
    section.same("records in the raw objects", sum(len(found) - 1 for found in lines.values()), report["books"]["read"])
    headers = [f"{key} starts with another header" for key, found in lines.items() if found[0] != flights_csv.header()]
    section.holds("each starts with the CSV's header", headers, len(lines))
    altered, added, lost = _compare(context, lines)
    published = sum(len(expected) for expected in context.expected_files.values())
    section.same("lines of the CSV that are there byte for byte, in their place", published - len(altered) - len(lost), published - 5, "expected")
    section.holds("no line of the CSV is lost", lost, published)
    planted = sorted((file, number, fault) for file, number, fault in [*altered, *added])
    reported = sorted((item["file"], item["record"], item["fault"]) for item in report["planted"])
    section.same("planted faults", [_spoken(item) for item in planted], [_spoken(item) for item in reported])
    section.same("records altered and added", [len(altered), len(added)], [5, 1], "expected")
    others = len(context.raw_files) - len(files)
    if others > 0:
        section.note(f"{others} more raw objects came later; they are judged with the books")


def lines_of(data: bytes) -> list[bytes]:
    """The lines of a file without their ends; the last one may lack its newline."""
    return data.removesuffix(b"\n").split(b"\n")


def _versions(context: Context) -> Iterator[str]:
    for key in context.expected_files:
        count = sum(file.key == key for file in context.run_files)
        if count != 1:
            yield f"{key} has {count} versions"


Fault = tuple[str, int, str]


def _compare(context: Context, lines: dict[str, list[bytes]]) -> tuple[list[Fault], list[Fault], list[str]]:
    """The altered and the added records with the fault that each shows, and the lines that are neither there nor altered."""
    altered: list[Fault] = []
    added: list[Fault] = []
    lost: list[str] = []
    for key, expected in context.expected_files.items():
        name = key.rpartition("/")[2]
        found = lines.get(key, [b""])[1:]
        for number, (is_there, published) in enumerate(zip(found, expected), 1):
            if is_there != published:
                fault = fault_of(published, is_there)
                altered.append((name, number, fault)) if fault else lost.append(f"line {number} of {name}")
        lost += [f"line {number} of {name}" for number in range(len(found) + 1, len(expected) + 1)]
        for number in range(len(expected) + 1, len(found) + 1):
            added.append((name, number, "duplicate key" if found[number - 1] in found[: number - 1] else "unknown"))
    return altered, added, lost


def fault_of(published: bytes, is_there: bytes) -> str | None:
    """What was done to a line; None when it is another line altogether."""
    before, after = published.split(b","), is_there.split(b",")
    if len(after) < len(before):
        return "truncated record" if published.startswith(is_there) else None
    if len(after) > len(before):
        return "wrong column count" if is_there.startswith(published) else None
    changed = [at for at in range(len(before)) if before[at] != after[at]]
    if len(changed) != 1:
        return None
    value = after[changed[0]]
    if changed[0] == flights_csv.columns().index("origin"):
        return "unknown origin" if value not in flights_csv.ORIGINS else None
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return "bad UTF-8"
    return "text in a number" if before[changed[0]].isdigit() and not value.isdigit() else None


def _spoken(fault: Fault) -> str:
    return f"{fault[2]} at record {fault[1]} of {fault[0]}"
