# A server of a run, made by the README's commands (tests/serve/test_dockerfile.py compares them):
#   docker build -t cellwright .
#   docker run --rm -p 127.0.0.1:8000:8000 -v "$PWD/runs:/runs:ro" cellwright serve /runs/reviews --host 0.0.0.0
FROM python:3.11-slim

# torch's build for CPUs: PyPI's is the one for CUDA, of several gigabytes.
ENV PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu PIP_NO_CACHE_DIR=1

WORKDIR /cellwright
COPY . .
RUN pip install -c constraints.txt '.[all]'

# Not root; compiled kernels are kept in this user's home.
RUN useradd --create-home cellwright
USER cellwright
WORKDIR /home/cellwright

EXPOSE 8000
HEALTHCHECK --start-period=60s CMD \
    python -c "from urllib.request import urlopen; urlopen('http://127.0.0.1:8000/v2/health/ready', timeout=5)"

ENTRYPOINT ["cellwright"]
CMD ["serve", "/runs/reviews", "--host", "0.0.0.0"]
