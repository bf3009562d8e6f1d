"""Names that several modules share."""

import logging

DOMAIN = "k2so"
LOGGER = logging.getLogger(__package__)

DEFAULT_PORT = 10200

# Options. The settings of a K2-SO server have the same names.
CONF_VOICE = "voice"
CONF_LANGUAGE = "language"
CONF_SPEED = "speed"
CONF_CHUNK_SAMPLES = "chunk_samples"
CONF_PREBUFFER = "prebuffer"
CONF_ENGINE = "engine"
CONF_QUANTIZATION = "quantization"
