#!/usr/bin/env python3
"""Compares the decoder with llama.cpp on real weights: the same tokens, how fast, in how much memory.

    eval/decoder.py GREEDY MODEL.gguf TOKENIZER.json NODE_MODULES [--tokens 64] [--rounds 3] [--threads 2] [--prompts 10]

GREEDY is the example `greedy` of the crate `engine`, built with --release; MODEL and TOKENIZER are files as `docent models
pull` leaves them. llama.cpp is the prebuilt one of node-llama-cpp; in an empty folder

    npm install --ignore-scripts --omit=optional node-llama-cpp@3.22.1 @node-llama-cpp/linux-x64@3.22.1

makes the NODE_MODULES (without its builds for GPUs). Nothing is downloaded here. Needs the Python package tokenizers.

Both get the same token ids of ten prompts, Chinese and English, and choose the likeliest token each time. Both processes
stay loaded; after a run of each that is not counted they take turns, the first one changing with every prompt and round.

Tokens are the same or they are not at `equal` of so many. There the two candidates' logits are asked of both programs: a
gap is the logit of a program's own choice less that of the other's. Both round activations to 8 bits, in other orders,
and llama.cpp keeps keys and values in f16: a gap of a few hundredths is a near tie, which says nothing. A gap in one
program above --near is a difference to explain, and the exit status is 1.

Columns: tokens a second of the clock over all prompts, the median round with the slowest and the fastest; tokens a second of
processor time, which other work on the machine changes least, over both phases; the most memory of the process, and how
much of it was resident of files at the end, which for llama.cpp are the mapped weights.
"""
import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys

TICKS = os.sysconf("SC_CLK_TCK")

ENGLISH = """The Supplier shall deliver the goods to the address in Annex 1 within thirty days of the order. Delivery is complete when the Buyer has signed the delivery note.
Invoices are due forty-five days after receipt. If the Buyer disputes an invoice in good faith, only the undisputed part is due, and the parties shall settle the rest within ten business days.
Either party may end this agreement with ninety days' written notice. A party may end it at once where the other is insolvent or has broken a material term and has not mended that within thirty days.
The Supplier's liability for all claims in a calendar year is limited to the fees paid in that year. This limit does not apply to intent, gross negligence, death or personal injury.
Backups of production databases are made every night at two o'clock and kept for ninety days. Restoring is rehearsed each quarter, and the results are sent to the information security officer.
Personal data is processed in the European Union only. The Supplier tells the Buyer of any breach within twenty-four hours and keeps a record of all processing under Article 30 of Regulation (EU) 2016/679.""".split("\n")
CHINESE = """差旅报销：员工应当在行程结束后三十日内通过财务系统提交报销单，逾期不予受理。住宿费一线城市每晚不超过六百元，其他城市不超过四百元。
生产数据库每天凌晨两点进行全量备份，备份文件保留九十天。每季度进行一次恢复演练，演练结果报信息安全负责人。
甲方应当在收到发票之日起四十五日内付款。甲方对发票有异议的，应当先行支付无异议部分，其余部分由双方在十个工作日内协商解决。
任何一方可以提前九十日书面通知对方解除本合同。一方严重违约，且在收到通知后三十日内未予纠正的，另一方有权立即解除合同。
乙方在一个自然年度内承担的赔偿责任总额，以该年度甲方已经支付的服务费为限；但故意、重大过失或者造成人身伤害的除外。
员工请年假应当至少提前五个工作日提出申请，由直接主管批准。当年未休完的年假可以顺延至次年三月三十一日，逾期作废。""".split("\n")
QUESTIONS = [
    (ENGLISH[4:5], "Answer with the numbers of the sources.", "How long are backups kept?"),
    (CHINESE[:1], "只根据资料回答，并注明资料编号。", "差旅报销需要在多久内提交？"),
    (ENGLISH[:2], "Answer from the sources only and cite them like [1].", "When is an invoice due, and what if part of it is disputed?"),
    (CHINESE[1:3], "只根据资料回答，并注明资料编号。", "备份保留多长时间？由谁负责？"),
    (ENGLISH[:4], "Answer from the sources only and cite them like [1].", "How can the agreement be ended?"),
    (CHINESE[:4], "只根据资料回答，并注明资料编号。", "在什么情况下可以立即解除合同？"),
    (ENGLISH, "Answer from the sources only and cite them like [1].", "List all periods of time that the sources name."),
    (CHINESE, "只根据资料回答，并注明资料编号。", "请逐条总结以上资料。"),
    (ENGLISH[2:] + CHINESE[3:], "Answer in English, from the sources only.", "Compare how the English and the Chinese contract limit liability."),
    (CHINESE[2:] + ENGLISH[4:], "用中文回答，只根据资料。", "把关于个人数据的条款翻译成中文，并写一个 Python 函数计算付款期限。"),
]


def prompts(tokenizer: str, count: int) -> tuple:
    """Chats of one turn in the format of the Qwen family, as token ids, and the tokenizer."""
    from tokenizers import Tokenizer

    loaded = Tokenizer.from_file(tokenizer)
    texts = []
    for sources, system, question in QUESTIONS[:count]:
        numbered = "\n".join(f"[{index}] {source}" for index, source in enumerate(sources, 1))
        texts.append(f"<|im_start|>system\n{system}<|im_end|>\n<|im_start|>user\n{numbered}\n\n{question}<|im_end|>\n<|im_start|>assistant\n")
    return [loaded.encode(text, add_special_tokens=False).ids for text in texts], loaded


class Program:
    """One of the two, as a process that answers lines of JSON."""

    def __init__(self, command: list, threads: int):
        environment = os.environ | {name: str(threads) for name in ["CANDLE_NUM_THREADS", "RAYON_NUM_THREADS", "OMP_NUM_THREADS"]}
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)

    def ask(self, **question) -> dict:
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"`{self.process.args[0]}` ended with {self.process.wait()}")
        return json.loads(line)

    def run(self, prompt: list, tokens: int) -> dict:
        before = self.processor_seconds()
        answer = self.ask(prompt=prompt, max_tokens=tokens)
        # the first token needs no step after the prompt's, an end token one more
        steps = len(answer["tokens"]) - 1 + answer["ended"]
        return answer | {"prompt_tokens": len(prompt), "steps": steps, "processor_seconds": self.processor_seconds() - before}

    def gap(self, prompt: list, own: int, other: int) -> float:
        of_own, of_other = self.ask(prompt=prompt, candidates=[own, other])["scores"]
        return of_own - of_other

    def processor_seconds(self) -> float:
        """Of all threads so far, from the kernel."""
        stat = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(stat[11]) + int(stat[12])) / TICKS

    def memory(self) -> dict:
        """MB, the most of the process and what of files is resident now, from the kernel."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return {name: int(re.search(rf"{name}:\s+(\d+)", status)[1]) / 1000 for name in ["VmHWM", "RssFile"]}

    def stop(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def compare(ours: dict, theirs: dict, end: int) -> int:
    """How many tokens are the same, or -1 if all are; an end counts as a token."""
    tokens = [of_run["tokens"] + [end] * of_run["ended"] for of_run in (ours, theirs)]
    different = [index for index, (a, b) in enumerate(zip(*tokens)) if a != b]
    return different[0] if different else -1


def report_tokens(programs: dict, of_prompts: list, runs: dict, tokenizer, near: float) -> bool:
    """A row a prompt; whether each difference is a near tie."""
    end = tokenizer.token_to_id("<|im_end|>")
    print("| prompt | tokens | equal | Docent's choice, gap | llama.cpp's choice, gap |\n|---|---|---|---|---|")
    explained = True
    for index, prompt in enumerate(of_prompts):
        ours, theirs = (runs[name][0][index] for name in programs)
        length, equal = len(theirs["tokens"]) + theirs["ended"], compare(ours, theirs, end)
        if equal < 0:
            print(f"| {index + 1} | {len(prompt)} | {length} of {length} | | |")
            continue
        before = prompt + ours["tokens"][:equal]
        choices = [(of_run["tokens"] + [end])[equal] for of_run in (ours, theirs)]
        gaps = [programs[name].gap(before, own, other) for name, own, other in zip(programs, choices, reversed(choices))]
        explained &= max(gaps) <= near
        texts = [json.dumps(tokenizer.decode([choice], skip_special_tokens=False), ensure_ascii=False) for choice in choices]
        cells = [f"{choice} {text}, {gap:.3f}" for choice, text, gap in zip(choices, texts, gaps)]
        print(f"| {index + 1} | {len(prompt)} | {equal} of {length} | {cells[0]} | {cells[1]} |")
    return explained


def report_speed(programs: dict, runs: dict, threads: int) -> None:
    print(f"\n{threads} threads, load {os.getloadavg()[0]:.1f}")
    print("| program | prompt tokens/s | answer tokens/s | tokens a CPU second | peak memory, MB | of files, MB |\n|---|---|---|---|---|---|")
    for name, program in programs.items():
        rates = {}
        for phase, counted in [("prefill", "prompt_tokens"), ("decode", "steps")]:
            rounds = [sum(run[counted] for run in of_round) / max(sum(run[f"{phase}_seconds"] for run in of_round), 1e-9) for of_round in runs[name]]
            rates[phase] = f"{statistics.median(rounds):.1f} ({min(rounds):.1f}–{max(rounds):.1f})"
        processor = [sum(run["prompt_tokens"] + run["steps"] for run in of_round) / max(sum(run["processor_seconds"] for run in of_round), 1e-9)
                     for of_round in runs[name]]
        memory = program.memory()
        print(f"| {name} | {rates['prefill']} | {rates['decode']} | {statistics.median(processor):.1f} | {memory['VmHWM']:.0f} | {memory['RssFile']:.0f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ["greedy", "model", "tokenizer", "node_modules"]:
        parser.add_argument(name)
    for name, default in [("--tokens", 64), ("--rounds", 3), ("--threads", 2), ("--prompts", len(QUESTIONS))]:
        parser.add_argument(name, type=int, default=default)
    parser.add_argument("--near", type=float, default=0.3)
    options = parser.parse_args()
    of_prompts, tokenizer = prompts(options.tokenizer, options.prompts)
    context = str(max(map(len, of_prompts)) + options.tokens + 8)
    runner = str(pathlib.Path(__file__).with_name("decoder_llama.mjs"))
    programs = {
        "Docent": Program([options.greedy, options.model, options.tokenizer, context], options.threads),
        "llama.cpp": Program(["node", runner, options.node_modules, options.model, context, str(options.threads)], options.threads),
    }
    for program in programs.values():
        program.run(of_prompts[0], 2)
    runs = {name: [] for name in programs}
    for of_round in range(options.rounds):
        for name in programs:
            runs[name].append([])
        for index, prompt in enumerate(of_prompts):
            order = list(programs) if (index + of_round) % 2 == 0 else list(reversed(programs))
            for name in order:
                runs[name][-1].append(programs[name].run(prompt, options.tokens))
    explained = report_tokens(programs, of_prompts, runs, tokenizer, options.near)
    report_speed(programs, runs, options.threads)
    for program in programs.values():
        program.stop()
    sys.exit(0 if explained else 1)


if __name__ == "__main__":
    main()
