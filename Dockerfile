# Builds the package, then runs it on a small image without the tools that built it.
FROM node:24-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json ./
COPY scripts scripts
RUN npm ci --include=dev --no-audit --no-fund
COPY . .
RUN npm run build && npm pack --ignore-scripts --pack-destination /packed

FROM node:24-bookworm-slim
RUN useradd --system --create-home --home-dir /var/lib/ashlar ashlar
COPY --from=build /packed/ashlar-*.tgz /tmp/ashlar.tgz
RUN npm install --global --no-audit --no-fund /tmp/ashlar.tgz && rm /tmp/ashlar.tgz
USER ashlar
VOLUME /var/lib/ashlar
EXPOSE 9000 9100
# Inside a container the listeners are reached through its network: put TLS in front, or give certificates by --s3-tls-cert.
ENTRYPOINT ["ashlar", "serve", "--data-dir", "/var/lib/ashlar", "--allow-plaintext", "--s3-listen", "0.0.0.0:9000", "--api-listen", "0.0.0.0:9100"]
HEALTHCHECK --interval=10s --timeout=3s CMD ["node", "-e", "fetch('http://127.0.0.1:9100/readyz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
