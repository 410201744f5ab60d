#!/usr/bin/env python3
"""Compares the text of PDFs as Docent, pdfium and PyMuPDF read it: coverage, order, speed, memory.

    eval/pdf.py INSPECT PDF-OR-FOLDER … [--kinds LIST.tsv] [--gold QUESTIONS.jsonl.gz] [--password FILE=PASSWORD …]

INSPECT is the example `inspect` of the crate `reader`. `--kinds` groups the files: a table with the columns `file` and
`kind`. `--gold` gives passages of documents (`doc_id`, `answers`) whose PDF has the document's id for a name: the only truth
here that no engine made.

Every file is read by every engine in a process of its own, which gets 60 seconds and 6 GB. Columns:

- files: read / with an error / killed by time or memory or a signal.
- cover: share of pages with at least half of the characters that the richest of the other two engines has there.
- order: mean similarity (Indel) of a page's characters, in order, with those of the nearer of the other two.
- boxes: share of PyMuPDF's words of letters and digits that Docent has with a box of its own that overlaps theirs by more than
  half (intersection over union).
- gold: share of the gold passages whose letters and digits stand in the text one after another.
- pages/s: pages a second of CPU time, files that all engines read; RSS: the most memory over what the engine takes before it
  opens a file.

White space, compatibility forms, soft hyphens and the bars between cells aside. Running heads and feet, which Docent lists apart from the text,
count as found, and are taken out of the pages of all before their order is compared.

Needs pypdfium2, PyMuPDF and RapidFuzz.
"""
import argparse
import collections
import csv
import gzip
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import unicodedata

ENGINES = ["docent", "pdfium", "pymupdf"]
SECONDS = 60
BYTES = 6 << 30
# Pages with fewer characters say nothing about order.
MIN_CHARACTERS = 20
# Longer pages are compared as far as this.
MAX_CHARACTERS = 20_000


def plain(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).replace("\u00ad", "").replace("|", "").split())


def rss_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def read_pdfium(file: str, password: str | None) -> list:
    import pypdfium2

    document = pypdfium2.PdfDocument(file, password=password)
    return [{"text": page.get_textpage().get_text_bounded(), "running": []} for page in document]


def read_pymupdf(file: str, password: str | None) -> list:
    import pymupdf

    document = pymupdf.open(file, filetype="pdf")
    if document.needs_pass and not document.authenticate(password or ""):
        raise ValueError("encrypted")
    words = lambda page: [word[:5] for word in page.get_text("words") if word[4].isalnum() and word[4].isascii()]  # noqa: E731
    return [{"text": page.get_text(), "running": [], "words": words(page)} for page in document]


def child(engine: str, file: str, password: str | None) -> None:
    """Reads one file with a rival; what it takes before that is told apart."""
    if engine == "pdfium":
        import pypdfium2  # noqa: F401
    else:
        import pymupdf

        pymupdf.TOOLS.mupdf_display_errors(False)
    before, began = rss_bytes(), time.process_time()
    pages = {"pdfium": read_pdfium, "pymupdf": read_pymupdf}[engine](file, password)
    cpu = time.process_time() - began
    json.dump({"pages": pages, "cpu": cpu, "rss": rss_bytes() - before}, sys.stdout)


def limited() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))


def run(engine: str, inspect: str, file: pathlib.Path, password: str | None) -> dict:
    """One engine on one file: `state` is read, error or killed."""
    if engine == "docent":
        command = [inspect, "--pages", str(file)] + ([password] if password else [])
    else:
        command = [sys.executable, __file__, "--child", engine, str(file)] + ([password] if password else [])
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL, preexec_fn=limited)
        deadline = time.monotonic() + 2 * SECONDS
        status, usage = 0, None
        while usage is None:
            found, status, used = os.wait4(process.pid, os.WNOHANG)
            if found:
                usage = used
            elif time.monotonic() > deadline:
                process.kill()
                _, status, usage = os.wait4(process.pid, 0)
            else:
                time.sleep(0.005)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        body = out.read()
    if process.returncode != 0:
        return {"state": "killed" if process.returncode < 0 else "error"}
    try:
        result = json.loads(body)
    except ValueError:
        return {"state": "killed"}
    result.setdefault("cpu", usage.ru_utime + usage.ru_stime)
    result.setdefault("rss", usage.ru_maxrss * 1024)
    return {"state": "read", **result}


def without(text: str, running: list[str]) -> str:
    """A page's characters without the lines that stand apart, each once."""
    rest = collections.Counter(plain(line) for line in running)
    kept = []
    for line in text.splitlines():
        if rest[plain(line)] > 0:
            rest[plain(line)] -= 1
        else:
            kept.append(line)
    characters = plain("".join(kept))
    for line, count in rest.items():
        for _ in range(count if line else 0):
            at = characters.find(line)
            characters = characters[:at] + characters[at + len(line):] if at >= 0 else characters
    return characters


def same_boxes(ours: list, theirs: list) -> int:
    """How many of their words are among ours at the same place."""
    of_text = collections.defaultdict(list)
    for *box, text in ours:
        of_text[text].append(box)
    return sum(any(overlap(box, other) > 0.5 for other in of_text[text]) for *box, text in theirs)


def overlap(a: list, b: list) -> float:
    area = lambda box: max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])  # noqa: E731
    both = area([max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])])
    return both / max(area(a) + area(b) - both, 1e-9)


def compare(of_engine: dict, scores: dict) -> None:
    """Adds the pages of a file to the scores."""
    from rapidfuzz.distance import Indel

    count = max(len(result["pages"]) for result in of_engine.values())
    running = {e: result["pages"] for e, result in of_engine.items()}.get("docent", [])
    for number in range(count):
        apart = running[number]["running"] if number < len(running) else []
        whole, bare = {}, {}
        for engine, result in of_engine.items():
            page = result["pages"][number] if number < len(result["pages"]) else {"text": "", "running": []}
            whole[engine] = len(plain(page["text"])) + len(plain("".join(page["running"])))
            bare[engine] = without(page["text"], apart)[:MAX_CHARACTERS]
        if {"docent", "pymupdf"} <= of_engine.keys():
            ours, theirs = ([] if number >= len(of_engine[e]["pages"]) else of_engine[e]["pages"][number]["words"] for e in ("docent", "pymupdf"))
            scores["docent"]["boxes"] += same_boxes(ours, theirs)
            scores["docent"]["words"] += len(theirs)
        for engine in of_engine:
            others = [other for other in of_engine if other != engine]
            richest = max((whole[other] for other in others), default=0)
            if richest < MIN_CHARACTERS:
                continue
            score = scores[engine]
            score["pages"] += 1
            score["covered"] += 2 * whole[engine] >= richest
            score["order"] += max(Indel.normalized_similarity(bare[engine], bare[other]) for other in others)


def gold_of(path: str | None) -> dict[str, list[str]]:
    passages = collections.defaultdict(set)
    if path:
        for line in gzip.open(path, "rt", encoding="utf-8"):
            question = json.loads(line)
            passages[question["doc_id"]].update(question["answers"])
    return {document: sorted(found) for document, found in passages.items()}


def found_gold(result: dict, spans: list[str]) -> int:
    """Passages whose letters and digits stand in the text one after another."""
    letters = lambda text: "".join(filter(str.isalnum, plain(text)))  # noqa: E731
    text = letters("".join(page["text"] for page in result["pages"]))
    return sum(letters(span) in text for span in spans)


def files_below(paths: list[str]) -> list[pathlib.Path]:
    below = [sorted(pathlib.Path(path).rglob("*.pdf")) if os.path.isdir(path) else [pathlib.Path(path)] for path in paths]
    return [file for files in below for file in files]


def main() -> None:
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], sys.argv[3], sys.argv[4] if len(sys.argv) > 4 else None)
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("inspect")
    parser.add_argument("paths", nargs="+")
    parser.add_argument("--kinds")
    parser.add_argument("--gold")
    parser.add_argument("--password", nargs="*", default=[])
    parser.add_argument("--worst", type=int, default=0, help="name so many files whose order is least like the others'")
    arguments = parser.parse_args()
    kinds = {}
    if arguments.kinds:
        with open(arguments.kinds, encoding="utf-8") as table:
            kinds = {row["file"]: row["kind"] for row in csv.DictReader(table, delimiter="\t")}
    passwords = dict(pair.split("=", 1) for pair in arguments.password)
    gold = gold_of(arguments.gold)

    states = collections.defaultdict(lambda: collections.defaultdict(collections.Counter))
    scores = collections.defaultdict(lambda: collections.defaultdict(collections.Counter))
    totals = {engine: collections.Counter() for engine in ENGINES}
    peaks = {engine: [] for engine in ENGINES}
    files, worst = files_below(arguments.paths), []
    for index, file in enumerate(files):
        kind = kinds.get(file.name, file.parent.name)
        password = passwords.get(file.name)
        results = {engine: run(engine, arguments.inspect, file, password) for engine in ENGINES}
        for engine, result in results.items():
            states[kind][engine][result["state"]] += 1
        of_engine = {engine: result for engine, result in results.items() if result["state"] == "read"}
        spans = gold.get(file.stem, [])
        for engine, result in of_engine.items():
            totals[engine]["gold"] += found_gold(result, spans)
        for engine in ENGINES:
            totals[engine]["spans"] += len(spans)
        before = {engine: scores[kind][engine].copy() for engine in ENGINES}
        if len(of_engine) > 1:
            compare(of_engine, scores[kind])
        pages, order = (scores[kind]["docent"][key] - before["docent"][key] for key in ("pages", "order"))
        if pages:
            worst.append((order / pages, file.name))
        if len(of_engine) == len(ENGINES):
            for engine, result in of_engine.items():
                totals[engine]["pages"] += len(result["pages"])
                totals[engine]["cpu"] += result["cpu"]
                peaks[engine].append(result["rss"])
        print(f"\r{index + 1} of {len(files)}", end="", file=sys.stderr)
    print(file=sys.stderr)

    print("| kind | engine | files | pages | cover | order | boxes |\n|---|---|---|---|---|---|---|")
    for kind in sorted(states):
        for engine in ENGINES:
            state, score = states[kind][engine], scores[kind][engine]
            pages = score["pages"]
            numbers = f"{score['covered'] / pages:.4f} | {score['order'] / pages:.4f}" if pages else "– | –"
            boxes = f"{score['boxes'] / score['words']:.4f}" if score["words"] else ""
            print(f"| {kind} | {engine} | {state['read']} / {state['error']} / {state['killed']} | {pages} | {numbers} | {boxes} |")
    print("\n| engine | gold | pages/s | RSS median | RSS most |\n|---|---|---|---|---|")
    for engine in ENGINES:
        total = totals[engine]
        share = f"{total['gold'] / total['spans']:.4f} of {total['spans']}" if total["spans"] else "–"
        speed = f"{total['pages'] / total['cpu']:.0f}" if total["cpu"] else "–"
        peak = [round(bytes / (1 << 20)) for bytes in peaks[engine]] or [0]
        print(f"| {engine} | {share} | {speed} | {statistics.median(peak):.0f} MB | {max(peak)} MB |")
    for order, name in sorted(worst)[: arguments.worst]:
        print(f"{order:.3f} {name}", file=sys.stderr)


if __name__ == "__main__":
    main()
