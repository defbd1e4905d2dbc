"""Asks the shipped files every question of questions.json, in Transformers and in real llama.cpp.

    python scripts/evaluate_model.py [models/sums-2m]

An answer counts when the greedy text up to <|im_end|> is the expected text, character for character.
Figures go into provenance.json.
"""

import importlib.metadata
import json
import platform
import sys
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import torch
from cyllama.llama import llama_cpp
from transformers import AutoTokenizer, Qwen2ForCausalLM

MAX_NEW_TOKENS = 40
PACKAGES = ("torch", "transformers", "tokenizers", "safetensors", "gguf", "numpy", "cyllama")

Generate = Callable[[list[list[int]]], list[list[int]]]


def transformers_generate(folder: Path, end: int) -> Generate:
    """Greedy, float32 arithmetic on the float16 weights; prompts of equal length share a batch."""
    model = Qwen2ForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()

    def generate(prompts: list[list[int]]) -> list[list[int]]:
        by_length = defaultdict(list)
        for index, prompt in enumerate(prompts):
            by_length[len(prompt)].append(index)
        answers: list[list[int]] = [[] for _ in prompts]
        for length, indices in by_length.items():
            ids = torch.tensor([prompts[index] for index in indices])
            out = model.generate(
                ids, attention_mask=torch.ones_like(ids), max_new_tokens=MAX_NEW_TOKENS, do_sample=False
            )
            for index, row in zip(indices, out[:, length:].tolist()):
                answers[index] = row[: row.index(end)] if end in row else row
        return answers

    return generate


def llama_cpp_generate(path: Path, end: int) -> Generate:
    """Greedy, one prompt after the other, in llama.cpp's CPU backend with its usual settings."""
    llama_cpp.disable_logging()
    model = llama_cpp.LlamaModel(str(path))
    params = llama_cpp.LlamaContextParams()
    params.n_ctx = 256
    params.n_threads = params.n_threads_batch = 1
    context = llama_cpp.LlamaContext(model, params)
    sampler = llama_cpp.LlamaSampler(llama_cpp.LlamaSamplerChainParams())
    sampler.add_greedy()

    def best_after(tokens: list[int], start: int) -> int:
        batch = llama_cpp.LlamaBatch(n_tokens=len(tokens), embd=0, n_seq_max=1)
        for offset, token in enumerate(tokens):
            batch.add(token, start + offset, [0], offset == len(tokens) - 1)
        context.decode(batch)
        return sampler.sample(context, -1)

    def answer(prompt: list[int]) -> list[int]:
        context.kv_cache_clear()
        out = [best_after(prompt, 0)]
        while out[-1] != end and len(out) < MAX_NEW_TOKENS:
            out.append(best_after(out[-1:], len(prompt) + len(out) - 1))
        return out[:-1] if out[-1] == end else out

    return lambda prompts: [answer(prompt) for prompt in prompts]


def evaluate(out: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(out / "hf")
    end = tokenizer.eos_token_id
    sets = json.loads((out / "questions.json").read_text())["sets"]
    engines = {
        "transformers f16": transformers_generate(out / "hf", end),
        "llama.cpp f16": llama_cpp_generate(out / "sums-2m.f16.gguf", end),
        "llama.cpp q4_k_m": llama_cpp_generate(out / "sums-2m.q4_k_m.gguf", end),
    }
    accuracy = {}
    for questions in sets:
        prompts = [
            tokenizer.apply_chat_template(
                [*questions["before"], {"role": "user", "content": question}],
                add_generation_prompt=True,
                return_dict=False,
            )
            for question, _ in questions["items"]
        ]
        figures = {"asked": len(prompts)}
        for engine, generate in engines.items():
            texts = [tokenizer.decode(ids) for ids in generate(prompts)]
            wrong = [(q, a, text) for (q, a), text in zip(questions["items"], texts) if text != a]
            figures[engine] = len(prompts) - len(wrong)
            print(questions["name"], engine, f"{figures[engine]} of {len(prompts)}", wrong[:3], flush=True)
        accuracy[questions["name"]] = figures

    path = out / "provenance.json"
    provenance = json.loads(path.read_text())
    provenance["accuracy"] = {"unit": "exact greedy answers", "heldOut": {}, "seenInTraining": {}}
    for questions in sets:
        group = "heldOut" if questions["heldOut"] else "seenInTraining"
        provenance["accuracy"][group][questions["name"]] = accuracy[questions["name"]]
    provenance["versions"] = {"python": platform.python_version()} | {
        package: importlib.metadata.version(package) for package in PACKAGES
    }
    path.write_text(json.dumps(provenance, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    evaluate(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1] / "models" / "sums-2m")
