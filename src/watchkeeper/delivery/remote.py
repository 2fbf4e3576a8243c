"""Files behind URLs: object stores and other file systems that Arrow speaks to."""

from __future__ import annotations

import glob
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa

from watchkeeper.delivery.wording import listed, plain
from watchkeeper.model.error import WatchkeeperError

PATIENCE = 15
"""Seconds for which Google's client tries again; its own default is a quarter of an hour. S3's gives up by itself."""
_KNOWN = "file://, s3://, gs://, abfs:// and hdfs://"
_RIGHTS = {
    "s3": "your credentials (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or ~/.aws; ?region=eu-west-1 names a region)",
    "gs": "your credentials (GOOGLE_APPLICATION_CREDENTIALS; gs://anonymous@bucket/… for a public bucket)",
    "abfs": "your credentials (az login, or AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_CLIENT_SECRET)",
    "hdfs": "that JAVA_HOME and HADOOP_HOME are set",
}


class NoSuchFile(WatchkeeperError):
    """A path, glob or URL leads to no file: the text names it, and what is near."""


class Unreachable(WatchkeeperError):
    """A file system did not answer, or did not let us in: the text names the URL and what to look at."""

    exit_code = 4


def is_url(source: str) -> bool:
    """Whether a source is named by a URL."""
    return "://" in source


def local(source: str) -> str:
    """A `file://` URL as a path; all else as it is. Raises `NoSuchFile`."""
    if not source.lower().startswith("file://"):
        return source
    host, _, path = source[len("file://") :].partition("/")
    if host not in ("", "localhost") or not path:
        raise NoSuchFile(f"{plain(source, 200)}: three slashes begin the path of a file, as in file:///data/new.csv.")
    return unquote(f"/{path}")


def shown(source: str) -> str:
    """A source as it may be printed: a URL without the keys and passwords that it may hold."""
    return re.sub(r"(?<=://)[^/@]*:[^/]*@", "", source.partition("?")[0]) if is_url(source) else source


def file_system(url: str) -> tuple[Any, str]:
    """The file system that a URL names, and the path on it. Raises `NoSuchFile`, `Unreachable`."""
    from pyarrow import fs

    is_google = url.startswith(("gs://", "gcs://")) and "retry_limit_seconds=" not in url
    patient = f"{url}{'&' if '?' in url else '?'}retry_limit_seconds={PATIENCE}" if is_google else url
    with reached(url):
        try:
            filesystem, path = fs.FileSystem.from_uri(patient)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowKeyError, ValueError) as unknown:
            if url.startswith(("http://", "https://")):
                words = f"{shown(url)}: what lies behind http is not read. Download it first, and name the file."
            else:
                why = plain(str(unknown).replace(patient, shown(url)), 120)
                words = f"{shown(url)}: this URL can't be read ({why}). Known are {_KNOWN}."
            raise NoSuchFile(words) from unknown
    return filesystem, path


@contextmanager
def reached(url: str) -> Iterator[None]:
    """Say in words why a file system did not answer. Raises `NoSuchFile`, `Unreachable`."""
    try:
        yield
    except FileNotFoundError as missing:
        raise NoSuchFile(f"{shown(url)}: there is no such file. Check how the bucket and the path are spelled.") from (
            missing
        )
    except (OSError, pa.ArrowException) as failed:
        why = plain(_reason(str(failed)), 240)
        rights = _RIGHTS.get(url.partition("://")[0].replace("gcs", "gs").replace("abfss", "abfs"), "your credentials")
        raise Unreachable(
            f"{shown(url)}: it can't be reached ({why}). Check the address, the network and {rights}."
        ) from failed


def _reason(said: str) -> str:
    """What a client said, without what it was doing and without line breaks."""
    first = said.strip().splitlines()[0] if said.strip() else "no reason was given"
    return re.split(r" Details: |with a last message of ", first)[-1]


def files_of(url: str, is_data: Callable[[str], bool]) -> list[str]:
    """The files that a URL leads to: itself, those in the folder, or those that match. `is_data`: for a folder's files.

    Raises `NoSuchFile`, `Unreachable`.
    """
    from pyarrow import fs

    filesystem, path = file_system(url)
    base, mark, query = url.partition("?")
    prefix = base.removesuffix(path) if base.endswith(path) else f"{url.partition('://')[0]}://"
    folder = path
    while glob.has_magic(folder):
        folder = folder.rpartition("/")[0]
    deep = folder == path or "/" in path[len(folder) + 1 :]
    with reached(url):
        info = filesystem.get_file_info(folder)
        if info.type == fs.FileType.File:
            return [url]
        listing = filesystem.get_file_info(fs.FileSelector(folder, recursive=deep, allow_not_found=True))
    files = [entry.path for entry in listing if entry.is_file]
    if glob.has_magic(path):
        matches = sorted(file for file in files if fnmatch(file, path) and file.count("/") == path.count("/"))
    else:
        matches = sorted(file for file in files if is_data(file[len(folder) :].lstrip("/")))
    if not matches:
        raise NoSuchFile(_nothing(shown(url), shown(prefix + folder), files, glob.has_magic(path)))
    return [f"{prefix}{match}{mark}{query}" for match in matches]


def _nothing(url: str, folder: str, files: list[str], is_pattern: bool) -> str:
    if is_pattern:
        holds = listed([plain(Path(file).name) for file in files]) if files else "nothing"
        return f"no file matches {url!r}. {folder} holds {holds}."
    if files:
        return f"{url}: this folder holds no data file, only {listed([plain(Path(file).name) for file in files])}."
    return f"{url}: there is no such file. Check how the bucket and the path are spelled."
