#!/usr/bin/env python3
"""Makes the golden files of the decoder's tests: logits of tiny models as Hugging Face transformers computes them.

    python crates/engine/golden/make.py

writes every `*.json` beside itself; `src/decoder/golden.rs` reads them. No weights are stored: a file holds the recipe of
each tensor, and both sides make the same numbers from it. Number i of a tensor is splitmix64's output i (Steele, Lea and
Flood 2014) from the FNV-1a hash of the tensor's name as its seed. Its top 24 bits are a float in [-0.5, 0.5), which is
multiplied by a scale and added to an offset, all exact or rounded alike in f32; its top 8 bits are a byte of a quantised
tensor. Blocks of quantised tensors are such bytes, except their f16 scales, which lie up to 63 steps above a given one; the package
`gguf` says what numbers they stand for, transformers computes with those.

A file also says by how much stored logits would change at most through likely mistakes (another epsilon, pairs of
another rotation, no norm of queries, heads grouped otherwise …): a tolerance means something where it is far below them.

Everything is computed in f32 with `attn_implementation="eager"`. Needs torch, transformers, numpy, safetensors, gguf.
"""
import copy
import importlib
import importlib.metadata
import json
import math
import pathlib
import tempfile

import gguf
import numpy
import torch
import transformers
from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

HERE = pathlib.Path(__file__).parent
VOCABULARY = 272  # rows of the tiny tokenizer's 263 ids and some padding, as real models have
LOGITS = 12  # ids whose logits are stored for each of three positions


# ---- numbers -------------------------------------------------------------------------------------------------------

def splitmix64(name: str, count: int) -> numpy.ndarray:
    """The first `count` outputs for the seed that is the FNV-1a hash of `name`."""
    seed = 0xCBF29CE484222325
    for byte in name.encode():
        seed = (seed ^ byte) * 0x100000001B3 % 2**64
    with numpy.errstate(over="ignore"):
        z = numpy.uint64(seed) + numpy.arange(1, count + 1, dtype=numpy.uint64) * numpy.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
    return z ^ (z >> numpy.uint64(31))


def floats(recipe: dict) -> numpy.ndarray:
    numbers = (splitmix64(recipe["name"], math.prod(recipe["dims"])) >> numpy.uint64(40)).astype(numpy.float32)
    numbers = numbers / numpy.float32(2**24) - numpy.float32(0.5)
    numbers = numbers * numpy.float32(recipe["scale"]) + numpy.float32(recipe["offset"])
    return numbers.reshape(recipe["dims"])


# name of a type: weights and bytes of a block, where its f16 scales lie
BLOCKS = {"Q8_0": (32, 34, {"d": 0}), "Q4_K": (256, 144, {"d": 0, "dmin": 2}), "Q6_K": (256, 210, {"d": 208})}


def blocks(recipe: dict) -> numpy.ndarray:
    """The bytes of a quantised tensor, a row of the matrix a row."""
    weights, size, scales = BLOCKS[recipe["type"]]
    rows, columns = recipe["dims"]
    data = (splitmix64(recipe["name"], rows * columns // weights * size) >> numpy.uint64(56)).astype(numpy.uint8)
    data = data.reshape(-1, size)
    if recipe["type"] == "Q8_0":
        data[:, 2:][data[:, 2:] == 0x80] = 0x81  # no quantiser writes -128
    for scale, at in scales.items():
        bits = (data[:, at] & 0x3F).astype(numpy.uint16) + numpy.uint16(recipe[scale])
        data[:, at], data[:, at + 1] = bits & 0xFF, bits >> 8
    return data.reshape(rows, -1)


def weights(recipe: dict) -> numpy.ndarray:
    """The numbers that a tensor stands for, f32."""
    kind = recipe.get("type", "F32")
    if kind in BLOCKS:
        return gguf.quants.dequantize(blocks(recipe), gguf.GGMLQuantizationType[kind]).reshape(recipe["dims"])
    return floats(recipe).astype(numpy.float16 if kind == "F16" else numpy.float32).astype(numpy.float32)


# ---- models --------------------------------------------------------------------------------------------------------

def number(value: float) -> float:
    """Few digits, so that every reader of the file gets the same f32."""
    return float(f"{value:.4g}")


def linear(name: str, rows: int, columns: int, gain: float, kind: str = "F32") -> dict:
    """A matrix that makes of inputs with a variance of 1 outputs with a deviation of `gain`."""
    deviation = gain / math.sqrt(columns)
    recipe = {"name": name, "dims": [rows, columns]}
    f16 = lambda value: int(numpy.float16(value).view(numpy.uint16))
    if kind in ["F32", "F16"]:
        of_type = {} if kind == "F32" else {"type": kind}
        return recipe | of_type | {"scale": number(deviation * math.sqrt(12)), "offset": 0.0}
    of_block = {"Q8_0": 73.6, "Q4_K": 257.0, "Q6_K": 1360.0}[kind]  # deviations of random blocks whose scales are 1
    scales = {"d": f16(deviation / of_block)}
    if kind == "Q4_K":
        scales["dmin"] = f16(7.5 * deviation / of_block)  # so that the mean is about 0
    return recipe | {"type": kind} | scales


def vector(name: str, length: int, scale: float, offset: float) -> dict:
    return {"name": name, "dims": [length], "scale": scale, "offset": offset}


SAFETENSORS = dict(
    embedding="model.embed_tokens", norm="model.norm", head="lm_head", layer="model.layers.",
    attention_norm="input_layernorm", query="self_attn.q_proj", key="self_attn.k_proj", value="self_attn.v_proj",
    query_norm="self_attn.q_norm", key_norm="self_attn.k_norm", output="self_attn.o_proj",
    mlp_norm="post_attention_layernorm", gate="mlp.gate_proj", up="mlp.up_proj", down="mlp.down_proj")
GGUF = dict(
    embedding="token_embd", norm="output_norm", head="output", layer="blk.", attention_norm="attn_norm",
    query="attn_q", key="attn_k", value="attn_v", query_norm="attn_q_norm", key_norm="attn_k_norm",
    output="attn_output", mlp_norm="ffn_norm", gate="ffn_gate", up="ffn_up", down="ffn_down")


def tensors(config: dict, names: dict, kinds: dict) -> list:
    """The recipes of a model's tensors. Outputs of layers are small, so that the epsilon of a norm counts."""
    hidden, inner, head = config["hidden_size"], config["intermediate_size"], config["head_dim"]
    heads, kv_heads = config["num_attention_heads"], config["num_key_value_heads"]
    qk_norm = config["model_type"] == "qwen3"
    of_queries = 0.05 if qk_norm else 1.5
    matrices = [("query", heads * head, hidden, of_queries), ("key", kv_heads * head, hidden, of_queries), ("value", kv_heads * head, hidden, 1.0),
                ("output", hidden, heads * head, 0.2), ("gate", inner, hidden, 1.5), ("up", inner, hidden, 1.0), ("down", hidden, inner, 0.1)]
    # where the table is also the head, its rows make logits of the right size
    of_table = 1.5 if config["tie_word_embeddings"] else 0.02 * math.sqrt(hidden)
    found = [linear(f"{names['embedding']}.weight", VOCABULARY, hidden, of_table, kinds.get("embedding", "F32")),
             vector(f"{names['norm']}.weight", hidden, 1.0, 1.0)]
    if not config["tie_word_embeddings"]:
        found.append(linear(f"{names['head']}.weight", VOCABULARY, hidden, 1.5, kinds.get("head", "F32")))
    for layer in range(config["num_hidden_layers"]):
        name = lambda part: f"{names['layer']}{layer}.{names[part]}"
        for part in ["attention_norm", "mlp_norm"]:
            found.append(vector(f"{name(part)}.weight", hidden, 1.0, 1.0))
        for part, rows, columns, gain in matrices:
            found.append(linear(f"{name(part)}.weight", rows, columns, gain, kinds.get(part, "F32")))
            if config["model_type"] == "qwen2" and part in ["query", "key", "value"]:
                found.append(vector(f"{name(part)}.bias", rows, 1.5, 0.0))
        if qk_norm:
            for part in ["query_norm", "key_norm"]:
                found.append(vector(f"{name(part)}.weight", head, 1.5, 1.2))
    return found


def config(architecture: str, **changes) -> dict:
    """A `config.json` as the hub's models have it."""
    return {
        "model_type": architecture, "vocab_size": VOCABULARY, "hidden_size": 64, "intermediate_size": 96,
        "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16,
        "max_position_embeddings": 512, "rms_norm_eps": 1e-6, "rope_theta": 1e6, "rope_scaling": None,
        "tie_word_embeddings": False, "attention_bias": False, "use_sliding_window": False, "hidden_act": "silu",
        "eos_token_id": 260,
    } | changes


def yarn_config(factor: float) -> dict:
    # transformers has taken max_position_embeddings / original_max_position_embeddings for the factor: both agree here
    return config("qwen3", head_dim=32, rope_theta=10000.0, max_position_embeddings=int(64 * factor), rope_scaling={
        "rope_type": "yarn", "factor": factor, "original_max_position_embeddings": 64})


# The files of llama.cpp's Q4_K_M hold Q4_K and Q6_K; F16 and Q8_0 stand where each is used at least once as each kind
# of matrix that a converter leaves alone.
MIXED = dict(embedding="Q6_K", head="Q6_K", query="Q4_K", key="Q4_K", value="Q6_K", output="Q4_K", gate="Q4_K", up="F16", down="Q6_K")
EIGHT = dict(embedding="Q8_0", head="Q8_0", query="Q8_0", key="Q8_0", value="Q8_0", output="Q8_0", gate="Q8_0", up="Q4_K", down="Q8_0")
HALF = dict(embedding="F16", head="Q8_0", query="Q4_K", key="Q6_K", value="F16", output="Q6_K", gate="Q8_0", up="Q6_K", down="Q4_K")
LARGER = dict(hidden_size=256, intermediate_size=512, num_hidden_layers=2, head_dim=64)

MODELS = {
    "qwen3": (config("qwen3", head_dim=32), {}, 100),
    # heads of a size that the kernels of a GPU are compiled for
    "qwen3-64": (config("qwen3", num_attention_heads=8, **LARGER), {}, 100),
    "qwen3-tied": (config("qwen3", head_dim=32, tie_word_embeddings=True, rms_norm_eps=1e-5), {}, 100),
    "qwen2": (config("qwen2"), {}, 100),
    "llama": (config("llama", rope_theta=10000.0, rms_norm_eps=1e-5), {}, 100),
    "qwen3-yarn2": (yarn_config(2.0), {}, 128),
    "qwen3-yarn4": (yarn_config(4.0), {}, 150),
    "gguf-qwen3": (config("qwen3", num_attention_heads=8, **LARGER), MIXED, 70),
    "gguf-qwen2": (config("qwen2", **LARGER), EIGHT, 70),
    "gguf-llama": (config("llama", rope_theta=10000.0, rms_norm_eps=1e-5, **LARGER), HALF, 70),
    "gguf-llama-tied": (config("llama", rope_theta=500000.0, tie_word_embeddings=True, rms_norm_eps=1e-5, **LARGER), EIGHT, 70),
}


def metadata(config: dict) -> dict:
    """What a converter to GGUF writes: integers as u32, floats as f32."""
    sizes = {"block_count": "num_hidden_layers", "context_length": "max_position_embeddings", "embedding_length": "hidden_size",
             "feed_forward_length": "intermediate_size", "attention.head_count": "num_attention_heads",
             "attention.head_count_kv": "num_key_value_heads", "attention.layer_norm_rms_epsilon": "rms_norm_eps",
             "rope.freq_base": "rope_theta"}
    if config["model_type"] == "qwen3":
        sizes |= {"attention.key_length": "head_dim", "attention.value_length": "head_dim"}
    if config["model_type"] == "llama":
        sizes |= {"rope.dimension_count": "head_dim", "vocab_size": "vocab_size"}
    of_model = {f"{config['model_type']}.{key}": config[name] for key, name in sizes.items()}
    return {"general.architecture": config["model_type"]} | of_model | {"tokenizer.ggml.eos_token_id": config["eos_token_id"]}


# ---- the reference -------------------------------------------------------------------------------------------------

def load(config: dict, state: dict):
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "config.json").write_text(json.dumps(config))
        read = transformers.AutoConfig.from_pretrained(folder)
    model = transformers.AutoModelForCausalLM.from_config(read, attn_implementation="eager", dtype=torch.float32).eval()
    missing, unexpected = model.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in state.items()}, strict=False)
    assert not unexpected and missing == (["lm_head.weight"] if config["tie_word_embeddings"] else []), (missing, unexpected)
    model.tie_weights()
    return model


def hugging_face_state(config: dict, recipes: list, names: dict) -> dict:
    """The tensors under the names, and in the order of rows, that transformers has."""
    state = {}
    for recipe in recipes:
        name, array = recipe["name"], weights(recipe)
        if names is GGUF:
            stem, suffix = name.rsplit(".", 1)
            for part, theirs in GGUF.items():
                if stem == theirs:
                    name = f"{SAFETENSORS[part]}.{suffix}"
                elif stem.startswith("blk.") and stem.split(".", 2)[2] == theirs:
                    name = f"{SAFETENSORS['layer']}{stem.split('.')[1]}.{SAFETENSORS[part]}.{suffix}"
            if config["model_type"] == "llama" and ("q_proj" in name or "k_proj" in name):
                array = pairs_to_halves(array, config["head_dim"])
        state[name] = array
    return state


def pairs_to_halves(array: numpy.ndarray, head: int) -> numpy.ndarray:
    """Undoes llama.cpp's `LlamaModel.permute`: a file's rows lie in pairs that are rotated, transformers' in halves."""
    return array.reshape(-1, head // 2, 2, *array.shape[1:]).swapaxes(1, 2).reshape(array.shape)


def logits(model, prompt: list) -> numpy.ndarray:
    with torch.no_grad():
        return model(torch.tensor([prompt])).logits[0].float().numpy()


def yarn(head: int, base: float, factor: float, original: int):
    """Inverse frequencies and attention factor (Peng et al. 2023, arXiv 2309.00071, sections 3.2 to 3.4) in f64."""
    correction = lambda turns: head * math.log(original / (turns * 2 * math.pi)) / (2 * math.log(base))
    low, high = max(math.floor(correction(32)), 0), min(math.ceil(correction(1)), head - 1)
    plain = base ** (-numpy.arange(0, head, 2) / head)
    ramp = numpy.clip((numpy.arange(head // 2) - low) / max(high - low, 0.001), 0, 1)
    return plain * (1 - ramp) + plain / factor * ramp, 0.1 * math.log(factor) + 1


def check_rope(model, config: dict) -> None:
    """That transformers rotates by what the configuration means."""
    rope, scaling = model.model.rotary_emb, config["rope_scaling"]
    head, base = config["head_dim"], config["rope_theta"]
    expected, attention = base ** (-numpy.arange(0, head, 2) / head), 1.0
    if scaling:
        expected, attention = yarn(head, base, scaling["factor"], scaling["original_max_position_embeddings"])
    assert numpy.allclose(rope.inv_freq.numpy(), expected, rtol=1e-6, atol=0), (rope.inv_freq, expected)
    assert abs(rope.attention_scaling - attention) < 1e-7, rope.attention_scaling
    norms = [module for module in model.modules() if hasattr(module, "variance_epsilon")]
    assert norms and all(norm.variance_epsilon == config["rms_norm_eps"] for norm in norms)


def mistakes(model, config: dict, prompt: list, measure) -> dict:
    """By how much `measure` of the logits changes through each mistake."""
    changed = {}

    def run(name, change):
        other = copy.deepcopy(model)
        change(other)
        changed[name] = number(measure(logits(other, prompt)))

    attentions = lambda other: [layer.self_attn for layer in other.model.layers]

    def epsilon(other):
        for module in other.modules():
            if hasattr(module, "variance_epsilon"):
                module.variance_epsilon *= 10

    def pairs(other):
        for attention in attentions(other):
            modules = [attention.q_proj, attention.k_proj]
            vectors = [module.bias for module in modules if module.bias is not None]
            if config["model_type"] == "qwen3":
                vectors += [attention.q_norm.weight, attention.k_norm.weight]
            for parameter in [module.weight for module in modules] + vectors:
                parameter.data = torch.from_numpy(pairs_to_halves(parameter.data.numpy(), config["head_dim"]).copy())

    def theta(other):
        other.model.rotary_emb.inv_freq *= 1.05 ** (-torch.arange(0, config["head_dim"], 2) / config["head_dim"])

    def without(part):
        def change(other):
            for attention in attentions(other):
                setattr(attention, part, torch.nn.Identity())
        return change

    def biases(other):
        for attention in attentions(other):
            for module in [attention.q_proj, attention.k_proj, attention.v_proj]:
                module.bias.data.zero_()

    run("epsilon times 10", epsilon)
    run("pairs of the rotation", pairs)
    run("rope base times 1.05", theta)
    if config["model_type"] == "qwen3":
        run("no norm of queries", without("q_norm"))
        run("no norm of keys", without("k_norm"))
    if config["model_type"] == "qwen2":
        run("no biases", biases)
    scaling = config["rope_scaling"]
    if scaling:
        def rope(factor, attention_of):
            frequencies, _ = yarn(config["head_dim"], config["rope_theta"], factor, 64)
            def change(other):
                other.model.rotary_emb.inv_freq.copy_(torch.from_numpy(frequencies))
                other.model.rotary_emb.attention_scaling = 0.1 * math.log(attention_of) + 1
            return change
        run("no attention factor", rope(scaling["factor"], 1.0))
        run("frequencies not scaled", rope(1.0, scaling["factor"]))
        run("frequencies for half the factor", rope(scaling["factor"] / 2, scaling["factor"]))
    modeling = importlib.import_module(type(model).__module__)
    original = modeling.repeat_kv
    modeling.repeat_kv = lambda states, times: states.repeat(1, times, 1, 1)
    run("heads grouped otherwise", lambda other: None)
    modeling.repeat_kv = original
    return changed


# ---- files ---------------------------------------------------------------------------------------------------------

def make(name: str, config: dict, kinds: dict, length: int) -> None:
    names = GGUF if kinds else SAFETENSORS
    recipes = tensors(config, names, kinds)
    model = load(config, hugging_face_state(config, recipes, names))
    check_rope(model, config)
    prompt = [int(z >> numpy.uint64(40)) % 263 for z in splitmix64("prompt", length)]
    reference = logits(model, prompt)
    positions = [length // 10, length // 2, length - 1]
    ids = sorted({int(z >> numpy.uint64(40)) % VOCABULARY for z in splitmix64("ids", LOGITS)})
    stored = lambda of_run: of_run[positions][:, ids]
    effects = mistakes(model, config, prompt, lambda other: numpy.abs(stored(other) - stored(reference)).max())
    wide = reference.astype(numpy.float64)
    round_to = lambda values, digits: [float(f"{value:.{digits}f}") for value in values]
    write(name, {
        "made_with": made_with(),
        **({"metadata": metadata(config)} if kinds else {"config": config}),
        "tensors": recipes,
        "prompt": prompt,
        "argmax": reference.argmax(1).tolist(),
        "logsumexp": round_to(numpy.log(numpy.exp(wide).sum(1)), 5),
        "positions": positions,
        "ids": ids,
        "logits": [round_to(row, 6) for row in stored(reference)],
        "mistakes": effects,
    })
    print(f"{name}: logits within {reference.min():.2f} and {reference.max():.2f}, deviation {reference.std():.2f}; {effects}")


def make_yarn_tables() -> None:
    """Tables alone, those of real models among them."""
    cases = []
    for head, base, factor, original in [(128, 1e6, 4.0, 32768), (128, 1e6, 2.0, 32768), (64, 1e6, 4.0, 32768),
                                         (32, 10000.0, 4.0, 64), (16, 10000.0, 8.0, 4096)]:
        of_model = transformers.AutoConfig.for_model("qwen3", head_dim=head, rope_theta=base, max_position_embeddings=int(factor * original),
                                                     rope_scaling={"rope_type": "yarn", "factor": factor, "original_max_position_embeddings": original})
        theirs, attention = ROPE_INIT_FUNCTIONS["yarn"](of_model, "cpu")
        frequencies, factor_of_attention = yarn(head, base, factor, original)
        assert numpy.allclose(theirs.numpy(), frequencies, rtol=1e-6, atol=0) and abs(attention - factor_of_attention) < 1e-7
        cases.append({"head": head, "base": base, "factor": factor, "original": original,
                      "inv_freq": [float(f"{value:.8g}") for value in theirs.tolist()], "attention_factor": float(f"{attention:.8g}")})
    write("yarn", {"made_with": made_with(), "tables": cases})


def made_with() -> str:
    return f"torch {torch.__version__}, transformers {transformers.__version__}, gguf {importlib.metadata.version('gguf')}"


def write(name: str, content: dict) -> None:
    """A key a line, a tensor a line, a case a line."""
    lines = lambda items: "[\n    " + ",\n    ".join(json.dumps(item) for item in items) + "\n  ]"
    texts = [f"  {json.dumps(key)}: {lines(value) if key in ['tensors', 'tables', 'cases'] else json.dumps(value, separators=(',', ':') if isinstance(value, list) else None)}"
             for key, value in content.items()]
    (HERE / f"{name}.json").write_text("{\n" + ",\n".join(texts) + "\n}\n")


if __name__ == "__main__":
    torch.set_num_threads(1)  # the same sums each time
    for name, (of_model, kinds, length) in MODELS.items():
        make(name, of_model, kinds, length)
    make_yarn_tables()
