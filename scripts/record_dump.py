"""Records what a PyTorch model computes, module by module, in one forward pass, for `apr check MODEL --dump FILE`.

    python scripts/record_dump.py MODEL_DIR --tokens 1,5,9 --dtype bfloat16 --out dump.safetensors

Or of any nn.Module, from your own code:

    from record_dump import record
    with record(model) as dump:
        model(input_ids)
    dump.save("dump.safetensors")

This file stands alone: torch, safetensors and, for models of its kind, transformers (5) are all it needs. The dump is one
safetensors file, in the types that were computed in: bfloat16 stays bfloat16. Its tensors are named by the paths of
the modules, as `model.named_modules()` has them:

    model.layers.0.mlp.up_proj              the module's output; of several the first, the others end in .1, .2
    model.layers.0.mlp.up_proj.input        its first input
    model.layers.0.self_attn.attention      a function without a module of its own, under the module that called it:
                                            attention (with .query .key .value, after rotation), silu, gelu
    model.layers.0.mlp.experts.gate_proj    inside of Transformers' experts: the chosen ones of a position side by side

A tensor that is another's memory is not stored twice: the manifest says which (`sameAs`). The manifest also holds
the tokens, who computed, in which formats, and the map by which `apr` reads the names.
"""

import argparse
import hashlib
import json
import platform
import sys
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from unittest.mock import patch

import torch
from safetensors.torch import save_file
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

# What `apr check --formats` calls the roundings of PyTorch in each type.
FORMATS = {torch.float32: "float32", torch.bfloat16: "pytorch-bf16", torch.float16: "pytorch-f16"}
ACTIVATIONS = {F.silu: "silu", F.gelu: "gelu"}
PRODUCTS = [F.linear, torch.bmm, getattr(F, "grouped_mm", None), getattr(torch, "_grouped_mm", None)]


class DumpError(Exception):
    """Something that the caller can change; the message says what."""


def record(model: torch.nn.Module, weights: Path | str | None = None, names: str = "hf") -> "Dump":
    """
    Use with `with`. `weights`: the folder or file that the model was loaded from; Transformers says it by itself.
    `names`: the map of `apr check --map` that knows the modules.
    """
    return Dump(model, weights, names)


class Dump:
    def __init__(self, model: torch.nn.Module, weights: Path | str | None, names: str):
        self.model = model
        self.names = names
        self.weights = weights or getattr(model, "name_or_path", None) or None
        self.tokens: list[int] = []
        self.values: dict[str, torch.Tensor] = {}
        self.same_as: dict[str, str] = {}
        self._owners: dict[tuple, str] = {}
        self._calls: Counter[str] = Counter()
        self._running: list[tuple[str, torch.nn.Module]] = []
        self._experts: Experts | None = None
        self._is_in_attention = False
        self._names: dict[torch.nn.Module, list[str]] = {}
        for name, module in model.named_modules(remove_duplicate=False):
            self._names.setdefault(module, []).append(name)

    def keep(self, name: str, value: torch.Tensor) -> None:
        """Also for your own code: what no module shows. Rows are positions, channels last."""
        copy = value.detach().to("cpu", torch.float32 if not value.is_floating_point() else value.dtype, copy=True)
        copy = copy.contiguous()
        place = (value.data_ptr(), value.numel(), value.dtype)
        owner = self._owners.setdefault(place, name)
        if owner != name and torch.equal(self.values[owner].flatten(), copy.flatten()):
            self.same_as[name] = owner
        else:
            self._owners[place] = name
            self.values[name] = copy

    def __enter__(self) -> "Dump":
        self._undo = ExitStack()
        for module in self._names:
            before = module.register_forward_pre_hook(self._before, with_kwargs=True)
            after = module.register_forward_hook(self._after, with_kwargs=True)
            self._undo.callback(before.remove)
            self._undo.callback(after.remove)
        for source in {sys.modules[type(module).__module__] for module in self._names}:
            if hasattr(source, "eager_attention_forward"):
                eager = self._attention(source.eager_attention_forward)
                self._undo.enter_context(patch.object(source, "eager_attention_forward", eager))
            if hasattr(source, "ALL_ATTENTION_FUNCTIONS"):
                table = AttentionFunctions(source.ALL_ATTENTION_FUNCTIONS, self._attention)
                self._undo.enter_context(patch.object(source, "ALL_ATTENTION_FUNCTIONS", table))
        self._undo.enter_context(Functions(self._called))
        self._undo.enter_context(torch.no_grad())
        return self

    def __exit__(self, *_) -> None:
        self._undo.close()

    def save(self, path: Path | str, **producer: str) -> None:
        """`producer`: further texts for the manifest."""
        if not self.values:
            hint = "call it inside of `with record(model)`; a model from torch.compile hides its modules: record it before"
            raise DumpError(f"no module of the model ran: {hint}")
        if not self.tokens:
            raise DumpError("no token ids reached the model: call it with input_ids (embeddings alone do not say them)")
        manifest = json.dumps(self._manifest(producer), ensure_ascii=False)
        save_file(self.values, path, metadata={"manifest": manifest})

    def _manifest(self, producer: dict[str, str]) -> dict:
        config = getattr(self.model, "config", None)
        kinds = {parameter.dtype for parameter in self.model.parameters() if parameter.is_floating_point()}
        kind = kinds.pop() if len(kinds) == 1 else None
        maker = {"name": "pytorch", "version": torch.__version__}
        if config is not None and "transformers" in sys.modules:
            maker = {"name": "transformers", "version": sys.modules["transformers"].__version__}
            maker["torch"] = torch.__version__
            for key in ("attn", "experts"):
                chosen = getattr(config, f"_{key}_implementation", None)
                maker |= {} if chosen is None else {key: chosen}
        maker |= {"python": platform.python_version()} | producer
        if kind is not None:
            maker["dtype"] = str(kind).removeprefix("torch.")
            maker |= {"formats": FORMATS[kind]} if kind in FORMATS else {}
        name, digest = identity(self.weights)
        return {
            "schemaVersion": 1,
            "producer": maker,
            "model": {
                "name": name or type(self.model).__name__,
                "sha256": digest,
                "architecture": getattr(config, "model_type", type(self.model).__name__),
            },
            "tokens": self.tokens,
            "positions": "all",
            "prompt": None,
            "chatTemplateApplied": False,
            "map": self.names,
            "sameAs": self.same_as,
        }

    # Hooks.

    def _name_of(self, module: torch.nn.Module) -> str:
        """Of a module that several share, the name below what is running. What runs again under a name ends in #2, …"""
        names = self._names[module]
        parent = self._running[-1][0] if self._running else ""
        name = next((name for name in names if name.startswith(f"{parent}.")), names[0])
        self._calls[name] += 1
        return name if self._calls[name] == 1 else f"{name}#{self._calls[name]}"

    def _before(self, module: torch.nn.Module, args: tuple, kwargs: dict) -> None:
        name = self._name_of(module)
        self._running.append((name, module))
        if module is self.model:
            self._start(args, kwargs)
        given = next((value for value in (*args, *kwargs.values()) if is_float(value)), None)
        if given is not None and name and not self._experts:
            self.keep(f"{name}.input", given)
        if Experts.is_kind(module):
            self._experts = Experts()

    def _after(self, module: torch.nn.Module, args: tuple, kwargs: dict, out: object) -> None:
        name, _ = self._running.pop()
        if self._experts and not Experts.is_kind(module):
            self._experts.activated.append(out)
            return
        if self._experts:
            ids = next(value for value in (*args, *kwargs.values()) if is_ids(value))
            for part, value in self._experts.by_position(ids).items():
                self.keep(f"{name}.{part}", value)
            self._experts = None
        if not name:
            out = getattr(out, "logits", out)
            name = "logits"
        for index, value in enumerate(tensors_in(out)):
            self.keep(f"{name}.{index}" if index > 0 else name, value)

    def _start(self, args: tuple, kwargs: dict) -> None:
        if self.tokens:
            raise DumpError("the model ran twice: a dump is of one forward pass, without generation")
        ids = kwargs.get("input_ids", next((value for value in (*args, *kwargs.values()) if is_ids(value)), None))
        if ids is None:
            return
        if ids.numel() != ids.shape[-1]:
            raise DumpError(f"the ids have shape {list(ids.shape)}: one sequence is recorded at a time")
        past = kwargs.get("past_key_values")
        if past is not None and hasattr(past, "get_seq_length") and past.get_seq_length() > 0:
            raise DumpError("the cache holds earlier positions: record the whole text in one pass")
        positions = kwargs.get("position_ids", kwargs.get("positions"))
        if positions is not None and positions.flatten().tolist() != list(range(ids.numel())):
            raise DumpError(f"the positions are {positions.flatten().tolist()}: they must count from 0")
        self.tokens = ids.flatten().tolist()

    # Functions that have no module.

    def _attention(self, function):
        """Transformers' own seam: (module, query, key, value, …) -> ([batch, position, head, channel], weights)."""

        def recorded(module, query, key, value, *args, **kwargs):
            if self._is_in_attention:
                return function(module, query, key, value, *args, **kwargs)
            self._is_in_attention = True
            try:
                out = function(module, query, key, value, *args, **kwargs)
            finally:
                self._is_in_attention = False
            self._keep_attention(query, key, value, out[0].transpose(1, 2))
            return out

        return recorded

    def _keep_attention(self, query, key, value, out) -> None:
        """Each [batch, head, position, channel]."""
        name = f"{self._running[-1][0]}.attention"
        for part, heads in ((".query", query), (".key", key), (".value", value), ("", out)):
            self.keep(name + part, heads.transpose(1, 2).flatten(2))

    def _called(self, function, args: tuple, kwargs: dict, out: object) -> None:
        if self._experts:
            self._experts.called(function, args, kwargs, out)
        elif self._running and function is F.scaled_dot_product_attention and not self._is_in_attention:
            query, key, value = (*args, *(kwargs[name] for name in ("query", "key", "value") if name in kwargs))[:3]
            if query.dim() == 4:
                self._keep_attention(query, key, value, out)
        elif self._running and function in ACTIVATIONS:
            name, module = self._running[-1]
            # Of a module without parts it is the output.
            if any(True for _ in module.children()):
                self.keep(f"{name}.{ACTIVATIONS[function]}", out)


class Functions(TorchFunctionMode):
    """Shows every call of a function of torch."""

    def __init__(self, called):
        super().__init__()
        self.called = called

    def __torch_function__(self, function, types, args=(), kwargs=None):
        out = function(*args, **(kwargs or {}))
        self.called(function, args, kwargs or {}, out)
        return out


class AttentionFunctions:
    """Transformers' table of attention functions, each of them recorded."""

    def __init__(self, table, recorded):
        self._table, self._recorded = table, recorded

    def __getitem__(self, key):
        return self._recorded(self._table[key])

    def get_interface(self, key, default):
        return self._recorded(self._table.get_interface(key, default))

    def __getattr__(self, name):
        return getattr(self._table, name)


class Experts:
    """
    Transformers' experts: one module with the matrices of all. It multiplies rows (pairs of a position and one of its
    experts) by gate and up in one product, and by down in another: expert by expert (eager), in the order of positions
    (batched_mm), or sorted by expert (grouped_mm).
    """

    def __init__(self):
        self.products: list[tuple] = []
        self.activated: list[torch.Tensor] = []
        self.order: torch.Tensor | None = None

    @staticmethod
    def is_kind(module) -> bool:
        matrices = [getattr(module, name, None) for name in ("gate_up_proj", "down_proj")]
        return all(isinstance(matrix, torch.nn.Parameter) and matrix.dim() == 3 for matrix in matrices)

    def called(self, function, args, kwargs, out) -> None:
        if function is torch.sort:
            self.order = out[1]
        elif function in PRODUCTS or "grouped_mm" in getattr(function, "__name__", ""):
            operands = (*args, *kwargs.values())
            rows = operands[1] if function is torch.bmm else operands[0]
            self.products.append((function, rows, out))

    def by_position(self, ids: torch.Tensor) -> dict[str, torch.Tensor]:
        """[position, experts used · channels]; nothing where the products are not as described."""
        used = ids.shape[-1]
        chosen = ids.reshape(-1, used)
        count = chosen.numel()

        def joined(parts) -> torch.Tensor:
            return torch.cat([part.reshape(part.shape[0], -1) for part in parts])

        gate_up, down = self.products[0::2], self.products[1::2]
        if not down or len(gate_up) != len(down) or not self.activated:
            return {}
        order = range(count) if self.order is None else self.order.tolist()
        if down[0][0] is F.linear:
            # Expert by expert, of one the first choices before the second ones.
            order = sorted(order, key=lambda row: (chosen.flatten()[row], row % used, row))
        gate, up = joined(out for _, _, out in gate_up).chunk(2, -1)
        parts = {
            "gate_proj": gate,
            "up_proj": up,
            "act_fn": joined(self.activated),
            "down_proj.input": joined(rows for _, rows, _ in down),
            "down_proj": joined(out for _, _, out in down),
        }
        if any(rows.shape[0] != count for rows in parts.values()):
            return {}
        back = torch.tensor(order).argsort()
        return {part: rows.cpu()[back].reshape(count // used, -1) for part, rows in parts.items()}


def is_float(value: object) -> bool:
    return isinstance(value, torch.Tensor) and value.is_floating_point() and value.dim() > 1


def is_ids(value: object) -> bool:
    return isinstance(value, torch.Tensor) and value.dtype in (torch.int32, torch.int64) and 1 <= value.dim() <= 2


def tensors_in(out: object) -> list[torch.Tensor]:
    if isinstance(out, torch.Tensor):
        return [out]
    values = out.values() if isinstance(out, dict) else out if isinstance(out, (tuple, list)) else ()
    return [value for value in values if isinstance(value, torch.Tensor)]


def identity(weights: Path | str | None) -> tuple[str, str]:
    """Name and sha256 of what the weights lie in; of several files the hash of the list of their names and hashes."""
    path = None if weights is None else Path(weights)
    if path is None or not path.exists():
        return (str(weights or ""), "")
    path = path.resolve()
    if path.is_file():
        return path.name, sha256(path)
    name = path.name if path.name != "hf" else path.parent.name
    files = sorted(path.glob("*.safetensors"))
    if len(files) < 2:
        return name, sha256(files[0]) if files else ""
    lines = "".join(f"{sha256(file)}  {file.name}\n" for file in files)
    return name, hashlib.sha256(lines.encode()).hexdigest()


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


# As a program: Transformers models.


def load(options: argparse.Namespace):
    try:
        import transformers
    except ImportError:
        raise DumpError("transformers is not installed: pip install transformers, or use record(model) with your own") from None
    transformers.utils.logging.disable_progress_bar()
    path: Path = options.model
    if not path.exists():
        raise DumpError(f"{path}: there is no such folder or file")
    folder, source = (path, {}) if path.is_dir() else (path.parent, {"gguf_file": path.name})
    chosen = {"attn_implementation": options.attention, "experts_implementation": options.experts}
    chosen = {key: value for key, value in chosen.items() if value is not None}
    kind = "auto" if options.dtype is None else getattr(torch, options.dtype)
    try:
        model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=kind, **source, **chosen)
    except (ImportError, OSError, ValueError, KeyError) as error:
        raise DumpError(f"{path}: Transformers does not open it: {error}") from error
    return model.eval().to(options.device), source


def save(model, folder: Path, is_gguf: bool) -> None:
    if is_gguf:
        # Decoded by now, but Transformers still takes it for quantised and would not write it.
        model.hf_quantizer = None
        del model.config.quantization_config
    model.save_pretrained(folder)


def token_ids(options: argparse.Namespace, source: dict) -> list[int]:
    if options.prompt is None:
        try:
            return [int(token) for token in options.tokens.split(",")]
        except ValueError:
            raise DumpError(f"--tokens {options.tokens}: ids separated by commas are needed, as in 1,5,9") from None
    from transformers import AutoTokenizer

    folder = options.model if options.model.is_dir() else options.model.parent
    return AutoTokenizer.from_pretrained(folder, **source).encode(options.prompt)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="a folder of Transformers, or a GGUF file, which it decodes")
    asked = parser.add_mutually_exclusive_group(required=True)
    asked.add_argument("--tokens", help="ids separated by commas")
    asked.add_argument("--prompt", help="a text, as it stands")
    parser.add_argument("--dtype", choices=[str(kind).removeprefix("torch.") for kind in FORMATS], help="default: the model's")
    parser.add_argument("--attention", help="eager, sdpa, …; default: Transformers' choice")
    parser.add_argument("--experts", help="eager, batched_mm, grouped_mm; default: Transformers' choice")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--save-model", type=Path, help="also write the weights as they were used to this folder")
    parser.add_argument("--out", type=Path, required=True, help="the safetensors file to write")
    options = parser.parse_args()
    try:
        model, source = load(options)
        ids = token_ids(options, source)
        if options.save_model is not None:
            save(model, options.save_model, bool(source))
        elif source and model.dtype != torch.float32:
            print(
                f"warning: the decoded weights were rounded to {model.dtype}: judge the dump by those, which "
                "--save-model FOLDER writes, or record it with --dtype float32",
                file=sys.stderr,
            )
        vocabulary = model.get_input_embeddings().num_embeddings
        wrong = next((token for token in ids if not 0 <= token < vocabulary), None)
        if wrong is not None or not ids:
            raise DumpError(f"token {wrong} is not in the vocabulary of {vocabulary}")
        with record(model, options.save_model or options.model) as dump:
            model(input_ids=torch.tensor([ids], device=options.device), use_cache=False)
        options.out.parent.mkdir(parents=True, exist_ok=True)
        dump.save(options.out)
    except DumpError as error:
        sys.exit(f"record_dump: {error}")
    print(f"{options.out}: {len(ids)} positions, {len(dump.values)} tensors under {len(dump.values) + len(dump.same_as)} names")


if __name__ == "__main__":
    main()
