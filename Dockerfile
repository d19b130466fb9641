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
# For `ashlar serve`, and for every other command that is run in the container.
ENV ASHLAR_DATA_DIR=/var/lib/ashlar
USER ashlar
VOLUME /var/lib/ashlar
EXPOSE 9000 9100
# Inside a container the listeners are reached through its network: put TLS in front, or give certificates by --s3-tls-cert.
ENTRYPOINT ["ashlar", "serve", "--allow-plaintext", "--s3-listen", "0.0.0.0:9000", "--api-listen", "0.0.0.0:9100"]
# With --api-tls-cert it answers by TLS; the certificate is not made for the loopback address, so its name is not checked here.
HEALTHCHECK --interval=10s --timeout=3s CMD ["node", "--no-warnings", "-e", "process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'; const ask = (scheme) => fetch(scheme + '://127.0.0.1:9100/readyz'); ask('http').catch(() => ask('https')).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
