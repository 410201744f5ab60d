#!/usr/bin/env python3
"""Measures recognition on pages whose text is known: they are painted, made to look like scans, and read.

    eval/ocr.py RECOGNISE MODELS PDF:PAGE,PAGE… …

RECOGNISE is the example `recognise` of the crate `reader`, MODELS the folder with the models. Each page is measured in
each variant: the picture's resolution, turned by quarters, leaning, with noise and JPEG's traces. Columns:

- CER: edits to turn the recognised text into the page's, white space, compatibility forms and the shape of
  quotation marks aside, for each character
  of the page's; the order of lines counts.
- bag: F1 of the characters without their order, which a table read row by row does not change.
- boxes: characters of words that their box on the page holds too, after the page's own character boxes.
- CPU: seconds of the whole process for the page; RSS: the most memory it took, in MB.

Needs PyMuPDF, numpy and RapidFuzz.
"""
import collections
import os
import pathlib
import subprocess
import sys
import tempfile
import unicodedata

import numpy
import pymupdf
from rapidfuzz.distance import Levenshtein

# name, dots an inch, degrees, noise
VARIANTS = [
    ("150 dpi", 150, 0, False),
    ("200 dpi", 200, 0, False),
    ("turned 90", 200, 90, False),
    ("turned 180", 200, 180, False),
    ("turned 270", 200, 270, False),
    ("leaning 2", 200, 2, False),
    ("leaning -5", 200, -5, False),
    ("noise", 200, 0, True),
]


# Marks that look alike in most fonts and mean the same to who searches.
ALIKE = str.maketrans("“”„‘’‚´`", "\"\"\"'''''")


def plain(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).translate(ALIKE).split())


def scan(page: pymupdf.Page, dpi: int, degrees: float, noise: bool, path: pathlib.Path) -> list:
    """Writes the page as a picture in a PDF; returns its characters with their middles, in points of that PDF."""
    scale = dpi / 72
    matrix = pymupdf.Matrix(scale, scale) * pymupdf.Matrix(degrees)
    picture = page.get_pixmap(matrix=matrix, alpha=False)
    origin = pymupdf.Point(picture.x, picture.y)
    if noise:
        pixels = numpy.frombuffer(picture.samples, dtype=numpy.uint8).astype(numpy.float32)
        grain = numpy.random.default_rng(1).normal(0, 16, pixels.shape).astype(numpy.float32)
        pixels = numpy.clip(pixels * 0.85 + 20 + grain, 0, 255).astype(numpy.uint8)
        picture = pymupdf.Pixmap(pymupdf.csRGB, picture.width, picture.height, pixels.tobytes(), False)
    # Pixels that the page does not cover are white: the glass lid.
    document = pymupdf.open()
    sheet = document.new_page(width=picture.width / scale, height=picture.height / scale)
    kind = picture.tobytes("jpeg", jpg_quality=60) if noise else picture.tobytes("png")
    sheet.insert_image(sheet.rect, stream=kind)
    document.save(path)
    characters = []
    for block in page.get_text("rawdict")["blocks"]:
        for line in block.get("lines", []):
            for char in (char for span in line["spans"] for char in span["chars"]):
                box = pymupdf.Rect(char["bbox"])
                middle = pymupdf.Point((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2) * matrix - origin
                characters.append((middle.x / scale, middle.y / scale, char["c"]))
    return characters


def recognise(program: str, models: str, path: pathlib.Path, *flags: str) -> tuple[str, float, float]:
    """Returns what the program prints, its CPU seconds and its peak memory in MB."""
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [program, *flags, "--models", models, str(path)], stdout=output, stderr=subprocess.DEVNULL
        )
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            sys.exit(f"{program} failed on {path}")
        output.seek(0)
        return output.read().decode(), usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def boxed(words: list, characters: list) -> tuple[int, int]:
    """Of the characters of words, how many their box holds, and how many there are."""
    held = total = 0
    for x0, y0, x1, y1, text in words:
        inside = collections.Counter(plain("".join(c for x, y, c in characters if x0 <= x <= x1 and y0 <= y <= y1)))
        word = collections.Counter(plain(text))
        held += (word & inside).total()
        total += word.total()
    return held, total


def main(program: str, models: str, documents: list[str]) -> None:
    print("| page | variant | characters | CER | bag | boxes | CPU s | RSS MB |\n|---|---|---|---|---|---|---|---|")
    sums: dict = collections.defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "scan.pdf"
        for document in documents:
            file, _, pages = document.rpartition(":")
            for number in map(int, pages.split(",")):
                page = pymupdf.open(file)[number - 1]
                truth = plain(page.get_text(sort=False))
                for variant, dpi, degrees, noise in VARIANTS:
                    characters = scan(page, dpi, degrees, noise, path)
                    lines, seconds, memory = recognise(program, models, path, "--words")
                    text, _, rest = lines.partition("\f")
                    found = plain(text)
                    words = [line.split("\t", 5)[1:] for line in rest.splitlines() if line.count("\t") >= 5]
                    words = [(*map(float, word[:4]), word[4]) for word in words]
                    errors = Levenshtein.distance(truth, found) / len(truth)
                    common = (collections.Counter(truth) & collections.Counter(found)).total()
                    bag = 2 * common / (len(truth) + len(found))
                    held, total = boxed(words, characters)
                    row = (errors, bag, held / max(total, 1), seconds, memory)
                    sums[variant].append(row)
                    show(f"{pathlib.Path(file).stem} p{number} | {variant} | {len(truth)}", row)
    for variant, rows in sums.items():
        show(f"**all** | {variant} | {len(rows)} pages", tuple(numpy.mean(rows, axis=0)))


def show(head: str, row: tuple) -> None:
    errors, bag, held, seconds, memory = row
    print(f"| {head} | {errors:.2%} | {bag:.4f} | {held:.1%} | {seconds:.1f} | {memory:.0f} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
