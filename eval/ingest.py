#!/usr/bin/env python3
"""Measures how documents come in: how soon one is found and ready, and what questions feel while many come in.

    eval/ingest.py DOCENT FOLDER [--known FILE …] [--questions FILE] [--alone FILE …] [--pause SECONDS] [--quiet N]
                   [--minutes M]

DOCENT is the program; it is started with data of its own below a temporary folder and stopped at the end. Three things
are measured, one after another:

- alone: each of these files, sent to an idle service: seconds until a search finds it by its words, until it is ready,
  and each stage's part; the most memory of the service and the children that read.
- quiet: the questions over the known files, one after another, while nothing else happens.
- bulk: FOLDER by `docent ingest`, and meanwhile the same questions over and over, a pause after each; then seconds until
  all are found by words, until all are ready (or what is after so many minutes), errors of either side, median and 95th
  percentile of the questions.

A line of QUESTIONS is a question. Only the standard library is needed.
"""
import argparse
import collections
import json
import os
import pathlib
import re
import secrets
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

STAGES = ("read", "chunk", "embed", "index")
QUESTIONS = [
    "Which law governs this agreement?",
    "How can this agreement be terminated?",
    "What is the term of this agreement?",
    "May a party assign this agreement?",
    "合同解除需要提前多少天通知？",
]


class Service:
    """A running `docent serve` and its API."""

    def __init__(self, docent: str, folder: pathlib.Path):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.docent, self.url, self.key = docent, f"http://127.0.0.1:{port}", "dk_" + secrets.token_hex(20)
        self.environment = {
            **os.environ,
            "DOCENT__HTTP__LISTEN": f"127.0.0.1:{port}",
            "DOCENT__DATA__DIR": str(folder / "data"),
            "DOCENT_BOOTSTRAP_KEY": self.key,
            "DOCENT__LOG__FORMAT": "json",
        }
        self.log = folder / "log"
        self.process = subprocess.Popen(
            [docent, "serve"], env=self.environment, stdout=self.log.open("wb"), stderr=subprocess.STDOUT, cwd=folder
        )
        self.peak = {"service": 0, "reader": 0}
        threading.Thread(target=self.watch_memory, daemon=True).start()
        began = time.monotonic()
        while not self.is_ready():
            if self.process.poll() is not None or time.monotonic() - began > 300:
                sys.exit(f"the service did not start:\n{self.log.read_text(errors='replace')[-3000:]}")
            time.sleep(0.1)

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(self.url + "/readyz", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def watch_memory(self) -> None:
        """The most resident memory of the service, and of the largest child that reads, in MB."""
        while self.process.poll() is None:
            for status in pathlib.Path("/proc").glob("[0-9]*/status"):
                try:
                    text = status.read_text()
                    pid, parent = (int(re.search(rf"^{key}:\s+(\d+)", text, re.M)[1]) for key in ("Pid", "PPid"))
                    resident = int(re.search(r"^VmHWM:\s+(\d+)", text, re.M)[1]) // 1024
                    if pid == self.process.pid:
                        self.peak["service"] = max(self.peak["service"], resident)
                    elif parent == self.process.pid and b"\0read\0" in (status.parent / "cmdline").read_bytes():
                        self.peak["reader"] = max(self.peak["reader"], resident)
                except (OSError, TypeError):
                    continue
            time.sleep(0.05)

    def call(self, method: str, path: str, body=None, kind="application/json", timeout=600):
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": kind}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        for _ in range(60):
            try:
                with urllib.request.urlopen(request, timeout=timeout) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                if error.code not in (429, 503):
                    raise
                time.sleep(float(error.headers.get("Retry-After", 1)))
        raise TimeoutError(path)

    def collection(self, name: str) -> str:
        return self.call("POST", "/api/v1/collections", {"name": name})["id"]

    def upload(self, collection: str, file: pathlib.Path) -> dict:
        boundary = secrets.token_hex(16)
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{file.name}"\r\n\r\n'
        body = head.encode() + file.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
        path = f"/api/v1/collections/{collection}/documents"
        return self.call("POST", path, body, f"multipart/form-data; boundary={boundary}")["data"][0]

    def document(self, document: str) -> dict:
        return self.call("GET", f"/api/v1/documents/{document}")

    def is_found(self, document: str) -> bool:
        query = {"query": "agreement manual section 合同 安装", "document_ids": [document], "limit": 1}
        return bool(self.call("POST", "/api/v1/search", query)["data"])

    def stages(self, document: str) -> str:
        """What the log says of each stage of a document, in all its turns."""
        took = dict.fromkeys(STAGES, 0)
        for line in self.log.read_text(errors="replace").splitlines():
            if document in line and line.startswith("{"):
                said = json.loads(line)
                for stage in STAGES:
                    took[stage] += said.get("fields", said).get(f"{stage}_ms") or 0
        return " / ".join(f"{took[stage]} ms" for stage in STAGES)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.wait(30)


def settled(service: Service, document: str) -> dict:
    while True:
        seen = service.document(document)
        if seen["status"] in ("ready", "ready_with_warnings", "failed"):
            return seen
        time.sleep(0.1)


def alone(service: Service, files: list[str]) -> None:
    collection = service.collection("alone")
    print("\n| file | pages | passages | found by words | ready | read / chunk / embed / index | service | reader |")
    print("|---|---|---|---|---|---|---|---|")
    for file in map(pathlib.Path, files):
        service.peak["reader"] = 0
        began = time.monotonic()
        taken = service.upload(collection, file)
        found = None
        while found is None and service.document(taken["document_id"])["status"] != "failed":
            if service.is_found(taken["document_id"]):
                found = time.monotonic() - began
            time.sleep(0.05)
        seen = settled(service, taken["document_id"])
        ready = time.monotonic() - began
        stages = service.stages(taken["document_id"])
        print(
            f"| {file.name} ({file.stat().st_size // 1024} KB, {seen['status']}) | {seen['pages']} | {seen['chunks']} |"
            f" {found or float('nan'):.1f} s | {ready:.1f} s | {stages} | {service.peak['service']} MB | {service.peak['reader']} MB |",
            flush=True,
        )


class Asking:
    """Questions one after another; how long each took, and which went wrong."""

    def __init__(self, service: Service, collection: str, questions: list[str], pause: float):
        self.service, self.collection, self.questions, self.pause = service, collection, questions, pause
        self.answers, self.searches, self.errors, self.outcomes = [], [], [], {}

    def ask(self, question: str) -> None:
        scope = {"collection_ids": [self.collection]}
        try:
            began = time.monotonic()
            self.service.call("POST", "/api/v1/search", {"query": question, "limit": 5, **scope})
            self.searches.append(time.monotonic() - began)
            began = time.monotonic()
            answer = self.service.call("POST", "/api/v1/answers", {"question": question, "stream": False, **scope})
            self.answers.append(time.monotonic() - began)
            self.outcomes[answer["outcome"]] = self.outcomes.get(answer["outcome"], 0) + 1
        except Exception as error:  # noqa: BLE001 - whatever it is, it is counted
            self.errors.append(f"{question}: {error}")

    def until(self, over: threading.Event) -> None:
        number = 0
        while not over.is_set():
            self.ask(self.questions[number % len(self.questions)])
            number += 1
            over.wait(self.pause)

    def say(self, when: str) -> None:
        def seconds(values):
            if not values:
                return "–"
            ordered = sorted(values)
            worst = ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]
            return f"{statistics.median(ordered):.2f} / {worst:.2f} / {ordered[-1]:.2f} s"

        outcomes = ", ".join(f"{count} {outcome}" for outcome, count in sorted(self.outcomes.items()))
        print(f"| {when} | {len(self.answers)} ({outcomes}) | {seconds(self.answers)} | {seconds(self.searches)} | {len(self.errors)} |")
        for error in self.errors[:5]:
            print(f"error: {error}", file=sys.stderr)


def bulk(service: Service, folder: str, asking: Asking, minutes: float) -> None:
    collection = service.collection("bulk")
    over, began = threading.Event(), time.monotonic()
    asker = threading.Thread(target=asking.until, args=(over,))
    asker.start()
    log = tempfile.TemporaryFile()
    command = [service.docent, "ingest", folder, "--collection", "bulk", "--url", service.url]
    sender = subprocess.Popen(command, env={**os.environ, "DOCENT_KEY": service.key}, stdout=log, stderr=subprocess.STDOUT)
    found = None
    while sender.poll() is None and time.monotonic() - began < minutes * 60:
        if found is None and all_found(service, collection, folder):
            found = time.monotonic() - began
        time.sleep(2)
    took = time.monotonic() - began
    over.set()
    asker.join()
    if sender.poll() is None:
        sender.terminate()
        sender.wait()
        ended = f"was left after {took:.0f} s"
    else:
        ended = f"ended with {sender.returncode} after {took:.0f} s"
    log.seek(0)
    states = collections.Counter(one["status"] for one in documents(service, collection))
    told = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    print(f"\n`docent ingest` {ended}: {told}; all found by words after {f'{found:.0f} s' if found else 'longer'}")
    print(log.read().decode(errors="replace")[-800:], file=sys.stderr)


def all_found(service: Service, collection: str, folder: str) -> bool:
    """Whether every file is there and has a visible version."""
    wanted = sum(1 for path in pathlib.Path(folder).rglob("*") if path.is_file())
    there = list(documents(service, collection))
    return len(there) >= wanted and all(one["searchable"] != "no" or one["status"] == "failed" for one in there)


def documents(service: Service, collection: str):
    cursor = ""
    while True:
        page = service.call("GET", f"/api/v1/collections/{collection}/documents?limit=200{cursor}")
        yield from page["data"]
        if not page["next_cursor"]:
            return
        cursor = f"&cursor={page['next_cursor']}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("docent")
    parser.add_argument("folder")
    parser.add_argument("--known", nargs="*", default=[])
    parser.add_argument("--alone", nargs="*", default=[])
    parser.add_argument("--questions")
    parser.add_argument("--pause", type=float, default=10.0)
    parser.add_argument("--quiet", type=int, default=10)
    parser.add_argument("--minutes", type=float, default=600.0)
    arguments = parser.parse_args()
    questions = QUESTIONS
    if arguments.questions:
        questions = pathlib.Path(arguments.questions).read_text(encoding="utf-8").split("\n")
    questions = [question.strip() for question in questions if question.strip()]
    folder = pathlib.Path(tempfile.mkdtemp(prefix="docent-eval-"))
    folder.chmod(0o755)
    service = Service(shutil.which(arguments.docent) or os.path.abspath(arguments.docent), folder)
    try:
        alone(service, arguments.alone)
        known = service.collection("known")
        for file in arguments.known:
            settled(service, service.upload(known, pathlib.Path(file))["document_id"])
        quiet, busy = (Asking(service, known, questions, arguments.pause) for _ in range(2))
        for number in range(arguments.quiet):
            quiet.ask(questions[number % len(questions)])
        bulk(service, arguments.folder, busy, arguments.minutes)
        print("\n| when | answers | median / p95 / longest | searches, the same | errors |\n|---|---|---|---|---|")
        quiet.say("quiet")
        busy.say("while documents come in")
        print(f"\nmost memory: service {service.peak['service']} MB, a child that reads {service.peak['reader']} MB")
    finally:
        service.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
