# One image for workers and dashboard; the command says which.
FROM python:3.11-slim

WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY tuner tuner
COPY studies studies
COPY search_spaces search_spaces
RUN pip install --no-cache-dir -c constraints.txt '.[postgres]' && rm -rf /src

RUN useradd --create-home tuner && mkdir -p /data /checkpoints /work \
    && chown tuner /data /checkpoints /work
USER tuner
WORKDIR /work
ENTRYPOINT ["tuner"]
