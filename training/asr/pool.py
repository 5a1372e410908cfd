"""The speech that training draws from: one int16 tensor on the device, renewed while training runs.

The planners (other processes) may have chosen utterances of a slot some steps ago. A slot is
therefore taken out of their sight first and overwritten only when no such plan can still be under way.
"""

from __future__ import annotations

from collections import deque

import numpy as np
import torch

from training.asr.material import SLOT_SAMPLES, Placed, Slot
from training.asr.planners import Planners

STEPS_UNSEEN = 48  # more than the plans that are ever ahead


class SpeechPool:
    """`capacity` slots on `device`; tells `planners` what comes and goes."""

    def __init__(self, capacity: int, device: torch.device, planners: Planners) -> None:
        self.samples = torch.zeros(capacity * SLOT_SAMPLES, dtype=torch.int16, device=device)
        self.planners = planners
        # As many as may be replaced within STEPS_UNSEEN steps: speech comes in faster than it is heard out.
        self._most_retired = max(2, min(STEPS_UNSEEN, capacity // 8))
        self._free = deque(range(capacity))
        self._order: deque[Placed] = deque()  # oldest first
        self._retired: deque[tuple[int, int]] = deque()  # place, step
        self._held_samples = 0
        self.received = 0

    def room(self, step: int) -> bool:
        """Whether `add` has a place; prepares one for later otherwise."""
        if self._free:
            return True
        while len(self._retired) < self._most_retired and len(self._order) > 2 * self._most_retired:
            oldest = self._order.popleft()
            self._held_samples -= sum(oldest.slot.lengths)
            self.planners.remove(oldest.index)
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
        self._held_samples += sum(slot.lengths)
        self.planners.add(placed)
        self.received += 1

    def hours(self) -> float:
        """Speech in sight, in hours."""
        return self._held_samples / 16000 / 3600
