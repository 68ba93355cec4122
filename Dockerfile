# Three stages: packages change rarely, the code often, and neither brings its tools along.
ARG PYTHON=3.11

FROM python:${PYTHON}-slim AS packages
WORKDIR /build
COPY requirements/run.txt ./
# Wheels only: nothing is compiled here. What packages test themselves with, their C sources and
# bytecode are a quarter of their size, and nothing that runs needs them, nor the parts of lxml
# beside its parser.
RUN python -m venv --without-pip /opt/prelabel \
    && pip --python /opt/prelabel/bin/python install --no-cache-dir --disable-pip-version-check \
        --only-binary :all: --require-hashes --no-compile -r run.txt \
    && find /opt/prelabel/lib -depth -type d \( -name tests -o -path '*/sqlalchemy/testing' \) \
        -exec rm -r {} + \
    && find /opt/prelabel/lib -regex '.*\.\(a\|c\|cpp\|h\|hpp\|pxd\|pyi\|pyx\)' -delete \
    && find /opt/prelabel/lib -path '*/lxml/objectify*' -delete \
    && find /opt/prelabel/lib -path '*/lxml/html/_difflib*' -delete

FROM packages AS code
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY src src
RUN pip --python /opt/prelabel/bin/python install --no-cache-dir --disable-pip-version-check \
        --no-deps --no-compile --prefix /code .

FROM python:${PYTHON}-slim
RUN useradd --uid 10001 --gid 0 --no-create-home --home-dir /data prelabel \
    && install -d -o 10001 -g 0 -m 0770 /data
# From the stage without the code, so that this layer stays when only the code has changed.
COPY --from=packages /opt/prelabel /opt/prelabel
COPY --from=code /code /opt/prelabel
# Bytecode is written at the first start, where a read-only file system has its /tmp.
# A container is reached only through the ports that are published: guard those.
ENV PATH=/opt/prelabel/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONPYCACHEPREFIX=/tmp/pycache \
    PRELABEL_HOST=0.0.0.0 \
    PRELABEL_ANONYMOUS=true \
    MODEL_DIR=/data
USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 9090
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --start-interval=1s --retries=3 \
    CMD ["python", "-c", "import http.client, os; c = http.client.HTTPConnection('127.0.0.1', int(os.environ.get('PORT') or 9090), timeout=4); c.request('GET', '/health'); raise SystemExit(c.getresponse().status != 200)"]
ENTRYPOINT ["prelabel"]
CMD ["start"]
