"""Processes that make plans ahead, so that the training process only feeds the device."""

from __future__ import annotations

import multiprocessing
import queue
from pathlib import Path

from training.asr import tokens as token_sets
from training.asr.material import Placed
from training.asr.windows import Plan, Planner, Shape

_AHEAD = 5  # plans that a process has ready


class Planners:
    """`count` processes with one shelf each, all alike."""

    def __init__(self, tokenizer: Path, count: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._plans = context.Queue(_AHEAD * count)
        self._orders = [context.Queue() for _ in range(count)]
        self._processes = [
            context.Process(target=_serve, args=(str(tokenizer), orders, self._plans), daemon=True)
            for orders in self._orders
        ]
        for process in self._processes:
            process.start()
        self._shape: Shape | None = None

    def _tell(self, *order) -> None:
        for orders in self._orders:
            orders.put(order)

    def add(self, placed: Placed) -> None:
        self._tell("add", placed)

    def remove(self, index: int) -> None:
        self._tell("remove", index)

    def begin(self, shape: Shape, seed: int, silent_share: float) -> None:
        """From now on plans of this shape."""
        self._shape = shape
        for number, orders in enumerate(self._orders):
            orders.put(("begin", shape, seed + number, silent_share))

    def next(self) -> Plan:
        """The next plan of the present shape; plans of the shape before are dropped."""
        while True:
            item = self._plans.get(timeout=120)
            if isinstance(item, str):
                raise RuntimeError(item)
            if item.shape == self._shape:
                return item

    def close(self) -> None:
        for process in self._processes:
            process.terminate()
            process.join()


def _serve(tokenizer: str, orders: multiprocessing.Queue, plans: multiprocessing.Queue) -> None:
    tokens = token_sets.load(tokenizer)
    shelf: dict[str, list[Placed]] = {name: [] for name in token_sets.LANGUAGES}
    planner: Planner | None = None
    try:
        while True:
            ready = planner is not None and all(shelf.values())
            try:
                order = orders.get(block=not ready)
            except queue.Empty:
                plans.put(planner.plan())
                continue
            if order[0] == "add":
                shelf[order[1].slot.language].append(order[1])
            elif order[0] == "remove":
                for language in shelf:
                    shelf[language] = [placed for placed in shelf[language] if placed.index != order[1]]
            else:
                planner = Planner(shelf, tokens, *order[1:])
    except Exception as error:  # the training process raises it
        plans.put(f"planner: {type(error).__name__}: {error}")
