# syntax=docker/dockerfile:1
FROM rust:1.95-bookworm AS build
WORKDIR /src
# The fast parts of the codecs for JPEG and AVIF are assembly.
RUN apt-get update && apt-get install -y --no-install-recommends nasm && rm -rf /var/lib/apt/lists/*
COPY . .
RUN cargo build --profile dist --locked --bin feedwright --features avif-asm

FROM debian:bookworm-slim
# A font for the words in drawings (SVG).
RUN apt-get update && apt-get install -y --no-install-recommends fonts-dejavu-core && rm -rf /var/lib/apt/lists/*
RUN useradd --uid 10001 --shell /usr/sbin/nologin --home-dir /var/lib/feedwright --create-home feedwright
COPY --from=build /src/target/dist/feedwright /usr/local/bin/feedwright
COPY config/feedwright.toml /etc/feedwright/feedwright.toml
# Mount a configuration of your own over /etc/feedwright/feedwright.toml; FEEDWRIGHT_… variables
# override it (docs/configuration.md).
ENV FEEDWRIGHT_CONFIG=/etc/feedwright/feedwright.toml \
    FEEDWRIGHT_SERVER_LISTEN=0.0.0.0:8080
USER 10001
# The store's directory, "data", is below this one.
WORKDIR /var/lib/feedwright
VOLUME /var/lib/feedwright
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=5s CMD ["feedwright", "healthcheck"]
STOPSIGNAL SIGTERM
CMD ["feedwright", "serve"]
