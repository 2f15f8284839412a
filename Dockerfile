# docker build -t quorum . && docker run --rm -v "$PWD/results:/quorum/results" quorum --cores all
# The arguments are pip's own settings: name there an index or a folder with a CPU build of torch for a smaller image.
FROM python:3.11-slim

ARG PIP_EXTRA_INDEX_URL
ARG PIP_FIND_LINKS
ENV PYTHONUNBUFFERED=1

RUN useradd --create-home quorum
WORKDIR /quorum

# The pins alone, so that an edit of the project does not install everything again.
COPY requirements.txt .
RUN pip install --no-cache-dir --requirement requirements.txt

COPY --chown=quorum:quorum . .
RUN chown quorum:quorum /quorum
USER quorum

ENTRYPOINT ["snakemake"]
CMD ["--cores", "all"]
