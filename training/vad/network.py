"""The Silero voice-activity network for 16 kHz, under the names of its published weights
(docs/models/silero.md).

A window of 512 samples with the 64 before it becomes four spectra of 129 magnitudes; four convolutions
turn them into one vector of 128; an LSTM carries what was heard before; a last weight per unit gives the
probability of speech. Training runs whole recordings [B, N] at once: everything but the LSTM treats
windows as a batch.
"""

import math
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

WINDOW = 512  # samples a probability is about
CONTEXT = 64  # samples before them that the network sees again
BINS = 129
FRAME, HOP = 256, 128  # of the short-time Fourier transform
UNITS = 128

# Tensors of the LSTM here and in the file; all others have one name.
_LSTM_NAMES = {
    "lstm.weight_ih_l0": "lstm_cell.weight_ih",
    "lstm.weight_hh_l0": "lstm_cell.weight_hh",
    "lstm.bias_ih_l0": "lstm_cell.bias_ih",
    "lstm.bias_hh_l0": "lstm_cell.bias_hh",
}


def fourier_basis() -> Tensor:
    """[258, 1, 256]: 129 rows of a periodic Hann window times cosine, then 129 times minus sine."""
    n = torch.arange(FRAME, dtype=torch.float64)
    hann = 0.5 - 0.5 * torch.cos(2 * math.pi * n / FRAME)
    angle = 2 * math.pi * torch.arange(BINS, dtype=torch.float64)[:, None] * n / FRAME
    return torch.cat([hann * torch.cos(angle), -hann * torch.sin(angle)])[:, None].float()


class SileroVad(nn.Module):
    """forward(samples [B, N], state) -> logits of speech [B, N / 512], state; N is a multiple of 512."""

    def __init__(self) -> None:
        super().__init__()
        self.stft_conv = nn.Conv1d(1, 2 * BINS, FRAME, stride=HOP, bias=False)
        self.stft_conv.weight = nn.Parameter(fourier_basis(), requires_grad=False)
        self.conv1 = nn.Conv1d(BINS, 128, 3, padding=1)
        self.conv2 = nn.Conv1d(128, 64, 3, stride=2, padding=1)
        self.conv3 = nn.Conv1d(64, 64, 3, stride=2, padding=1)
        self.conv4 = nn.Conv1d(64, 128, 3, padding=1)
        self.lstm = nn.LSTM(UNITS, UNITS, batch_first=True)
        self.final_conv = nn.Conv1d(UNITS, 1, 1)
        with torch.no_grad():  # an LSTM that starts out remembering learns pauses sooner
            self.lstm.bias_ih_l0[UNITS : 2 * UNITS] = 1.0

    @torch.no_grad()
    def magnitudes(self, samples: Tensor) -> Tensor:
        """Spectra [B * W, 129, 4] of samples [B, 512 W]: context and window, mirrored by 64 at the right."""
        windows = nn.functional.pad(samples, (CONTEXT, 0)).unfold(1, CONTEXT + WINDOW, WINDOW)
        # Mirrored by hand: the padding kernel of CUDA takes at most 65,535 items.
        mirror = windows[..., -1 - CONTEXT : -1].flip(-1)
        frames = torch.cat([windows, mirror], -1).view(-1, CONTEXT + WINDOW + CONTEXT).unfold(1, FRAME, HOP)
        spectrum = frames @ self.stft_conv.weight[:, 0].T  # [B * W, 4, 258]
        return spectrum[..., :BINS].hypot(spectrum[..., BINS:]).transpose(1, 2)

    def forward(
        self, samples: Tensor, state: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Logits of a recording from its start; `state` (h, c, each [1, B, 128]) only for the LSTM's
        start.
        """
        x = self.magnitudes(samples)
        for conv in (self.conv1, self.conv2, self.conv3, self.conv4):
            x = torch.relu(conv(x))
        hidden, state = self.lstm(x.reshape(samples.shape[0], -1, UNITS), state)
        return self.final_conv(torch.relu(hidden).transpose(1, 2))[:, 0], state

    @torch.no_grad()
    def probabilities(self, samples: Tensor) -> Tensor:
        """[B, W] of speech; a last short window is filled with zeros, as the program does."""
        missing = -samples.shape[1] % WINDOW
        return torch.sigmoid(self(nn.functional.pad(samples, (0, missing)))[0])


def published(network: SileroVad) -> dict[str, Tensor]:
    """The weights under their published names, float32."""
    return {
        _LSTM_NAMES.get(name, name): tensor.detach().float().cpu().contiguous()
        for name, tensor in network.state_dict().items()
    }


def save(network: SileroVad, path: Path) -> None:
    """Writes the weights as the program reads them."""
    save_file(published(network), str(path))


def load(path: Path) -> SileroVad:
    """A network with the weights of a published file."""
    ours = {theirs: name for name, theirs in _LSTM_NAMES.items()}
    network = SileroVad()
    network.load_state_dict({ours.get(name, name): t.float() for name, t in load_file(str(path)).items()})
    return network.eval()
