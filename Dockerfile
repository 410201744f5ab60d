# syntax=docker/dockerfile:1
# Two stages: build with Rust, run on a slim Debian. `--build-arg FEATURES=cuda` builds for NVIDIA GPUs on a CUDA base.
ARG BUILD_IMAGE=rust:1.96-bookworm
ARG RUN_IMAGE=debian:bookworm-slim

FROM ${BUILD_IMAGE} AS build
ARG BUILD_IMAGE
ARG FEATURES=""
# Of the GPU that will run it: 80 A100, 90 H100 and H200. A build sees no GPU to ask.
ARG CUDA_COMPUTE_CAP=90
ENV CUDA_COMPUTE_CAP=${CUDA_COMPUTE_CAP}
# The CUDA image has no Rust; the Rust image does.
RUN command -v cargo >/dev/null || (apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates curl build-essential \
    && curl -fsSL https://sh.rustup.rs | sh -s -- -y --profile minimal --default-toolchain 1.96.0)
ENV PATH=/root/.cargo/bin:/usr/local/cargo/bin:${PATH}
# The headers that our kernels are compiled over; no library of it is used.
RUN case "${FEATURES}" in *cuda*) apt-get update && apt-get install -y --no-install-recommends python3-pip \
    && python3 -m pip install --no-cache-dir --no-deps --target /opt/python flashinfer-python==0.6.18 ;; esac
ENV FLASHINFER_DATA=/opt/python/flashinfer/data
WORKDIR /build
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/build/target,id=docent-target-${BUILD_IMAGE} \
    cargo build --release --locked --bin docent --features "${FEATURES}" \
    && install -D target/release/docent /out/docent

FROM ${RUN_IMAGE}
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates curl \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /var/lib/docent --create-home docent
COPY --from=build /out/docent /usr/local/bin/docent
COPY config /etc/docent
USER docent
WORKDIR /var/lib/docent
ENV DOCENT__DATA__DIR=/var/lib/docent DOCENT__HTTP__LISTEN=0.0.0.0:8080
VOLUME /var/lib/docent
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s --retries=6 CMD curl -fsS http://127.0.0.1:8080/readyz || exit 1
ENTRYPOINT ["docent"]
CMD ["serve", "--config", "/etc/docent/production.toml"]
