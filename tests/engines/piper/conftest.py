"""The parts of the embedded voice, which take seconds to make."""

from __future__ import annotations

import pytest

from tests.support.piper_voices import MODEL, split_voice
from wyoming_k2so.engines.piper.graph_split import Parts


@pytest.fixture(scope="package")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Parts:
    return split_voice(MODEL, tmp_path_factory.mktemp("parts"))
