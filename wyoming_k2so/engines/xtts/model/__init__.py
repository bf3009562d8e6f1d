"""XTTS-v2's networks: tokenizer, GPT, sampling and vocoder."""
