# The fixture servers. The build context holds a production installation of this package (see fixtureImages.ts).
ARG BASE
FROM ${BASE} AS app
WORKDIR /app
COPY . .
ENV NODE_ENV=production PORT=8080
EXPOSE 8080
USER 1000:1000

FROM app AS upstream
CMD ["node", "fixtures/upstream/server.ts"]

FROM app AS sdk
CMD ["node", "fixtures/sdk/server.ts"]
