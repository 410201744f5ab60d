#!/usr/bin/env python3
"""Makes the golden files of encoders and rerankers: vectors and scores of tiny models as Hugging Face transformers
computes them, from text to the end.

    python crates/engine/golden/make_encoders.py

writes `bert.json`, `xlm-roberta.json`, `qwen3-embedding.json`, `cross-bert.json`, `cross-xlm-roberta.json` and
`qwen3-reranker.json` beside itself; `golden.rs` of `src/encoder` and of `src/cross_encoder`, and
`src/decoder_reranker_tests.rs` read them. Weights are made from recipes, as `make.py` tells. A file holds its tokenizer,
as the library `tokenizers` writes it, with the frame that this library puts around a text or a pair: the tests compare ids
too. What families put before a text is written down here once more, from their model cards.

A file also says by how much the results would change at most through likely mistakes.

Everything is computed in f32 with `attn_implementation="eager"`, a text at a time and without padding. Needs what
`make.py` needs, and tokenizers.
"""
import copy
import json
import pathlib
import tempfile
import unicodedata

import numpy
import tokenizers
import torch
import transformers
from tokenizers import Regex, decoders, models, normalizers, pre_tokenizers, processors

import make

POSITIONS = 96  # the longest text, in tokens

CLAUSE = "第8.2条 Either party may terminate 本合同 upon thirty days' written notice (书面通知)。"
TEXTS = [
    "差旅费应在行程结束后三十日内报销。",
    "The notice period is ninety days.",
    "a",
    "",
    CLAUSE,
    "ＡＢＣ Société  générale，价格为￥1,200.50",
    CLAUSE * 4,  # too long
]
PAIRS = [
    ("差旅费多久内报销？", "差旅费应在行程结束后三十日内报销。"),
    ("差旅费多久内报销？", "The notice period is ninety days."),
    ("How long is the notice period?", "The notice period is ninety days."),
    ("How long is the notice period?", CLAUSE),
    ("a", ""),
    ("notice", CLAUSE * 4),  # too long
]

# family: what stands before a query and before a passage, and how states become a vector
FAMILIES = {
    "e5": ("query: ", "passage: ", "mean"),
    "mini_lm": ("", "", "mean"),
    "bge_zh": ("为这个句子生成表示以用于检索相关文章：", "", "first"),
    "bge_en": ("Represent this sentence for searching relevant passages: ", "", "first"),
    "bge_m3": ("", "", "first"),
    "qwen3_embedding": ("Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery:", "", "last"),
}
EVERYTHING = "".join(TEXTS + [text for pair in PAIRS for text in pair] + [text for family in FAMILIES.values() for text in family[:2]])


# ---- tokenizers ----------------------------------------------------------------------------------------------------

def word_piece() -> tokenizers.Tokenizer:
    """As BERT's: characters, some words, and one character of the texts that it does not know."""
    normalizer = normalizers.BertNormalizer(lowercase=True)
    characters = sorted(set(normalizer.normalize_str(EVERYTHING)) - set(" \n终￥"))
    words = ["the", "notice", "period", "is", "days", "query", "passage", "nine", "##ty", "par", "##ty's"]
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + words + characters + [f"##{c}" for c in characters]
    tokenizer = tokenizers.Tokenizer(models.WordPiece({piece: id for id, piece in enumerate(dict.fromkeys(pieces))}, unk_token="[UNK]"))
    tokenizer.normalizer, tokenizer.pre_tokenizer = normalizer, pre_tokenizers.BertPreTokenizer()
    tokenizer.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    frame = [(name, tokenizer.token_to_id(name)) for name in ["[CLS]", "[SEP]"]]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=frame)
    return tokenizer


def unigram() -> tokenizers.Tokenizer:
    """As XLM-R's, with NFKC in place of its own table of characters."""
    characters = sorted(set(unicodedata.normalize("NFKC", EVERYTHING)) - set(" \n终"))
    words = ["▁the", "▁notice", "▁period", "notice", "days", "▁query", "▁passage", "ty", "in", "▁is", "差旅费", "三十日"]
    pieces = ["<s>", "<pad>", "</s>", "<unk>", "▁"] + words + characters + ["<mask>"]
    scores = [0.0] * 4 + [-3.0] + [-4.0 - index / 64 for index in range(len(words))] + [-5.0 - index / 64 for index in range(len(characters))] + [0.0]
    tokenizer = tokenizers.Tokenizer(models.Unigram(list(zip(pieces, scores)), unk_id=3))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    return tokenizer


def byte_level() -> tokenizers.Tokenizer:
    """As Qwen's: its rules of splitting, all bytes, and merges for a few words."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    pieces, merges = list(alphabet), []
    bytes_of = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    for word in ["yes", "no", " the", " notice", "tice", " period", "差旅费", ":\n", "query", "\n\n"]:
        symbols = bytes_of.pre_tokenize_str(word)[0][0]
        for end in range(2, len(symbols) + 1):
            if symbols[:end] not in pieces:
                pieces.append(symbols[:end])
                merges.append((symbols[:end - 1], symbols[end - 1]))
    tokenizer = tokenizers.Tokenizer(models.BPE({piece: id for id, piece in enumerate(pieces)}, merges))
    tokenizer.normalizer = normalizers.NFC()
    split = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(split), "isolated"), bytes_of])
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    tokenizer.add_tokens(["<think>", "</think>"])
    end = tokenizer.token_to_id("<|endoftext|>")
    tokenizer.post_processor = processors.TemplateProcessing(single="$A <|endoftext|>", special_tokens=[("<|endoftext|>", end)])
    return tokenizer


# ---- models --------------------------------------------------------------------------------------------------------

def encoder_config(architecture: str, vocabulary: int, **changes) -> dict:
    """A `config.json` as the hub's models have it; the epsilon is large so that it shows."""
    roberta = architecture == "xlm-roberta"
    return {
        "model_type": architecture, "vocab_size": vocabulary, "hidden_size": 64, "intermediate_size": 112, "num_hidden_layers": 3,
        "num_attention_heads": 4, "max_position_embeddings": POSITIONS + 2 * roberta, "type_vocab_size": 1 if roberta else 2,
        "pad_token_id": 1 if roberta else 0, "layer_norm_eps": 1e-3, "hidden_act": "gelu", "position_embedding_type": "absolute",
        "hidden_dropout_prob": 0.1, "attention_probs_dropout_prob": 0.1, "initializer_range": 0.02,
    } | changes


def encoder_tensors(config: dict, prefix: str, head: list) -> list:
    """The recipes of a model's tensors; `head` names a layer and an output that make a score."""
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    found = []

    def linear(name, rows, columns, gain):
        found.append(make.linear(f"{name}.weight", rows, columns, gain))
        found.append(make.vector(f"{name}.bias", rows, 0.5, 0.0))

    def norm(name):
        found.append(make.vector(f"{name}.LayerNorm.weight", hidden, 1.0, 1.0))
        found.append(make.vector(f"{name}.LayerNorm.bias", hidden, 0.5, 0.0))

    for part, rows in [("word", config["vocab_size"]), ("position", config["max_position_embeddings"]), ("token_type", config["type_vocab_size"])]:
        found.append({"name": f"{prefix}embeddings.{part}_embeddings.weight", "dims": [rows, hidden], "scale": 0.5, "offset": 0.0})
    norm(f"{prefix}embeddings")
    for layer in range(config["num_hidden_layers"]):
        name = f"{prefix}encoder.layer.{layer}"
        for part in ["query", "key", "value"]:
            linear(f"{name}.attention.self.{part}", hidden, hidden, 1.2)
        linear(f"{name}.attention.output.dense", hidden, hidden, 1.0)
        norm(f"{name}.attention.output")
        linear(f"{name}.intermediate.dense", inner, hidden, 1.5)
        linear(f"{name}.output.dense", hidden, inner, 1.0)
        norm(f"{name}.output")
    if head:
        linear(head[0], hidden, hidden, 1.0)
        linear(head[1], 1, hidden, 3.0)
    return found


def load(kind, config: dict, recipes: list, may_lack: list):
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "config.json").write_text(json.dumps(config))
        read = transformers.AutoConfig.from_pretrained(folder)
    model = kind.from_config(read, attn_implementation="eager", dtype=torch.float32).eval()
    state = {recipe["name"]: torch.from_numpy(make.weights(recipe).copy()) for recipe in recipes}
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected and set(missing) <= set(may_lack), (missing, unexpected)
    model.tie_weights()
    return model


POOLER = ["pooler.dense.weight", "pooler.dense.bias"]


# ---- encoders ------------------------------------------------------------------------------------------------------

def states(model, ids: list, types: list) -> numpy.ndarray:
    """`[tokens, hidden]` after the last layer."""
    more = {"token_type_ids": torch.tensor([types])} if types else {}
    with torch.no_grad():
        return model(input_ids=torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long), **more).last_hidden_state[0].numpy()


def vector(of_tokens: numpy.ndarray, pooling: str, dimensions: int) -> numpy.ndarray:
    pooled = {"mean": of_tokens.mean(0), "first": of_tokens[0], "last": of_tokens[-1]}[pooling][:dimensions].astype(numpy.float64)
    return pooled / numpy.sqrt((pooled ** 2).sum())


def encoder_cases(tokenizer, families: list, dimensions: list) -> list:
    tokenizer.enable_truncation(POSITIONS)
    cases = []
    for family in families:
        query, passage, pooling = FAMILIES[family]
        for kind, before in [("query", query), ("passage", passage)]:
            for text in TEXTS:
                if kind == "query" and not before:
                    continue  # the same as the passage
                encoding = tokenizer.encode(before + text)
                cases += [{"family": family, "kind": kind, "text": text, "dimensions": d, "ids": encoding.ids,
                           "truncated": bool(encoding.overflowing)} for d in dimensions]
    tokenizer.no_truncation()
    return cases


def make_encoder(name: str, config: dict, recipes: list, tokenizer, families: list, dimensions: list) -> None:
    model = load(transformers.AutoModel, config, recipes, POOLER)
    cases = encoder_cases(tokenizer, families, dimensions)
    poolings = {family: FAMILIES[family][2] for family in families}
    decoder = "last" in poolings.values()

    def vectors(of_model, change=lambda ids: ids, types=lambda ids: [], pooling=poolings.get):
        found = []
        for case in cases:
            ids = change(case["ids"])
            found.append(vector(states(of_model, ids, types(ids)), pooling(case["family"]), case["dimensions"]))
        return found

    reference = vectors(model)
    effects = {}

    def mistake(of, changed):
        effects[of] = make.number(max(numpy.abs(ours - theirs).max() for ours, theirs in zip(changed, reference)))

    def with_epsilon(other):
        for module in other.modules():
            if isinstance(module, torch.nn.LayerNorm):
                module.eps *= 10
            if hasattr(module, "variance_epsilon"):
                module.variance_epsilon *= 10
        return other

    mistake("epsilon times 10", vectors(with_epsilon(copy.deepcopy(model))))
    mistake("last token left out", vectors(model, change=lambda ids: ids[:-1] if len(ids) > 1 else ids + ids))
    if decoder:
        end, other_end = tokenizer.token_to_id("<|endoftext|>"), tokenizer.token_to_id("<|im_end|>")
        mistake("ends with <|im_end|>", vectors(model, change=lambda ids: [other_end if id == end else id for id in ids]))
        mistake("mean over the tokens", vectors(model, pooling=lambda family: "mean"))
        whole = [vector(states(model, case["ids"], []), "last", config["hidden_size"])[:case["dimensions"]] for case in cases]
        mistake("cut but not of length 1", whole)
    else:
        mistake("other pooling", vectors(model, pooling=lambda family: "first" if poolings[family] == "mean" else "mean"))
        other = copy.deepcopy(model)
        for layer in other.encoder.layer:
            layer.intermediate.intermediate_act_fn = torch.nn.GELU(approximate="tanh")
        mistake("gelu with tanh", vectors(other))
        other = copy.deepcopy(model)
        other.embeddings.position_embeddings.weight.data = other.embeddings.position_embeddings.weight.data.roll(1, 0)
        mistake("positions off by 1", vectors(other))
        if config["type_vocab_size"] > 1:
            mistake("second type of tokens", vectors(model, types=lambda ids: [1] * len(ids)))
    for case, of_case in zip(cases, reference):
        case["vector"] = [float(f"{number:.7f}") for number in of_case]
    write(name, config, recipes, tokenizer, cases, effects)


# ---- cross-encoders ------------------------------------------------------------------------------------------------

def make_cross_encoder(name: str, config: dict, prefix: str, head: list, tokenizer) -> None:
    recipes = encoder_tensors(config, prefix, head)
    model = load(transformers.AutoModelForSequenceClassification, config, recipes, [])
    tokenizer.enable_truncation(POSITIONS, strategy="only_second")
    encodings = [tokenizer.encode(query, passage) for query, passage in PAIRS]
    backwards = [tokenizer.encode(passage[:40], query) for query, passage in PAIRS]
    tokenizer.no_truncation()

    def logits(of_model, of=encodings, ids=lambda encoding: encoding.ids, types=lambda encoding: encoding.type_ids):
        found = []
        for encoding in of:
            one = torch.tensor([ids(encoding)])
            of_tokens = torch.tensor([types(encoding)])
            with torch.no_grad():
                found.append(of_model(input_ids=one, attention_mask=torch.ones_like(one), token_type_ids=of_tokens).logits.item())
        return numpy.array(found)

    reference, effects = logits(model), {}

    def mistake(of, changed):
        effects[of] = make.number(numpy.abs(changed - reference).max())

    mistake("passage before query", logits(model, backwards))
    other = copy.deepcopy(model)
    bert = config["model_type"] == "bert"
    if bert:
        mistake("one type of tokens", logits(model, types=lambda encoding: [0] * len(encoding.ids)))
        other.bert.pooler.activation = torch.nn.Identity()
        mistake("no tanh", logits(other))
    else:
        def one_separator(encoding):
            ids = encoding.ids
            at = next(index for index in range(len(ids) - 1) if ids[index] == ids[index + 1] == 2)
            return ids[:at] + ids[at + 1:]
        mistake("one separator", logits(model, ids=one_separator, types=lambda encoding: [0] * (len(encoding.ids) - 1)))
        other.classifier.dense.weight.data = torch.eye(config["hidden_size"])
        mistake("no layer before the output", logits(other))
    of_types = lambda encoding: encoding.type_ids.index(1) if 1 in encoding.type_ids else len(encoding.ids)
    cases = [{"query": query, "passage": passage, "ids": encoding.ids, "of_first_type": of_types(encoding),
              "truncated": bool(encoding.overflowing), "logit": float(f"{logit:.6f}")}
             for (query, passage), encoding, logit in zip(PAIRS, encodings, reference)]
    write(name, config, recipes, tokenizer, cases, effects)


# ---- Qwen3-Reranker ------------------------------------------------------------------------------------------------

# the model card's own words
PREFIX = ("<|im_start|>system\nJudge whether the Document meets the requirements based on the Query and the Instruct provided. "
          "Note that the answer can only be \"yes\" or \"no\".<|im_end|>\n<|im_start|>user\n")
SUFFIX = "<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n"
TASK = "Given a web search query, retrieve relevant passages that answer the query"


def make_reranker(name: str, config: dict, tokenizer, context: int) -> None:
    recipes = make.tensors(config, make.SAFETENSORS, {})
    model = load(transformers.AutoModelForCausalLM, config, recipes, [])
    tokens = lambda text: tokenizer.encode(text, add_special_tokens=False).ids
    yes, no = tokenizer.token_to_id("yes"), tokenizer.token_to_id("no")

    def prompt(query, passage, task=TASK, suffix=SUFFIX, blank=" "):
        prefix, suffix = tokens(PREFIX), tokens(suffix)
        body = tokens(f"<Instruct>: {task}\n<Query>: {query}\n<Document>:{blank}{passage}")
        room = context - len(prefix) - len(suffix)
        return prefix + body[:room] + suffix, len(body) > room

    def chances(ids):
        with torch.no_grad():
            last = [model(torch.tensor([of_pair])).logits[0, -1].double() for of_pair in ids]
        return numpy.array([torch.softmax(torch.stack([logits[no], logits[yes]]), 0)[1].item() for logits in last])

    prompts = [prompt(query, passage) for query, passage in PAIRS]
    reference, effects = chances([ids for ids, _ in prompts]), {}

    def mistake(of, ids):
        effects[of] = make.number(numpy.abs(chances(ids) - reference).max())

    mistake("no empty thought", [prompt(*pair, suffix=SUFFIX.split("<think>")[0])[0] for pair in PAIRS])
    mistake("no blank before the passage", [prompt(*pair, blank="")[0] for pair in PAIRS])
    mistake("no instruction", [prompt(*pair, task="")[0] for pair in PAIRS])
    mistake("yes and no mistaken", [ids[:-1] for ids, _ in prompts])
    effects["yes and no mistaken"] = make.number(numpy.abs(1 - 2 * reference).max())
    cases = [{"query": query, "passage": passage, "ids": ids, "truncated": truncated, "score": float(f"{score:.6f}")}
             for (query, passage), (ids, truncated), score in zip(PAIRS, prompts, reference)]
    write(name, config, recipes, tokenizer, cases, effects)


# ---- files ---------------------------------------------------------------------------------------------------------

def write(name: str, config: dict, recipes: list, tokenizer, cases: list, effects: dict) -> None:
    make.write(name, {
        "made_with": f"torch {torch.__version__}, transformers {transformers.__version__}, tokenizers {tokenizers.__version__}",
        "config": config,
        "tensors": recipes,
        "tokenizer": json.loads(tokenizer.to_str()),
        "cases": cases,
        "mistakes": effects,
    })
    print(f"{name}: {len(cases)} cases; {effects}")
    print("   ", [case.get("logit", case.get("score")) for case in cases if "vector" not in case])


def main() -> None:
    torch.set_num_threads(1)  # the same sums each time
    pieces, unigrams, of_bytes = word_piece(), unigram(), byte_level()

    bert = encoder_config("bert", pieces.get_vocab_size())
    make_encoder("bert", bert, encoder_tensors(bert, "", []), pieces, ["e5", "mini_lm", "bge_zh", "bge_en"], [64])
    roberta = encoder_config("xlm-roberta", unigrams.get_vocab_size())
    make_encoder("xlm-roberta", roberta, encoder_tensors(roberta, "", []), unigrams, ["bge_m3", "e5"], [64])

    bert |= {"architectures": ["BertForSequenceClassification"], "id2label": {"0": "LABEL_0"}}
    make_cross_encoder("cross-bert", bert, "bert.", ["bert.pooler.dense", "classifier"], pieces)
    roberta |= {"architectures": ["XLMRobertaForSequenceClassification"], "id2label": {"0": "LABEL_0"}}
    make_cross_encoder("cross-xlm-roberta", roberta, "roberta.", ["classifier.dense", "classifier.out_proj"], unigrams)

    make.VOCABULARY = of_bytes.get_vocab_size() + 3  # real models have rows to spare
    # saved without the outer `model.` and without a head, as Qwen3-Embedding is
    embedding = make.config("qwen3", head_dim=32, max_position_embeddings=POSITIONS, tie_word_embeddings=True, rms_norm_eps=1e-5)
    recipes = make.tensors(embedding, make.SAFETENSORS, {})
    recipes = [recipe | {"name": recipe["name"].removeprefix("model.")} for recipe in recipes]
    make_encoder("qwen3-embedding", embedding, recipes, of_bytes, ["qwen3_embedding"], [64, 32])
    reranker = make.config("qwen3", head_dim=32, max_position_embeddings=512)
    make_reranker("qwen3-reranker", reranker, of_bytes, 512)


if __name__ == "__main__":
    main()
