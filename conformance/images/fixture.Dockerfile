# The fixture servers, with what they need of the workspace itself.
ARG BASE
FROM ${BASE}
COPY packages packages
COPY conformance conformance
CMD ["node", "conformance/fixtures/sdk/server.ts"]
