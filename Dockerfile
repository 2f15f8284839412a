# docker build -t quorum . && mkdir -p results
# docker run --rm --user "$(id -u):$(id -g)" -v "$PWD/results:/quorum/results" quorum --cores all
# The arguments are pip's own settings: name there an index or a folder with a CPU build of torch for a smaller image.
FROM python:3.11-slim

ARG PIP_EXTRA_INDEX_URL
ARG PIP_FIND_LINKS
# Whoever runs the container may have no entry in its list of users: name and home are given here.
ENV PYTHONUNBUFFERED=1 USER=quorum HOME=/tmp

RUN useradd --create-home quorum
WORKDIR /quorum

# The pins alone, so that an edit of the project does not install everything again.
COPY requirements.txt .
RUN pip install --no-cache-dir --requirement requirements.txt

COPY --chown=quorum:quorum . .
# Whatever user it runs as, so that a mounted results/ belongs to its owner: these two are written to.
RUN chown quorum:quorum /quorum && chmod a+rwx /quorum /quorum/resources
USER quorum

ENTRYPOINT ["snakemake"]
CMD ["--cores", "all"]
