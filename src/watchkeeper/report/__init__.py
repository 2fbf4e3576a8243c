"""Shows a result to people and machines: terminal, HTML, notebook, JSON, and the table of measurements."""

from watchkeeper.report.as_json import as_dict, schema, to_json
from watchkeeper.report.backtest import Backtest, Incident, Planted, Rate, Spent
from watchkeeper.report.backtest_terminal import print_backtest
from watchkeeper.report.html import to_html, write_html
from watchkeeper.report.profile_table import print_profiles, profiles_json
from watchkeeper.report.progress import Progress, progress
from watchkeeper.report.result import Result, Verdict
from watchkeeper.report.skew import Skew
from watchkeeper.report.status import Status
from watchkeeper.report.status_terminal import print_status
from watchkeeper.report.table import measurements, write_measurements
from watchkeeper.report.terminal import print_result

__all__ = [
    "Backtest",
    "Incident",
    "Planted",
    "Progress",
    "Rate",
    "Result",
    "Skew",
    "Spent",
    "Status",
    "Verdict",
    "as_dict",
    "measurements",
    "print_backtest",
    "print_profiles",
    "print_result",
    "print_status",
    "profiles_json",
    "progress",
    "schema",
    "to_html",
    "to_json",
    "write_html",
    "write_measurements",
]
