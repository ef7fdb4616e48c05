#!/usr/bin/python3
"""Trains the default model on one thread and writes a checkpoint.

    train.py --train TRAIN.jsonl --held-out HELD.jsonl --held-out SEEN.jsonl \
             --tokenizer tokenizer.json --out story.pt --minutes 50
    train.py --start story.pt ...                   # goes on from a checkpoint

Each story is one sequence: BOS, its tokens, EOS. Stories of like length share a
batch, so that little is wasted on padding. The learning rate follows a cosine
over the time allowed (`--minutes`), or over `--steps` to repeat a known run.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from network import Llama, Shape
from spm import BOS, EOS, Tokenizer

IGNORED = -100
WARMUP_STEPS = 100
FINAL_RATE = 0.02

Batch = tuple[torch.Tensor, torch.Tensor]


def load_stories(path: str, tokenizer: Tokenizer, context: int) -> list[np.ndarray]:
    """The stories of a corpus as token arrays, BOS and EOS included."""
    stories = []
    with open(path, encoding="utf-8") as corpus:
        for line in corpus:
            ids = [BOS, *tokenizer.encode(json.loads(line)), EOS]
            stories.append(np.array(ids[: context + 1], dtype=np.int16))
    return stories


def make_batch(stories: list[np.ndarray]) -> Batch:
    """Inputs and targets (batch, time), padded on the right."""
    time_ = max(len(story) for story in stories) - 1
    inputs = torch.full((len(stories), time_), EOS, dtype=torch.long)
    targets = torch.full((len(stories), time_), IGNORED, dtype=torch.long)
    for row, story in enumerate(stories):
        tokens = torch.from_numpy(story.astype(np.int64))
        inputs[row, : len(story) - 1] = tokens[:-1]
        targets[row, : len(story) - 1] = tokens[1:]
    return inputs, targets


def batches(stories: list[np.ndarray], tokens: int, rng: random.Random) -> Iterator[Batch]:
    """One pass over the stories, in batches of about `tokens` tokens."""
    order = list(range(len(stories)))
    rng.shuffle(order)
    for start in range(0, len(order), 2048):
        pool = sorted(order[start : start + 2048], key=lambda i: len(stories[i]))
        groups, i = [], 0
        while i < len(pool):
            size = max(1, tokens // len(stories[pool[i]]))
            groups.append(pool[i : i + size])
            i += size
        rng.shuffle(groups)
        for group in groups:
            yield make_batch([stories[i] for i in group])


def forever(stories: list[np.ndarray], tokens: int, seed: int) -> Iterator[Batch]:
    rng = random.Random(seed)
    while True:
        yield from batches(stories, tokens, rng)


def loss_of(model: Llama, batch: Batch) -> torch.Tensor:
    inputs, targets = batch
    logits = model(inputs).flatten(0, 1).float()
    return F.cross_entropy(logits, targets.flatten(), ignore_index=IGNORED)


@torch.no_grad()
def evaluate(model: Llama, stories: list[np.ndarray], tokens: int) -> float:
    """Mean loss per token."""
    total, count = 0.0, 0
    for batch in batches(stories, tokens, random.Random(0)):
        number = int((batch[1] != IGNORED).sum())
        total += float(loss_of(model, batch)) * number
        count += number
    return total / count


def make_optimizer(model: Llama, rate: float) -> torch.optim.AdamW:
    matrices = [p for p in model.parameters() if p.dim() == 2]
    norms = [p for p in model.parameters() if p.dim() == 1]
    groups = [{"params": matrices, "weight_decay": 0.05}, {"params": norms, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.98), eps=1e-9, foreach=True)


def rate_at(step: int, progress: float, peak: float) -> float:
    """Linear warm-up, then a cosine down to FINAL_RATE of the peak."""
    cosine = 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))
    return peak * min(1.0, (step + 1) / WARMUP_STEPS) * (FINAL_RATE + (1 - FINAL_RATE) * cosine)


def save(model: Llama, path: str, facts: dict) -> None:
    """Writes through a second file, so that a reader never sees half a checkpoint."""
    data = {"shape": model.shape.to_dict(), "facts": facts, "weights": model.state_dict()}
    temporary = Path(path + ".tmp")
    torch.save(data, temporary)
    temporary.replace(path)


def train(args: argparse.Namespace, model: Llama, stories: list[np.ndarray], before: dict) -> dict:
    """Runs until time or steps are used up; returns the facts, those of `before` added."""
    optimizer = make_optimizer(model, args.rate)
    start, recent, step, progress = time.monotonic(), [], 0, 0.0
    facts = {"steps": before.get("steps", 0), "tokens": before.get("tokens", 0)}
    first_tokens = facts["tokens"]
    for batch in forever(stories, args.batch_tokens, args.seed):
        if progress >= 1.0 or (args.stop_after and step == args.stop_after):
            break
        for group in optimizer.param_groups:
            group["lr"] = rate_at(step, progress, args.rate)
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(model, batch)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        step += 1
        facts["steps"] += 1
        facts["tokens"] += int((batch[1] != IGNORED).sum())
        recent = [*recent[-199:], float(loss.detach())]
        elapsed = time.monotonic() - start
        progress = step / args.steps if args.steps else elapsed / (60 * args.minutes)
        facts["train_loss"] = round(float(np.mean(recent)), 4)
        if step % 100 == 0:
            speed = f"{(facts['tokens'] - first_tokens) / elapsed:6.0f} tok/s"
            print(f"{elapsed:7.0f} s  {100 * progress:5.1f} %  {speed}  {facts}", flush=True)
        if step % 500 == 0:
            save(model, args.out, facts)
    return facts


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--train", required=True)
    parser.add_argument("--held-out", action="append", default=[])
    parser.add_argument("--tokenizer", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--start", help="a checkpoint to go on from")
    parser.add_argument("--minutes", type=float, default=50.0)
    parser.add_argument("--steps", type=int, default=0, help="instead of --minutes")
    parser.add_argument("--stop-after", type=int, default=0, help="steps to do of the schedule")
    parser.add_argument("--batch-tokens", type=int, default=4096)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def main() -> None:
    args = parse_arguments()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    tokenizer = Tokenizer.load(args.tokenizer)
    model = Llama(Shape(vocab=len(tokenizer.pieces)))
    before: dict = {}
    if args.start:
        checkpoint = torch.load(args.start)
        model.load_state_dict(checkpoint["weights"])
        before = checkpoint["facts"]
    stories = load_stories(args.train, tokenizer, model.shape.context)
    lengths = [len(story) for story in stories]
    parameters = sum(p.numel() for p in model.parameters())
    print(f"{parameters} parameters, {len(stories)} stories, {sum(lengths)} tokens, "
          f"longest {max(lengths)}, mean {np.mean(lengths):.0f}", flush=True)
    facts = train(args, model, stories, before)
    for path in args.held_out:
        loss = evaluate(model, load_stories(path, tokenizer, model.shape.context), args.batch_tokens)
        facts[Path(path).stem] = {"loss": round(loss, 4), "perplexity": round(math.exp(loss), 4)}
    save(model, args.out, facts)
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
