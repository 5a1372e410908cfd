"""The speech that training draws from: one int16 tensor on the device, renewed while training runs.

The planner (another thread) may have chosen utterances of a slot some steps ago. A slot is therefore taken out of
sight first and overwritten only when no such plan can still be under way.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
import torch

from training.asr.material import SLOT_SAMPLES, Slot
from training.asr.tokens import LANGUAGES

STEPS_UNSEEN = 16  # more than the plans that are ever ahead
_RETIRED_AHEAD = 4


@dataclass
class Placed:
    """A slot and where its samples begin in the pool."""

    slot: Slot
    index: int

    @property
    def start(self) -> int:
        return self.index * SLOT_SAMPLES


class SpeechPool:
    """`capacity` slots on `device`."""

    def __init__(self, capacity: int, device: torch.device) -> None:
        self.samples = torch.zeros(capacity * SLOT_SAMPLES, dtype=torch.int16, device=device)
        self.active: dict[str, list[Placed]] = {name: [] for name in LANGUAGES}  # lists are replaced, not changed
        self._free = deque(range(capacity))
        self._order: deque[Placed] = deque()  # oldest first
        self._retired: deque[tuple[int, int]] = deque()  # place, step
        self.received = 0

    def room(self, step: int) -> bool:
        """Whether `add` has a place; prepares one for later otherwise."""
        if self._free:
            return True
        while len(self._retired) < _RETIRED_AHEAD and len(self._order) > 2 * _RETIRED_AHEAD:
            oldest = self._order.popleft()
            language = oldest.slot.language
            self.active[language] = [p for p in self.active[language] if p is not oldest]
            self._retired.append((oldest.index, step))
        return bool(self._retired) and self._retired[0][1] + STEPS_UNSEEN <= step

    def add(self, slot: Slot) -> None:
        """Copies a slot in and lets it be drawn. Only after `room`."""
        index = self._free.popleft() if self._free else self._retired.popleft()[0]
        placed = Placed(slot, index)
        self.samples[placed.start : placed.start + len(slot.samples)] = torch.from_numpy(slot.samples).to(
            self.samples.device
        )
        slot.samples = np.zeros(0, np.int16)  # from here on only the device holds them
        self._order.append(placed)
        self.active[slot.language] = [*self.active[slot.language], placed]
        self.received += 1

    def hours(self) -> float:
        """Speech in sight, in hours."""
        return sum(sum(p.slot.lengths) for p in list(self._order)) / 16000 / 3600
