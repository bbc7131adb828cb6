# docker build -t tfmm . && docker run --rm -v "$PWD/data:/data" tfmm pipelines/train.py configs/market_making.toml ...
FROM python:3.11-slim-bookworm AS build
WORKDIR /app
RUN python -m venv /venv
COPY requirements-runtime.lock ./
RUN /venv/bin/pip install --no-cache-dir --no-compile --require-hashes -r requirements-runtime.lock

FROM python:3.11-slim-bookworm
RUN useradd --create-home --uid 1000 tfmm && mkdir /data && chown tfmm /data
# caches under /tmp: any --user can write them
ENV HOME=/tmp NUMBA_CACHE_DIR=/tmp/numba MPLCONFIGDIR=/tmp/matplotlib
COPY --from=build /venv /venv
WORKDIR /app
COPY pyproject.toml LICENSE README.md ./
COPY tfmm tfmm
COPY pipelines pipelines
COPY configs configs
ENV PATH=/venv/bin:$PATH PYTHONPATH=/app PYTHONUNBUFFERED=1
USER tfmm
VOLUME /data
STOPSIGNAL SIGTERM
ENTRYPOINT ["python"]
CMD ["pipelines/train.py", "--help"]
