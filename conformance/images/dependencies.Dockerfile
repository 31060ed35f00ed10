# What the fixture servers need of the packages that are installed in the workspace; it changes seldom.
ARG BASE
FROM ${BASE}
WORKDIR /app
ENV NODE_ENV=production PORT=8080
EXPOSE 8080
COPY node_modules node_modules
USER 1000:1000
