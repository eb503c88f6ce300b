"""Prints the golden values of optimizer_test.go.

Written for torch 2.15.0. Run: python generate.py
"""
import torch

p = torch.tensor([0.5, -1.25, 2.0, 0.0], requires_grad=True)
adamw = torch.optim.AdamW([p], lr=0.01, betas=(0.9, 0.99), eps=1e-8, weight_decay=0.1)
for g in ([1.0, -2.0, 0.5, 0.0], [0.25, 3.0, -0.5, 1e-6], [-1.0, 0.125, 0.75, 2.0]):
    p.grad = torch.tensor(g)
    adamw.step()
    print([float(x) for x in p.detach()])
