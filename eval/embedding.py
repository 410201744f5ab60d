#!/usr/bin/env python3
"""Measures how fast texts become vectors, Docent beside others, on the same texts and threads.

    eval/embedding.py EMBED MODEL DOCS.jsonl.gz… [--texts 200] [--rounds 5] [--threads 2]

EMBED is the example `embed` of the crate `engine`, built with --release; MODEL the folder of multilingual-e5-small as
`docent models pull` leaves it. DOCS hold documents with a `text` a line. They are cut at line and sentence ends into
passages of at most 320 tokens, as the pipeline's are; the passages measured are drawn evenly from all of them.

Every program has the model loaded and has run once before it is measured. Then they take turns, one at a time; the table
holds the median of the rounds. The others, all in f32, from the same weights:

- sentence-transformers: PyTorch; sorts by length, batches of 32 (its default).
- ONNX Runtime: the graph exported from PyTorch, all optimisations; texts sorted by length, the best of batches of 1,
  4, 8, 16 and 32 by a trial.
- fastembed: the same graph through fastembed, which keeps the order of the texts; the best batch by the same trial.

Columns: texts and tokens (without padding) a second of the whole way from text to vector, tokens a second of processor
time, which other work on the machine changes least, the most memory of the process, the least cosine of its vectors with
Docent's. Needs torch, transformers, sentence-transformers, onnx, onnxscript,
onnxruntime, fastembed. Nothing is downloaded.
"""
import argparse
import gzip
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

MAX_TOKENS = 320
BATCHES = [1, 4, 8, 16, 32]
RIVALS = ["sentence-transformers", "ONNX Runtime", "fastembed"]


def passages(paths: list, model: pathlib.Path, count: int) -> list:
    """Texts of at most MAX_TOKENS tokens, `count` of them, evenly from all documents."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
    of_files = []
    for path in paths:
        found = []
        for line in gzip.open(path, "rt", encoding="utf-8"):
            pieces = re.findall(r".+?(?:[.;]\s|[。；！？]|\n|$)", json.loads(line)["text"], re.S)
            lengths = [len(encoding.ids) for encoding in tokenizer.encode_batch(pieces, add_special_tokens=False)]
            text, tokens = "", 0
            for piece, length in zip(pieces, lengths):
                if text and tokens + length > MAX_TOKENS:
                    found.append(text.strip())
                    text, tokens = "", 0
                if length <= MAX_TOKENS:
                    text, tokens = text + piece, tokens + length
            if text.strip():
                found.append(text.strip())
        of_files.append([text for text in found if text])
    share = count // len(of_files)
    return [found[index * len(found) // share] for found in of_files for index in range(min(share, len(found)))]


def prepare(model: pathlib.Path, folder: pathlib.Path) -> None:
    """Writes what the others want beside the weights: the tokenizer's settings and the graph."""
    import torch
    import transformers

    for name in ["config.json", "model.safetensors", "tokenizer.json"]:
        shutil.copy(model / name, folder / name)
    special = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "sep_token": "</s>",
               "cls_token": "<s>", "pad_token": "<pad>", "mask_token": "<mask>"}
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 512, "padding_side": "right"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings | special))
    (folder / "special_tokens_map.json").write_text(json.dumps(special))
    network = transformers.AutoModel.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()

    class Graph(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.network = network

        def forward(self, input_ids, attention_mask, token_type_ids):
            return self.network(input_ids, attention_mask, token_type_ids).last_hidden_state

    ids = torch.ones(2, 7, dtype=torch.int64)
    names = ["input_ids", "attention_mask", "token_type_ids"]
    torch.onnx.export(Graph(), (ids, ids, ids * 0), str(folder / "model.onnx"), input_names=names,
                      output_names=["last_hidden_state"], opset_version=17, dynamo=False,
                      dynamic_axes={name: {0: "texts", 1: "tokens"} for name in names + ["last_hidden_state"]})


def sentence_transformers(folder: str, threads: int):
    import torch
    from sentence_transformers import SentenceTransformer, models

    torch.set_num_threads(threads)
    transformer = models.Transformer(folder, max_seq_length=512, model_kwargs={"dtype": torch.float32})
    pooling = models.Pooling(transformer.get_word_embedding_dimension(), pooling_mode="mean")
    model = SentenceTransformer(modules=[transformer, pooling, models.Normalize()], device="cpu")
    return lambda texts: model.encode(texts, show_progress_bar=False)


def onnx_runtime(folder: str, threads: int):
    import numpy
    import onnxruntime
    from tokenizers import Tokenizer

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(folder + "/model.onnx", options, providers=["CPUExecutionProvider"])
    tokenizer = Tokenizer.from_file(folder + "/tokenizer.json")
    tokenizer.enable_truncation(512)
    tokenizer.enable_padding(pad_id=1, pad_token="<pad>")

    def embed(texts, batch):
        order = sorted(range(len(texts)), key=lambda index: -len(texts[index]))
        vectors = [None] * len(texts)
        for start in range(0, len(texts), batch):
            part = order[start:start + batch]
            encodings = tokenizer.encode_batch([texts[index] for index in part])
            ids = numpy.array([encoding.ids for encoding in encodings])
            mask = numpy.array([encoding.attention_mask for encoding in encodings])
            feeds = {"input_ids": ids, "attention_mask": mask, "token_type_ids": ids * 0}
            states = session.run(None, feeds)[0]
            weights = mask[:, :, None].astype(numpy.float32)
            means = (states * weights).sum(1) / weights.sum(1)
            for index, vector in zip(part, means / numpy.linalg.norm(means, axis=1, keepdims=True)):
                vectors[index] = vector
        return vectors

    return best_batch(embed)


def fastembed(folder: str, threads: int):
    from fastembed import TextEmbedding
    from fastembed.common.model_description import ModelSource, PoolingType

    TextEmbedding.add_custom_model(model="local/e5", pooling=PoolingType.MEAN, normalization=True, dim=384,
                                   sources=ModelSource(hf="local/e5"), model_file="model.onnx")
    model = TextEmbedding("local/e5", specific_model_path=folder, threads=threads, cuda=False)
    return best_batch(lambda texts, batch: list(model.embed(texts, batch_size=batch)))


def best_batch(embed):
    """The function with the batch that was fastest on its first call."""
    chosen = []

    def run(texts):
        if not chosen:
            took = {}
            for batch in BATCHES:
                started = time.perf_counter()
                embed(texts, batch)
                took[batch] = time.perf_counter() - started
            chosen.append(min(took, key=took.get))
            print(f"batches of {chosen[0]}", file=sys.stderr)
        return embed(texts, chosen[0])

    return run


def serve(name: str, folder: str, threads: int, vectors: str) -> None:
    """One of the others as a process: texts, then a measurement for each `go`."""
    import numpy

    makers = [sentence_transformers, onnx_runtime, fastembed]
    embed, texts = dict(zip(RIVALS, makers))[name](folder, threads), []
    for line in sys.stdin:
        if line.strip() != "go":
            texts.append("passage: " + json.loads(line))
            continue
        started, before = time.perf_counter(), time.process_time()
        numpy.array(embed(texts), dtype=numpy.float32).tofile(vectors)
        seconds, processor = time.perf_counter() - started, time.process_time() - before
        status = pathlib.Path("/proc/self/status").read_text()
        memory = ", ".join(" ".join(line.split()) for line in status.splitlines() if line.startswith(("VmRSS", "VmHWM", "RssFile")))
        print(json.dumps({"seconds": seconds, "processor_seconds": processor, "memory": memory}), flush=True)


def start(command: list, threads: int, texts: list) -> subprocess.Popen:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OPENBLAS_")}
    for name in ["OMP_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS", "CANDLE_NUM_THREADS"]:
        environment[name] = str(threads)
    environment |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "true"}
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
    for text in texts:
        process.stdin.write(json.dumps(text, ensure_ascii=False) + "\n")
    return process


def go(process: subprocess.Popen) -> dict:
    process.stdin.write("go\n")
    process.stdin.flush()
    return json.loads(process.stdout.readline())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("embed")
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("docs", nargs="+")
    parser.add_argument("--texts", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    import numpy

    texts = passages(options.docs, options.model, options.texts)
    with tempfile.TemporaryDirectory() as folder:
        prepare(options.model, pathlib.Path(folder))
        vectors = {name: f"{folder}/{index}.f32" for index, name in enumerate(["Docent", *RIVALS])}
        commands = {"Docent": [options.embed, str(options.model), "e5", vectors["Docent"]]}
        for name in RIVALS:
            commands[name] = [sys.executable, __file__, "--serve", name, folder, str(options.threads), vectors[name]]
        processes = {name: start(command, options.threads, texts) for name, command in commands.items()}
        for process in processes.values():
            go(process)
        measured = {name: [] for name in processes}
        for _ in range(options.rounds):
            for name, process in processes.items():
                measured[name].append(go(process))
        for process in processes.values():
            process.stdin.close()
            process.wait()
        read = {name: numpy.fromfile(path, dtype=numpy.float32).reshape(len(texts), -1) for name, path in vectors.items()}
    report(texts, measured, read)


def report(texts: list, measured: dict, vectors: dict) -> None:
    docent = measured["Docent"][-1]
    tokens = docent["tokens"]
    print(f"{len(texts)} texts, {tokens} tokens; load {os.getloadavg()[0]:.1f}")
    print("| program | texts/s | tokens/s | slowest and fastest round | tokens a CPU second | peak memory, MB | least cosine |")
    print("|---|---|---|---|---|---|---|")
    for name, rounds in measured.items():
        seconds = statistics.median(of_round["seconds"] for of_round in rounds)
        rates = sorted(tokens / of_round["seconds"] for of_round in rounds)
        processor = tokens / statistics.median(of_round["processor_seconds"] for of_round in rounds)
        peak = int(re.search(r"VmHWM: (\d+)", rounds[-1]["memory"])[1]) / 1000
        cosine = (vectors[name] * vectors["Docent"]).sum(1).min()
        print(f"| {name} | {len(texts) / seconds:.1f} | {tokens / seconds:.0f} | {rates[0]:.0f}–{rates[-1]:.0f} | {processor:.0f} | {peak:.0f} | {cosine:.6f} |")
    of_query = max(of_round["query_seconds"] for of_round in measured["Docent"])
    print(f"Docent: tokenizing {docent['tokenizing_seconds']:.2f} s of {docent['seconds']:.2f} s; longest wait of a query "
          f"between batches {of_query * 1000:.0f} ms; {docent['memory']}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5])
    else:
        main()
