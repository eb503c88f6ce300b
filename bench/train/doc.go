// Command train measures a training step: the Qwen2.5-0.5B shape with random
// weights, LoRA of rank 16 on every linear layer, one sequence of 512 tokens, every
// position labelled, F32 arithmetic over BF16 weights.
//
//	go run ./bench/train -steps 5 -threads 2
//
// peer.py beside it does the same with PyTorch, transformers and PEFT. run.sh runs
// the two in turn and prints the medians and their ratio.
package main
