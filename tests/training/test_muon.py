"""Muon: near-orthogonal steps of the size of AdamW's in every shape, and nothing from a broken gradient."""

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")

from training.muon import ADAMW_SIZE, Muon, orthogonalised  # noqa: E402


def test_singular_values_become_about_one():
    torch.manual_seed(1)
    matrices = torch.randn(3, 24, 40) * torch.tensor([1e-4, 1.0, 1e4]).view(3, 1, 1)
    values = torch.linalg.svdvals(orthogonalised(matrices))
    # The coefficients trade exactness for speed: 0.68 to 1.14, less where a value began tiny.
    assert values.max() < 1.25 and values.min() > 0.3


def weights(*shapes: tuple[int, int]) -> list[torch.nn.Parameter]:
    torch.manual_seed(2)
    made = [torch.nn.Parameter(torch.randn(shape)) for shape in shapes]
    for weight in made:
        weight.grad = torch.randn_like(weight)
    return made


def test_steps_have_the_size_of_adamw_in_every_shape():
    made = weights((32, 32), (32, 96), (96, 32), (64, 16))
    before = [weight.detach().clone() for weight in made]
    Muon(made, 0.0).step(0.01)
    for weight, old in zip(made, before):
        size = (weight - old).square().mean().sqrt()
        assert 0.6 * ADAMW_SIZE * 0.01 < size < 1.2 * ADAMW_SIZE * 0.01
        assert ((weight - old) * weight.grad).sum() < 0  # downhill


def test_a_tall_matrix_steps_like_its_transpose():
    (tall,), (flat,) = weights((48, 16)), weights((16, 48))
    flat.data, flat.grad = tall.detach().T.clone(), tall.grad.T.clone()
    for weight in (tall, flat):
        Muon([weight], 0.1).step(0.01)
    assert torch.allclose(tall.T, flat, atol=1e-6)


def test_a_broken_gradient_leaves_the_weights():
    made = weights((16, 16))
    made[0].grad[0, 0] = float("nan")
    before = made[0].detach().clone()
    muon = Muon(made, 0.0)
    muon.step(0.01, torch.tensor(True))
    assert torch.equal(made[0], before) and torch.isfinite(muon.momenta[0]).all()


def test_state_goes_on_where_it_stopped():
    one, other = weights((16, 32)), weights((16, 32))
    first, second = Muon(one, 0.1), Muon(other, 0.1)
    first.step(0.01)
    second.restore(first.state())
    other[0].data.copy_(one[0].data)
    first.step(0.01)
    second.step(0.01)
    assert torch.equal(one[0], other[0])
