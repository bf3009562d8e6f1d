"""The sizes of XTTS's networks. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Architecture:
    """Names and defaults are those of `model_args` in config.json."""

    gpt_layers: int = 30
    gpt_n_model_channels: int = 1024
    gpt_n_heads: int = 16
    gpt_max_audio_tokens: int = 605
    gpt_max_text_tokens: int = 402
    gpt_num_audio_tokens: int = 8194
    gpt_start_audio_token: int = 8192
    gpt_stop_audio_token: int = 8193
    gpt_code_stride_len: int = 1024
    gpt_use_perceiver_resampler: bool = False
    input_sample_rate: int = 22050
    output_sample_rate: int = 24000
    output_hop_length: int = 256
    d_vector_dim: int = 512
    cond_d_vector_in_each_upsampling_layer: bool = True

    @property
    def head_dim(self) -> int:
        """Channels of one attention head."""
        return self.gpt_n_model_channels // self.gpt_n_heads

    def weight_bytes(self, text_tokens: int, size: int = 4) -> int:
        """Memory of the vocoder and of the GPT with `size` bytes per weight in its layers."""
        channels = self.gpt_n_model_channels
        embeddings = text_tokens + self.gpt_max_text_tokens + self.gpt_max_audio_tokens + 2 * self.gpt_num_audio_tokens
        return size * 12 * self.gpt_layers * channels**2 + 4 * (embeddings * channels + 18_000_000)

    @property
    def max_new_tokens(self) -> int:
        """The most audio tokens in one segment (Coqui's GPT.max_gen_mel_tokens)."""
        return self.gpt_max_audio_tokens - 3
