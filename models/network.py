"""The network, for training: a Llama in torch, in the layout that GGUF wants.

RMSNorm, rotary positions on interleaved pairs, grouped-query attention, SwiGLU,
input and output embedding tied. Weights are float32; matrix products run in
bfloat16, which on a CPU with AVX-512 BF16 is many times as fast.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class Shape:
    """Every size of the model. Row lengths are multiples of 32, for Q8_0."""

    vocab: int = 1280
    dim: int = 192
    layers: int = 5
    heads: int = 6
    kv_heads: int = 2
    ffn: int = 448
    context: int = 512
    rope_base: float = 10000.0
    epsilon: float = 1e-5

    @property
    def head_dim(self) -> int:
        return self.dim // self.heads

    @property
    def kv_dim(self) -> int:
        return self.head_dim * self.kv_heads

    def to_dict(self) -> dict:
        return asdict(self)


class RmsNormFunction(torch.autograd.Function):
    """RMSNorm with its gradient by hand: half the passes over memory."""

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, epsilon: float) -> Tensor:
        mean_square = torch.linalg.vector_norm(x, dim=-1, keepdim=True).square_() / x.shape[-1]
        inverse = mean_square.add_(epsilon).rsqrt_()
        normal = x * inverse
        ctx.save_for_backward(normal, inverse, weight)
        return normal * weight

    @staticmethod
    def backward(ctx, grad: Tensor):
        normal, inverse, weight = ctx.saved_tensors
        product = grad * normal
        grad_weight = product.sum(dim=tuple(range(grad.dim() - 1)))
        mean = (product @ weight).div_(grad.shape[-1]).unsqueeze(-1)
        grad_x = (grad * weight).addcmul_(normal, mean, value=-1.0).mul_(inverse)
        return grad_x, grad_weight, None


class RmsNorm(nn.Module):
    def __init__(self, dim: int, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))
        self.epsilon = epsilon

    def forward(self, x: Tensor) -> Tensor:
        return RmsNormFunction.apply(x, self.weight, self.epsilon).bfloat16()


def product(x: Tensor, layer: nn.Linear) -> Tensor:
    """x W^T in bfloat16."""
    return F.linear(x, layer.weight.bfloat16())


def rotations(shape: Shape) -> Tensor:
    """Unit complex numbers (context, 1, head_dim / 2): position times frequency."""
    exponent = torch.arange(0, shape.head_dim, 2).float() / shape.head_dim
    angles = torch.outer(torch.arange(shape.context).float(), shape.rope_base ** -exponent)
    return torch.polar(torch.ones_like(angles), angles).unsqueeze(1)


def rotate(x: Tensor, turns: Tensor) -> Tensor:
    """RoPE on x (batch, time, heads, head_dim): neighbours are one complex number."""
    pairs = torch.view_as_complex(x.float().unflatten(-1, (-1, 2)))
    return torch.view_as_real(pairs * turns).flatten(-2).bfloat16()


class Attention(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.q = nn.Linear(shape.dim, shape.dim, bias=False)
        self.k = nn.Linear(shape.dim, shape.kv_dim, bias=False)
        self.v = nn.Linear(shape.dim, shape.kv_dim, bias=False)
        self.output = nn.Linear(shape.dim, shape.dim, bias=False)

    def forward(self, x: Tensor, turns: Tensor, mask: Tensor) -> Tensor:
        shape, (batch, time, _) = self.shape, x.shape
        group = shape.heads // shape.kv_heads
        q = rotate(product(x, self.q).view(batch, time, shape.heads, -1), turns)
        k = rotate(product(x, self.k).view(batch, time, shape.kv_heads, -1), turns)
        v = product(x, self.v).view(batch, time, shape.kv_heads, -1)
        # The heads of a group share keys, so they stack as more rows of queries:
        # q (batch * kv_heads, group * time, head_dim), k and v (…, time, head_dim).
        q = q.permute(0, 2, 1, 3).reshape(batch * shape.kv_heads, group * time, -1)
        k = k.transpose(1, 2).reshape(batch * shape.kv_heads, time, -1)
        v = v.transpose(1, 2).reshape(batch * shape.kv_heads, time, -1)
        scores = torch.bmm(q * shape.head_dim**-0.5, k.transpose(1, 2))
        weights = F.softmax(scores.add_(mask.repeat(group, 1)), dim=-1)
        mixed = torch.bmm(weights, v).view(batch, shape.heads, time, -1)
        return product(mixed.transpose(1, 2).reshape(batch, time, -1), self.output)


class FeedForward(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.gate = nn.Linear(shape.dim, shape.ffn, bias=False)
        self.up = nn.Linear(shape.dim, shape.ffn, bias=False)
        self.down = nn.Linear(shape.ffn, shape.dim, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return product(F.silu(product(x, self.gate)) * product(x, self.up), self.down)


class Block(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.attn_norm = RmsNorm(shape.dim, shape.epsilon)
        self.attn = Attention(shape)
        self.ffn_norm = RmsNorm(shape.dim, shape.epsilon)
        self.ffn = FeedForward(shape)

    def forward(self, x: Tensor, turns: Tensor, mask: Tensor) -> Tensor:
        x = x + self.attn(self.attn_norm(x), turns, mask)
        return x + self.ffn(self.ffn_norm(x))


class Llama(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(shape.vocab, shape.dim)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = RmsNorm(shape.dim, shape.epsilon)
        self.register_buffer("turns", rotations(shape), persistent=False)
        self._initialise()

    def _initialise(self) -> None:
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2:
                # What writes to the residual stream starts smaller, by its depth.
                last = name.endswith(("output.weight", "down.weight"))
                scale = (2 * self.shape.layers) ** -0.5 if last else 1.0
                width = parameter.shape[1] ** -0.5 if "embedding" not in name else 0.04
                nn.init.normal_(parameter, std=width * scale)

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits (batch, time, vocab) in bfloat16 for tokens (batch, time)."""
        time = tokens.shape[1]
        mask = torch.full((time, time), float("-inf")).triu(1).bfloat16()
        x = self.embedding(tokens)
        for block in self.blocks:
            x = block(x, self.turns[:time], mask)
        return F.linear(self.norm(x), self.embedding.weight.bfloat16())
