# The gateway on a root of glibc, certificates and nothing else: no shell, no npm, nothing that it may write to.
#
#   docker build -t sluice .
#   docker run --rm -p 3000:3000 --read-only sluice
#   docker run --rm -v "$PWD/config:/app/config:ro" sluice check --strict
#
# docs/deployment.md says more. deploy/check-image.sh tries these steps out.
ARG BUILD_IMAGE=docker.io/library/node:24-bookworm-slim
ARG RUN_IMAGE=gcr.io/distroless/cc-debian12:nonroot

FROM ${BUILD_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# npm brings the gateway's own Node along, for the platform that is built for. Of that only the program goes on.
RUN npm ci --omit=dev \
  && mv node_modules/node-linux-*/bin/node /usr/local/bin/pinned-node \
  && rm -r node_modules/node-linux-* \
  && mkdir .cache \
  && chown 65532:65532 .cache
COPY LICENSE ./
COPY bin bin
COPY config config
COPY src src
COPY supervisor supervisor
COPY workers workers

# It runs once, so that what Node has compiled is there for every start: half of the processor time, and less memory. Node
# keeps it for each user by itself.
USER 65532:65532
RUN export NODE_COMPILE_CACHE=/app/.cache; pinned-node bin/www start --workers 1 & gateway=$! \
  && timeout 120 sh -c 'until pinned-node -e "fetch(\"http://127.0.0.1:3000/echo/\").catch(() => process.exit(1))"; do sleep 0.5; done' \
  && kill -INT $gateway \
  && wait $gateway

FROM ${RUN_IMAGE}
WORKDIR /app
COPY --from=build /usr/local/bin/pinned-node /usr/local/bin/node
COPY --from=build --chown=0:0 /app ./

# By number, so that Kubernetes can tell that it is not root.
USER 65532:65532
ENV NODE_ENV=production NODE_COMPILE_CACHE=/app/.cache
EXPOSE 3000 9901
STOPSIGNAL SIGTERM
# The gateway is the first process, and needs no init: it waits for its workers, and has no other children.
ENTRYPOINT ["node", "bin/www"]
CMD ["start"]
# Alive, as the supervisor says it, on the admin listener of the container's own loopback. With another admin.port set
# ADMIN_PORT, with none turn this off: --no-healthcheck.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.ADMIN_PORT ?? 9901}/health/live`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
