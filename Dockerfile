# Lyceum in a container: built in one Debian 13, run in another that holds only what it needs.
#   docker compose up          (see docker-compose.yml and docs/OPERATE.md)
FROM debian:trixie-slim AS build
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      gcc libc6-dev make pkg-config perl libmicrohttpd-dev libpq-dev libjansson-dev libssl-dev \
      libargon2-dev libcurl4-openssl-dev libqrencode-dev zlib1g-dev libpango1.0-dev \
      libxlsxwriter-dev openssl curl postgresql && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN make build/lyceum && strip build/lyceum

FROM debian:trixie-slim
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      libmicrohttpd12t64 libpq5 libjansson4 libssl3t64 libargon2-1 libcurl4t64 libqrencode4 \
      zlib1g libpangocairo-1.0-0 '^libxlsxwriter[0-9]+(t64)?$' fonts-wqy-microhei \
      ca-certificates curl && rm -rf /var/lib/apt/lists/* /var/cache/apt /var/log/apt && \
    useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin lyceum
COPY --from=build /src/build/lyceum /usr/bin/lyceum
COPY cli/container.sh /usr/bin/lyceum-container
USER 10001
ENV LYCEUM_BIND=0.0.0.0 PORT=8080
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s \
  CMD ["curl", "-fsS", "-o", "/dev/null", "http://127.0.0.1:8080/readyz"]
ENTRYPOINT ["/usr/bin/lyceum-container"]
CMD ["serve"]
