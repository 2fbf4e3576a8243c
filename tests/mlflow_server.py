"""A real MLflow server, and what a team that uses MLflow logged to it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

LOG = """
import sys
import mlflow, onnx, pandas as pd
from mlflow.models import infer_signature
from sklearn.linear_model import LogisticRegression

mlflow.set_tracking_uri(sys.argv[1])
rows = pd.DataFrame({"nights": [1.0, 2.0, 3.0, 4.0], "price": [9.0, 7.0, 30.0, 1.0]})
fitted = LogisticRegression(C=0.5).fit(rows, [0, 0, 1, 1])
signature = infer_signature(rows, fitted.predict(rows))
pins = ["scikit-learn==1.5.0", "numpy==1.26.4"]
for kind in ("skops", "cloudpickle"):
    with mlflow.start_run(tags={"mlflow.source.git.commit": "c0ffee" * 6 + "c0ff", "team": "pricing"}):
        mlflow.log_params({"C": 0.5, "api_key": "hunter2"})
        mlflow.log_metrics({"roc_auc": 0.9, "broken": float("nan")})
        more = {"registered_model_name": f"hotel-{kind}", "signature": signature, "pip_requirements": pins}
        mlflow.sklearn.log_model(fitted, name="model", serialization_format=kind, **more)
with mlflow.start_run():
    model = onnx.load(sys.argv[2])
    more = {"registered_model_name": "hotel-onnx", "pip_requirements": pins}
    mlflow.onnx.log_model(model, name="model", save_as_external_data=False, **more)
"""
QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false"}


def program() -> str | None:
    """Where the `mlflow` is that can be a server: the one of $WATCHKEEPER_MLFLOW, else one that is on the path."""
    named = os.environ.get("WATCHKEEPER_MLFLOW")
    return named or next((found for found in [shutil.which("mlflow")] if found and _can_serve(found)), None)


def _can_serve(found: str) -> bool:
    """A program of mlflow-skinny alone, as beside our own, has nothing to serve with."""
    beside = Path(found).with_name("python")
    code = "from importlib.metadata import version; version('mlflow')"
    return subprocess.run([beside, "-c", code], capture_output=True).returncode == 0


class Server:
    """A server that can be stopped and started; what it keeps survives."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.folder, self.uri = folder, f"http://127.0.0.1:{self.port}"
        self.process = None

    def start(self) -> None:
        command = [program(), "server", "--host", "127.0.0.1", "--port", str(self.port), "--workers", "1"]
        command += ["--backend-store-uri", f"sqlite:///{self.folder}/mlflow.db"]
        command += ["--artifacts-destination", str(self.folder / "files")]
        environ = {name: text for name, text in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=self.folder, env={**environ, **QUIET}, start_new_session=True
            )
        until = time.monotonic() + 120
        while not self._answers():
            assert self.process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < until, (self.folder / "log").read_text()
            time.sleep(0.3)

    def stop(self) -> None:
        os.killpg(self.process.pid, 9)
        self.process.wait()

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.uri}/health", timeout=2) as answer:
                return answer.status == 200
        except OSError:
            return False


@contextmanager
def server(folder: Path):
    """A server that runs until the block ends."""
    running = Server(folder)
    running.start()
    try:
        yield running
    finally:
        running.stop()


def logged(uri: str, onnx_file: Path) -> None:
    """A run with each kind of model: kept by skops, pickled, and ONNX."""
    command = [sys.executable, "-c", LOG, uri, str(onnx_file)]
    done = subprocess.run(command, env={**os.environ, **QUIET}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
