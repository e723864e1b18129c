"""The mean of two networks' weights, one trained on from the other, with batch norm estimated anew on text.

    python benchmarks/average_models.py START TRAINED --data text-a text-b --out mean.safetensors

(M. Wortsman et al. 2022, "Model soups".) The last layers are those of TRAINED: START may be whitened, its own are then
turned. 400 crops of each set, seed 0; bfloat16 where it is fast.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from sigkd.datasets.textset import TextDataset
from sigkd.models.extract import crop_to_input
from sigkd.models.io import load_model, save_model
from sigkd.paths import data_dir

CROPS, BATCH = 400, 64
OWN = ("feature.", "head.")
"""Layers that are not averaged."""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("start")
    parser.add_argument("trained")
    parser.add_argument("--data", nargs="+", required=True, help="prepared text sets")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--share", type=float, default=0.5, help="of TRAINED")
    chosen = parser.parse_args()
    start, trained = (load_model(name) for name in (chosen.start, chosen.trained))
    network = trained.network.float()
    before, state = start.network.float().state_dict(), network.state_dict()
    for name, tensor in state.items():
        if tensor.is_floating_point() and not name.startswith(OWN):
            state[name] = chosen.share * tensor + (1 - chosen.share) * before[name]
    network.load_state_dict(state)

    random = np.random.default_rng(0)
    sets = [TextDataset.open(data_dir() / "datasets" / name).images for name in chosen.data]
    crops = [images[np.sort(random.choice(len(images), CROPS, replace=False))] for images in sets]
    images = crop_to_input(np.concatenate(crops))
    images = images[random.permutation(len(images))]
    network.train()
    for module in network.modules():
        if isinstance(module, (torch.nn.BatchNorm1d, torch.nn.BatchNorm2d)):
            module.reset_running_stats()
            module.momentum = None  # the plain mean over batches
    fast = torch.ops.mkldnn._is_mkldnn_bf16_supported()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=fast):
        for place in range(0, len(images) - BATCH + 1, BATCH):
            network(torch.from_numpy(images[place : place + BATCH]).float().div_(255).unsqueeze(1))
    network.eval()
    save_model(chosen.out, network, {**trained.metadata, "averaged_with": start.hash, "share": chosen.share})


if __name__ == "__main__":
    main()
