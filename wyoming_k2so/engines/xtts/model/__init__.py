"""XTTS-v2's networks: tokenizer, GPT, sampling and vocoder. Knows nothing of files, threads or voices.

Weights come from a `WeightReader`; who opens the checkpoint is up to others.
"""
