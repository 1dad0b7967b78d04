"""The child that measures llama.cpp; runs under its Python, and answers as `engine_worker` does.

Uses the library's own functions, not the class around them: that copies logits and checks its
arguments, which a small model's token would notice.
"""

import ctypes
import json
import signal
import sys
from time import perf_counter
from typing import Any

import llama_cpp
import numpy as np
from engine_worker import Json, serve

BATCH = 512


class Peer:
    """A model with two contexts: flash attention as the library decides, and switched on."""

    def __init__(self, job: Json) -> None:
        llama_cpp.llama_backend_init()
        quiet = llama_cpp.llama_log_callback(lambda level, text, data: None)
        llama_cpp.llama_log_set(quiet, ctypes.c_void_p())
        self._quiet = quiet  # the library keeps only its address
        began = perf_counter()
        parameters = llama_cpp.llama_model_default_params()
        parameters.use_mmap = True
        self._model = llama_cpp.llama_model_load_from_file(job["model"].encode(), parameters)
        if not self._model:
            raise SystemExit(f"llama.cpp cannot open {job['model']}")
        self._words = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(self._model))
        self.open_seconds = perf_counter() - began
        self._job = job
        kinds = llama_cpp.LLAMA_FLASH_ATTN_TYPE_AUTO, llama_cpp.LLAMA_FLASH_ATTN_TYPE_ENABLED
        self._contexts = {
            name: self._context(kind) for name, kind in zip(("default", "on"), kinds, strict=True)
        }
        self._batch = llama_cpp.llama_batch_init(BATCH, 0, 1)

    def _context(self, flash: int) -> Any:
        parameters = llama_cpp.llama_context_default_params()
        parameters.n_ctx = self._job["context"]
        parameters.n_batch = parameters.n_ubatch = BATCH
        parameters.n_threads = parameters.n_threads_batch = self._job["threads"]
        parameters.flash_attn_type = flash
        context = llama_cpp.llama_init_from_model(self._model, parameters)
        if not context:
            raise SystemExit("llama.cpp makes no context of this size")
        return context

    def described(self) -> Json:
        """Return what is known without measuring."""
        return {
            "version": llama_cpp.__version__,
            "features": llama_cpp.llama_print_system_info().decode().strip(),
            "threads": self._job["threads"],
            "open_seconds": self.open_seconds,
        }

    def measure(self, question: Json) -> Json:
        """Prefill from an empty context, then decode; as `engine_worker.Engine.measure`.

        Args:
            question: Also ``flash``: which context, "default" or "on".
        """
        context = self._contexts[question["flash"]]
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(context), True)
        tokens = question["tokens"]
        began = perf_counter()
        for first in range(0, len(tokens), BATCH):
            self._append(context, tokens[first : first + BATCH], first)
        next_token = self._likeliest(context)
        prefilled = before = perf_counter()
        times: list[float] = []
        while len(times) < question["decode"] and before - prefilled < question["seconds"]:
            self._append(context, [next_token], len(tokens) + len(times))
            next_token = self._likeliest(context)
            now = perf_counter()
            times.append(now - before)
            before = now
        return {"prefill_seconds": prefilled - began, "token_seconds": times}

    def _append(self, context: Any, tokens: list[int], position: int) -> None:
        batch = self._batch
        batch.n_tokens = len(tokens)
        for index, token in enumerate(tokens):
            batch.token[index] = token
            batch.pos[index] = position + index
            batch.n_seq_id[index] = 1
            batch.seq_id[index][0] = 0
            batch.logits[index] = index == len(tokens) - 1
        if code := llama_cpp.llama_decode(context, batch):
            raise SystemExit(f"llama.cpp cannot go on (code {code})")

    def _likeliest(self, context: Any) -> int:
        logits = llama_cpp.llama_get_logits_ith(context, -1)
        return int(np.ctypeslib.as_array(logits, shape=(self._words,)).argmax())


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's, which ends this
    serve(Peer(json.loads(sys.argv[1])))
