# wyoming-k2so in a container. Build: docker build --build-arg VARIANT=cpu -t wyoming-k2so:cpu .
#
# VARIANT selects the engines:
#   light  the embedded voice only (default)
#   cpu    with XTTS-v2 and PyTorch's small CPU build
#   cuda   with XTTS-v2 and PyTorch's build for NVIDIA cards
# TORCH selects another build of PyTorch, by uv's name for it; an empty TORCH takes the package index's own.
ARG PYTHON=3.13

FROM python:${PYTHON}-slim-trixie AS build
ARG VARIANT=light
ARG TORCH
# A mirror of the Python Package Index, for pip and uv.
ARG PIP_INDEX_URL
ARG UV_DEFAULT_INDEX
# A Japanese dependency must be compiled on ARM and for new Pythons.
# hadolint ignore=DL3008
RUN test "$VARIANT" = light || { apt-get update && apt-get install -y --no-install-recommends g++ \
    && rm -rf /var/lib/apt/lists/*; }
# uv knows where to find PyTorch's builds.
RUN pip install --no-cache-dir uv==0.13.9
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY wyoming_k2so wyoming_k2so
RUN python -m venv /opt/k2so && case "$VARIANT" in \
        light) package=. torch= ;; \
        cpu) package='.[xtts]' torch=${TORCH-cpu} ;; \
        cuda) package='.[xtts]' torch=${TORCH-cu130} ;; \
        *) echo "VARIANT must be light, cpu or cuda, not '$VARIANT'" >&2; exit 1 ;; \
    esac && uv pip install --no-cache --compile-bytecode --python /opt/k2so/bin/python \
        ${torch:+--torch-backend "$torch"} "$package"

FROM python:${PYTHON}-slim-trixie
LABEL org.opencontainers.image.title="wyoming-k2so" \
      org.opencontainers.image.description="A streaming text-to-speech server for Home Assistant" \
      org.opencontainers.image.licenses="GPL-3.0-or-later"
RUN useradd --uid 10200 --user-group --no-create-home --home-dir /data --shell /usr/sbin/nologin k2so \
    && install -d -o k2so -g k2so /data /data/cache
COPY --from=build /opt/k2so /opt/k2so
ENV PATH=/opt/k2so/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility \
    K2SO_DATA_DIR=/data \
    K2SO_CACHE_DIR=/data/cache
USER 10200:10200
WORKDIR /data
VOLUME /data
EXPOSE 10200
HEALTHCHECK --interval=60s --timeout=15s --start-period=60s CMD ["wyoming-k2so", "check"]
ENTRYPOINT ["wyoming-k2so"]
CMD ["serve"]
