#!/usr/bin/env python3
"""What `examples/gpu_bench.rs` measures, by Hugging Face transformers on the same machine: its rival.

    python eval/gpu_transformers.py MODEL [NAME=VALUE]...

MODEL is a directory with `config.json`; with format=dummy its weights are random. prompts, sequences, context and steps are as
in the bench, and so are the lines of JSON. Prompts are read in pieces of 4,096 tokens over a cache, as one pass over
131,072 would not fit beside the weights; answers are written greedily over a dynamic cache, kernels as `attn` says (sdpa, or
flash_attention_2 where that is installed). Needs torch with CUDA and transformers.
"""
import json
import pathlib
import sys
import time

import torch
import transformers

PIECE = 4096


def say(**line) -> None:
    print(json.dumps({"program": f"transformers {transformers.__version__}, torch {torch.__version__}"} | line), flush=True)


def load(directory: str, dummy: bool, attention: str):
    config = transformers.AutoConfig.from_pretrained(directory)
    if not dummy:
        return transformers.AutoModelForCausalLM.from_pretrained(
            directory, dtype=torch.bfloat16, attn_implementation=attention, device_map="cuda").eval()
    with torch.device("meta"):
        model = transformers.AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16, attn_implementation=attention)
    model = model.to_empty(device="cuda").eval()
    for name, parameter in model.named_parameters():
        if parameter.dim() == 1:
            torch.nn.init.constant_(parameter, 0.0 if name.endswith("bias") else 1.0)
        else:
            torch.nn.init.normal_(parameter, std=parameter.shape[1] ** -0.5)
    # buffers are no parameters: their numbers were lost with the meta device
    rotary = model.model.rotary_emb
    model.model.rotary_emb = type(rotary)(config=config, device="cuda")
    return model


def some_tokens(count: int, vocabulary: int, rows: int = 1) -> torch.Tensor:
    return (torch.arange(count * rows, device="cuda") * 7919 % vocabulary).view(rows, count)


def read(model, tokens: torch.Tensor):
    """Reads prompts in pieces; gives the cache."""
    cache = transformers.DynamicCache()
    for start in range(0, tokens.shape[1], PIECE):
        model(tokens[:, start:start + PIECE], past_key_values=cache, use_cache=True, logits_to_keep=1)
    return cache


def timed(work) -> float:
    torch.cuda.synchronize()
    started = time.perf_counter()
    work()
    torch.cuda.synchronize()
    return time.perf_counter() - started


def answers(model, sequences: int, context: int, steps: int) -> float:
    """Seconds a step."""
    vocabulary = model.config.vocab_size
    prompts = some_tokens(context, vocabulary, sequences)
    # one prompt at a time would be fairer to memory but not to time; all share pieces
    state = {"cache": read(model, prompts), "next": prompts[:, -1:]}

    def write(count):
        for _ in range(count):
            logits = model(state["next"], past_key_values=state["cache"], use_cache=True, logits_to_keep=1).logits
            state["next"] = logits[:, -1:].argmax(-1)

    write(2)
    return timed(lambda: write(steps)) / steps


def main() -> None:
    directory, *rest = sys.argv[1:]
    options = dict(argument.split("=", 1) for argument in rest)
    numbers = lambda name, default: [int(number) for number in options.get(name, default).split(",")]
    context, steps = numbers("context", "2048")[0], numbers("steps", "64")[0]
    model = load(directory, options.get("format") == "dummy", options.get("attn", "sdpa"))
    with torch.inference_mode():
        read(model, some_tokens(PIECE, model.config.vocab_size))
        for tokens in numbers("prompts", "4096,32768,76800,131072"):
            try:
                seconds = timed(lambda: read(model, some_tokens(tokens, model.config.vocab_size)))
                say(prompt_tokens=tokens, seconds=seconds, tokens_per_second=tokens / seconds)
            except torch.cuda.OutOfMemoryError as error:
                say(prompt_tokens=tokens, error=str(error).split(".")[0])
            torch.cuda.empty_cache()
        for count in numbers("sequences", "1,8,32,64"):
            try:
                seconds = answers(model, count, context, steps)
                say(sequences=count, context_tokens=context, step_ms=seconds * 1e3, tokens_per_second=count / seconds)
            except torch.cuda.OutOfMemoryError as error:
                say(sequences=count, error=str(error).split(".")[0])
            torch.cuda.empty_cache()


main()
