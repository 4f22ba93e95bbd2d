# Everything that any test needs, as Debian 12 had it on one day.
#   docker build --tag minetest-interp .     builds the demo and verifies it
#   docker run --rm minetest-interp          runs all tests, with the real game, a browser and a Slurm of one node
#   docker run --rm --publish 8000:8000 minetest-interp python3 -m http.server --directory report/demo
# A tag can be moved: add the base image's digest (@sha256:...) where yours must be pinned to the byte.
FROM debian:bookworm-20250520-slim
ARG SNAPSHOT=20250520T000000Z
RUN rm -f /etc/apt/sources.list.d/* && for archive in "debian bookworm" "debian bookworm-updates" "debian-security bookworm-security"; do \
      set -- $archive; \
      echo "deb [check-valid-until=no] http://snapshot.debian.org/archive/$1/$SNAPSHOT $2 main"; \
    done > /etc/apt/sources.list
COPY requirements/debian.txt /tmp/debian.txt
RUN apt-get update && grep -v '^#' /tmp/debian.txt | xargs apt-get install --yes --no-install-recommends && \
    rm -rf /var/lib/apt/lists/*
ENV LC_ALL=C.UTF-8
WORKDIR /minetest-interp
COPY . .
RUN make && make verify && make .venv/ready-to-test
CMD ["env", "TEST_GAME=1", "TEST_SLURM=1", "make", "test"]
