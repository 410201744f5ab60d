#!/usr/bin/env python3
"""Compares the tables that the reader finds in PDFs with those of PyMuPDF's `find_tables`.

    eval/tables.py INSPECT [--list] PDF…

INSPECT is the example `inspect` of the crate `reader`. Tables of a page are paired by the texts of their cells: the
pairs with the highest F1 of distinct cell texts first, white space aside, down to 0.5. Columns:

- theirs, ours: tables found, counted page by page;
- pairs: tables that both found;
- rows, columns: pairs with the same number of them, rows and columns without text aside;
- cells: mean F1 of cell texts over the pairs;
- s: seconds of the whole process for the file, ours.

Neither side is the truth. `--list` prints each table that only one side found, so that a person can look at it.
Needs PyMuPDF.
"""
import json
import pathlib
import subprocess
import sys
import time

import pymupdf

PAIR = 0.5


def squeeze(text: str | None) -> str:
    return "".join((text or "").split()).replace("|", "¦")


def compact(rows: list[list[str]]) -> list[list[str]]:
    """Leaves out rows and columns without text."""
    rows = [row for row in rows if any(row)]
    width = max(map(len, rows), default=0)
    kept = [c for c in range(width) if any(c < len(row) and row[c] for row in rows)]
    return [[row[c] for c in kept if c < len(row)] for row in rows]


def shape(rows: list[list[str]]) -> tuple[int, int]:
    return len(rows), max(map(len, rows), default=0)


def f1(one: list[list[str]], two: list[list[str]]) -> float:
    ours, theirs = ({cell for row in rows for cell in row if cell} for rows in (one, two))
    return 2 * len(ours & theirs) / max(len(ours) + len(theirs), 1)


def read_ours(program: str, file: str) -> tuple[dict[int, list], float]:
    began = time.monotonic()
    run = subprocess.run([program, "--tables", file], capture_output=True, check=True)
    seconds, pages = time.monotonic() - began, {}
    for line in run.stdout.decode().splitlines():
        by_page: dict[int, list] = {}
        for page, row in json.loads(line)["rows"]:
            cells = [squeeze(cell) for cell in row[1:-1].split("|")]
            by_page.setdefault(page, []).append(cells)
        for page, rows in by_page.items():
            pages.setdefault(page, []).append(compact(rows))
    return pages, seconds


def read_theirs(file: str) -> dict[int, list]:
    pages = {}
    for page in pymupdf.open(file):
        tables = [compact([[squeeze(cell) for cell in row] for row in table.extract()]) for table in page.find_tables()]
        # One cell, one row or one column is a box around something, which the reader never calls a table.
        pages[page.number + 1] = [table for table in tables if min(shape(table)) > 1]
    return pages


def pairs(ours: list, theirs: list) -> list[tuple[float, int, int]]:
    scored = sorted(((f1(a, b), i, j) for i, a in enumerate(ours) for j, b in enumerate(theirs)), reverse=True)
    found, left, right = [], set(), set()
    for score, i, j in scored:
        if score >= PAIR and i not in left and j not in right:
            found.append((score, i, j))
            left.add(i)
            right.add(j)
    return found


def main(program: str, arguments: list[str]) -> None:
    listing, files = "--list" in arguments, [file for file in arguments if file != "--list"]
    print("| file | theirs | ours | pairs | rows | columns | cells | s |\n|---|---|---|---|---|---|---|---|")
    total = [0] * 5 + [0.0, 0.0]
    for file in files:
        ours, seconds = read_ours(program, file)
        theirs = read_theirs(file)
        row, singles = [0] * 5 + [0.0, seconds], []
        for page in sorted(ours.keys() | theirs.keys()):
            a, b = ours.get(page, []), theirs.get(page, [])
            found = pairs(a, b)
            row[0] += len(b)
            row[1] += len(a)
            row[2] += len(found)
            row[3] += sum(len(a[i]) == len(b[j]) for _, i, j in found)
            row[4] += sum(shape(a[i])[1] == shape(b[j])[1] for _, i, j in found)
            row[5] += sum(score for score, _, _ in found)
            singles += [(page, "ours", a[i]) for i in range(len(a)) if i not in {i for _, i, _ in found}]
            singles += [(page, "theirs", b[j]) for j in range(len(b)) if j not in {j for _, _, j in found}]
        show(pathlib.Path(file).stem, row)
        total = [x + y for x, y in zip(total, row)]
        for page, side, table in singles if listing else []:
            print(f"    page {page}, only {side}, {shape(table)}: {' / '.join(table[0])[:100]}")
    show(f"**{len(files)} files**", total)


def show(head: str, row: list) -> None:
    mean = f"{row[5] / row[2]:.3f}" if row[2] else "–"
    print(f"| {head} | {row[0]} | {row[1]} | {row[2]} | {row[3]} | {row[4]} | {mean} | {row[6]:.1f} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
