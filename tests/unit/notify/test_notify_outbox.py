"""Each onset is told to each target once, and again until it was heard."""

from __future__ import annotations

import io
import json
import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest

import watched
from hooks import hook
from watchkeeper.notify import Heard, Message, NotDelivered, target_of
from watchkeeper.notify import tell as told
from watchkeeper.notify.webhook import signature
from watchkeeper.state import alarm, notice
from watchkeeper.watch.log import open_log
from watchkeeper.watch.run import run

SECOND, HOUR = notice.SECOND, 3600 * notice.SECOND


def tell(store, model, target, now, log=None):
    return told(store, model, target, now, log or open_log(io.StringIO()))


class Friend:
    """A target that fails as often as it is told to, and keeps what it heard."""

    def __init__(self, name="friend", fails=0):
        self.shown = self.key = name
        self.fails, self.heard = fails, []

    def send(self, message: Message, now: int) -> None:
        if self.fails:
            self.fails -= 1
            raise NotDelivered("it is asleep.")
        self.heard.append(message)


def begin(store, *columns, now=0):
    judged = [alarm.Judged(alarm.Key("shape", "shape", (name,)), True, {"message": name}) for name in columns]
    return [change.onset for change in alarm.put(store, "m", (0, 10), judged, now)]


def test_each_onset_is_told_once_to_each_target(store):
    begin(store, "a", "b")
    one, other = Friend("one"), Friend("other")
    assert tell(store, "m", one, now=1) == Heard(delivered=2)
    assert tell(store, "m", one, now=2) == Heard()
    assert tell(store, "m", other, now=2) == Heard(delivered=2)
    assert [message.finding["message"] for message in one.heard] == ["a", "b"]
    assert one.heard == other.heard
    assert one.heard[0].at == "1970-01-01T00:00:00+00:00"


def test_what_failed_is_told_later_and_does_not_hold_up_the_rest(store):
    begin(store, "a", "b")
    friend = Friend(fails=1)
    assert tell(store, "m", friend, now=1) == Heard(delivered=1, failed=1)
    assert tell(store, "m", friend, now=2) == Heard()
    assert tell(store, "m", friend, now=1 + notice.FIRST_PAUSE) == Heard(delivered=1)
    assert sorted(message.finding["message"] for message in friend.heard) == ["a", "b"]


def test_a_target_that_fails_again_and_again_does_not_hold_a_run_up_and_hears_all_in_the_end(store):
    begin(store, *"abcdefghij")
    friend = Friend(fails=5)
    assert tell(store, "m", friend, now=1) == Heard(failed=3)
    assert tell(store, "m", friend, now=2) == Heard(delivered=5, failed=2)
    assert tell(store, "m", friend, now=HOUR) == Heard(delivered=5)
    assert sorted(message.finding["message"] for message in friend.heard) == list("abcdefghij")


def test_a_target_can_be_handed_to_another_process():
    """As `serve` does with its runs."""
    config = config_of("notify: {secret: tell nobody, allow: [127.0.0.1]}")
    for named in ("https://hooks.example.org/x", "echo hello"):
        target = target_of(named, config)
        assert pickle.loads(pickle.dumps(target)) == target


def test_notices_of_a_target_that_is_no_longer_named_are_left_alone(store):
    begin(store, "a")
    gone, here = Friend("gone", fails=1), Friend("here")
    tell(store, "m", gone, now=1)
    assert tell(store, "m", here, now=HOUR) == Heard(delivered=1)
    assert gone.heard == []
    assert tell(store, "m", gone, now=HOUR) == Heard(delivered=1)


def test_a_new_target_hears_of_the_last_day_and_no_more(store):
    begin(store, "old", now=0)
    begin(store, "new", now=30 * HOUR)
    friend = Friend()
    tell(store, "m", friend, now=31 * HOUR)
    assert [message.finding["message"] for message in friend.heard] == ["new"]


def test_a_run_that_dies_while_it_tells_leaves_the_notice_to_a_later_one(store):
    """As after kill -9: neither heard nor failed was noted."""
    begin(store, "a")

    class Dead(Friend):
        def send(self, message, now):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tell(store, "m", Dead(), now=1)
    friend = Friend()
    assert tell(store, "m", friend, now=2) == Heard()
    assert tell(store, "m", friend, now=1 + notice.HELD) == Heard(delivered=1)


def test_runs_that_tell_at_once_tell_each_onset_once(store):
    begin(store, *"abcdefgh")
    friend = Friend()
    with ThreadPoolExecutor(4) as pool:
        heard = list(pool.map(lambda _: tell(store, "m", friend, now=1), range(4)))
    assert sum(one.delivered for one in heard) == 8
    assert sorted(message.finding["message"] for message in friend.heard) == list("abcdefgh")


def test_what_happens_to_a_notice_is_logged_and_no_secret_with_it(store):
    begin(store, "a")
    lines = io.StringIO()
    with hook(500) as at:
        url = f"http://me:pw1234@127.0.0.1:{at.port}/s3cret"
        target = target_of(url, config_of("notify: {allow: [127.0.0.1]}"))
        tell(store, "m", target, now=1, log=open_log(lines))
        tell(store, "m", target, now=HOUR, log=open_log(lines))
    first, second = (json.loads(line) for line in lines.getvalue().splitlines())
    assert (first["event"], first["level"], first["attempt"], first["again_in_s"]) == (
        "notice failed",
        "warning",
        1,
        10,
    )
    assert (second["event"], second["attempt"], second["model"]) == ("notice delivered", 2, "m")
    assert first["error"].endswith("answered 500.")
    assert "pw1234" not in lines.getvalue()
    assert "s3cret" not in lines.getvalue()


def config_of(text):
    from io import StringIO

    from ruamel.yaml import YAML

    from watchkeeper.model import Config

    return Config.model_validate(YAML(typ="safe").load(StringIO(text)))


@pytest.fixture(scope="module")
def shifted(tmp_path_factory):
    """A home whose model has lived through four days, the last two of them with people twice as old."""
    folder = tmp_path_factory.mktemp("shifted")
    with watched.home(folder, config="notify: {secret: tell nobody, allow: [127.0.0.1]}") as found:
        for day, age in enumerate((40, 40, 80, 80)):
            watched.log(found, watched.events(day, age=age))
        yield found


def test_a_server_that_fails_twice_hears_of_each_onset_once_though_runs_go_on(shifted):
    now = watched.micro(watched.START + 4 * watched.DAY)
    with hook(500, 500) as at:
        target = target_of(f"http://127.0.0.1:{at.port}/alarms", shifted.config)
        first = run(shifted, now=now, on_alarm=[target])
        onsets = alarm.history(shifted.store, "churn")
        assert first[0].onsets == len(onsets) >= 1
        for later in (30, 120, 600):
            run(shifted, now=now + later * SECOND, on_alarm=[target])
    refused, heard = at.posts[:2], at.posts[2:]
    assert len(refused) == 2
    bodies = [json.loads(body) for _, _, body in heard]
    assert sorted(body["onset"] for body in bodies) == sorted(onset.id for onset in onsets)
    for _, headers, body in at.posts:
        signed = signature("tell nobody", headers["X-Watchkeeper-Timestamp"], body)
        assert headers["X-Watchkeeper-Signature"] == f"sha256={signed}"
    age = next(body for body in bodies if body["finding"]["columns"] == ["age"])
    assert age["model"] == "churn"
    assert age["finding"]["severity"] == "alarm"
    assert age["finding"]["window"].startswith("2024-03-06")
