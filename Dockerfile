# syntax=docker/dockerfile:1
# Not built here: no Docker engine was at hand. Only the two `uv sync` steps were run, outside of a container.
#
# The tag moves with Python's and Debian's security fixes; a deployment that must be repeatable adds the digest.

FROM python:3.13-slim-trixie AS build
WORKDIR /app
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
COPY pyproject.toml uv.lock README.md LICENSE ./
# The uv of the lock file, as in the Makefile.
RUN pip install --no-cache-dir "uv==$(sed -n '/^name = "uv"$/{n;s/version = "\(.*\)"/\1/p;}' uv.lock)"
# First what we depend on: this layer stays while only our own code changes.
RUN uv sync --frozen --no-dev --no-install-project
COPY scrapy.cfg ./
COPY crawler crawler
COPY migrations migrations
RUN uv sync --frozen --no-dev

FROM python:3.13-slim-trixie
# A number, not a name: Kubernetes and others can then see that it is not root.
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin crawler \
    && install -d -o 10001 -g 10001 /archive
COPY --from=build /app /app
WORKDIR /app
ENV PATH=/app/.venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 WARC_DIR=/archive
USER 10001:10001
VOLUME /archive
ENTRYPOINT ["crawler"]
CMD ["--help"]
