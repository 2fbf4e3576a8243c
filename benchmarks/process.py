"""Measures a command as a process of its own: wall and CPU seconds, and its memory at the highest."""

from __future__ import annotations

import json
import subprocess
import sys


def timed(command: list[str]) -> dict[str, float]:
    """Run a command in a process of its own and measure it; its own output is only shown if it fails."""
    measure = (
        "import json, resource, subprocess, sys, time\n"
        "began = time.perf_counter()\n"
        "ran = subprocess.run(sys.argv[1:], capture_output=True, text=True)\n"
        "wall = time.perf_counter() - began\n"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "ran.returncode and sys.exit(ran.stderr[-2000:])\n"
        "print(json.dumps({'wall': wall, 'cpu': used.ru_utime + used.ru_stime, 'mb': used.ru_maxrss / 1000}))\n"
    )
    ran = subprocess.run([sys.executable, "-c", measure, *command], capture_output=True, text=True, check=False)
    if ran.returncode:
        raise SystemExit(f"{' '.join(command[:3])} failed:\n{ran.stderr}")
    return dict(json.loads(ran.stdout))
