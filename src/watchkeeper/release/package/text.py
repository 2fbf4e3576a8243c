"""The texts of an image's folder: Dockerfile, README."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from string import Template

PORT = 8080
USER = 10001
HOME = "/srv/watchkeeper"

_UNSAFE = re.compile(r"[^A-Za-z0-9 .,:;_()/@+-]")
_DOCKERFILE = Template("""\
FROM $base

LABEL $labels

ENV PYTHONUNBUFFERED=1 \\
    HOME=$home \\
    WATCHKEEPER_HOME=$home

WORKDIR /srv
COPY requirements.txt ./
COPY $copied
RUN python -m pip install --no-cache-dir --no-deps $install

COPY --chown=$user:$user home/ $home/
USER $user:$user
WORKDIR $home
EXPOSE $port
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD $health
ENTRYPOINT $entry
CMD $arguments
""")
_HEALTH = f"import urllib.request as r; r.urlopen('http://127.0.0.1:{PORT}/v2/health/ready', timeout=4)"


def dockerfile(base: str, labels: Mapping[str, str], model: str, wheel: str, *, offline: bool) -> str:
    """The Dockerfile. Every text of a user's in it is made plain first."""
    said = " \\\n      ".join(f"{name}={json.dumps(plain(value))}" for name, value in labels.items())
    install = f"--requirement requirements.txt ./{wheel}"
    if offline:
        install = "--no-index --find-links wheels --require-hashes --requirement requirements.txt"
    return _DOCKERFILE.substitute(
        base=base,
        labels=said,
        home=HOME,
        user=USER,
        port=PORT,
        copied="wheels/ ./wheels/" if offline else f"{wheel} ./",
        install=install,
        health=json.dumps(["python", "-c", _HEALTH]),
        entry=json.dumps(["watchkeeper", "gateway"]),
        arguments=json.dumps(["--host", "0.0.0.0", "--port", str(PORT), "--default", model]),  # noqa: S104 - in a container
    )


def plain(text: str) -> str:
    """A text that means nothing to a Dockerfile: no quotes, dollars, backslashes or line breaks."""
    return _UNSAFE.sub("?", text)[:200]


_README = Template("""\
# $model $version

Serves $version of $model by the Open Inference Protocol V2 and MLflow's /invocations. Nothing is fetched while it runs.

    docker build --tag $model:$tag .
    docker run --rm --publish $port:$port $model:$tag

    curl -H "Authorization: Bearer $$TOKEN" -H "Content-Type: application/json" \\
        -d '$example' http://127.0.0.1:$port/invocations

A token of the role `predict` is asked for. All tokens are those that were good for $model when this was made.
Health: `GET /v2/health/ready`, without a token. Metrics: `GET /metrics`, with a token of the role `viewer`.

Each prediction is logged in $home/inbox. To keep it beyond the container:

    docker run --rm --publish $port:$port --volume $model-home:$home $model:$tag

| what | |
|---|---|
| artefact | $file, SHA-256 `$sha256` |
| commit | $commit |
| gate | $gate |
| contract | `contract.json` (JSON Schema), `openapi.json` |
| packages | `requirements.txt`; Watchkeeper itself is in `$wheel` |
| types allowed beyond skops's own | $types (`serving: skops_types` in `home/config.yaml`) |

`sha256sum --check SHA256SUMS` says whether the folder is as it was made.
$more""")
_OWN = Template("""
## What is not in this folder

The model holds types of $packages, code that is not scikit-learn's own and is not in this folder. Its process imports
it, so add it to the image before anything is served, for example by a Dockerfile in a folder beside the code:

    FROM $model:$tag
    COPY $first /srv/own/$first
    ENV PYTHONPATH=/srv/own

A module alone: `COPY $first.py /srv/own/`. A package of an index: `RUN python -m pip install …` below `USER root`.
Until then the gateway says `No module named '$first'`, and `GET /v2/health/ready` does not answer 200.
""")


def readme(values: Mapping[str, str], remarks: tuple[str, ...], own: tuple[str, ...]) -> str:
    """What a person needs who has the folder alone; `own`: packages of the user's, which it does not hold."""
    told = "".join(f"- {plain(remark)}.\n" for remark in remarks)
    more = f"\nNot as the model was trained:\n\n{told}" if told else ""
    if own:
        more += _OWN.substitute({**values, "packages": ", ".join(own), "first": own[0]})
    return _README.substitute({**values, "port": str(PORT), "home": HOME, "more": more})
