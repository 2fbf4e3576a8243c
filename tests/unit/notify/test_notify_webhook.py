"""A webhook is posted to once, signed, at the very address that was looked up and judged."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket

import pytest

from hooks import hook
from watchkeeper.model import Config
from watchkeeper.notify import BadTarget, Message, NotDelivered, Webhook, target_of
from watchkeeper.notify.address import is_public

MESSAGE = Message("churn", 7, "2024-01-02T00:00:00+00:00", {"check": "shape", "columns": ["größe"]})
NOW = 1_700_000_000_000_000


def to(url, secret="a secret", allow=("127.0.0.1",)):
    return Webhook.of(url, secret, allow)


def resolving(monkeypatch, *answers):
    """Names mean these addresses, one answer after the other; the last one stays. Gives the list of what was asked."""
    asked, left = [], list(answers)
    genuine = socket.getaddrinfo

    def look_up(host, port, *more, **options):
        if host.replace(".", "").isdigit():
            return genuine(host, port, *more, **options)
        asked.append(host)
        addresses = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return asked


def test_a_post_holds_the_message_and_a_signature_that_verifies():
    with hook() as at:
        to(f"http://127.0.0.1:{at.port}/alarms?team=a").send(MESSAGE, NOW)
    [(path, headers, body)] = at.posts
    assert path == "/alarms?team=a"
    assert json.loads(body) == MESSAGE.body
    assert set(json.loads(body)) == {"model", "onset", "at", "finding"}
    assert headers["Content-Type"] == "application/json"
    assert headers["Host"] == f"127.0.0.1:{at.port}"
    assert headers["X-Watchkeeper-Timestamp"] == "1700000000"
    expected = hmac.new(b"a secret", b"1700000000." + body, hashlib.sha256).hexdigest()
    assert headers["X-Watchkeeper-Signature"] == f"sha256={expected}"


def test_without_a_secret_nothing_is_signed():
    with hook() as at:
        to(f"http://127.0.0.1:{at.port}", secret=None).send(MESSAGE, NOW)
    [(path, headers, _)] = at.posts
    assert path == "/"
    assert "X-Watchkeeper-Signature" not in headers


def test_a_redirect_is_a_failure_and_is_not_followed():
    refused = pytest.raises(NotDelivered, match="answered 302, but redirects are not followed")
    with hook() as elsewhere, hook(302, headers={"Location": f"http://127.0.0.1:{elsewhere.port}/"}) as at, refused:
        to(f"http://127.0.0.1:{at.port}/").send(MESSAGE, NOW)
    assert (len(at.posts), elsewhere.posts) == (1, [])


@pytest.mark.parametrize("status", [400, 404, 500, 503])
def test_an_answer_other_than_2xx_is_a_failure(status):
    with hook(status) as at, pytest.raises(NotDelivered, match=f"answered {status}"):
        to(f"http://127.0.0.1:{at.port}/").send(MESSAGE, NOW)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:127.0.0.1",
        "::ffff:10.0.0.1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "not an address",
    ],
)  # fmt: skip
def test_an_address_that_is_not_public_is_known_however_it_is_written(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:4700::1111", "::ffff:93.184.216.34", "64:ff9b::5db8:d822"])
def test_a_public_address_is_known(address):
    assert is_public(address)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]"])
def test_a_host_on_this_machine_is_refused_unless_it_is_listed(host):
    with hook() as at, pytest.raises(NotDelivered):
        to(f"http://{host}:{at.port}/", allow=()).send(MESSAGE, NOW)
    assert at.posts == []


def test_a_name_at_a_private_address_is_refused_and_one_of_several_suffices(monkeypatch):
    resolving(monkeypatch, ["93.184.216.34", "10.0.0.7"])
    with pytest.raises(NotDelivered, match=r"hooks.example.org is at 10.0.0.7, .* `notify: allow:` in config.yaml"):
        to("http://hooks.example.org/").send(MESSAGE, NOW)


def test_a_name_that_changes_between_the_check_and_the_call_is_asked_only_once(monkeypatch):
    connected = []

    def connect(address, *_):
        connected.append(address)
        raise ConnectionRefusedError(111, "refused")

    monkeypatch.setattr(socket, "create_connection", connect)
    asked = resolving(monkeypatch, ["93.184.216.34"], ["127.0.0.1"])
    with pytest.raises(NotDelivered, match="refused"):
        to("http://hooks.example.org:8080/").send(MESSAGE, NOW)
    assert asked == ["hooks.example.org"]
    assert connected == [("93.184.216.34", 8080)]
    with pytest.raises(NotDelivered, match=r"is at 127\.0\.0\.1"):
        to("http://hooks.example.org:8080/").send(MESSAGE, NOW)
    assert len(connected) == 1


def test_a_listed_name_reaches_a_private_address_and_keeps_its_name(monkeypatch):
    resolving(monkeypatch, ["127.0.0.1"])
    with hook() as at:
        to(f"http://Hooks.intern:{at.port}/", allow=["hooks.Intern"]).send(MESSAGE, NOW)
    assert at.posts[0][1]["Host"] == f"hooks.intern:{at.port}"


def test_the_next_address_is_tried_where_one_does_not_answer(monkeypatch):
    resolving(monkeypatch, ["127.0.0.2", "127.0.0.1"])
    with hook() as at:
        to(f"http://hooks.intern:{at.port}/", allow=["hooks.intern"]).send(MESSAGE, NOW)
    assert len(at.posts) == 1


def test_no_proxy_of_the_environment_is_asked(monkeypatch):
    with hook() as proxy, hook() as at:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        to(f"http://127.0.0.1:{at.port}/").send(MESSAGE, NOW)
    assert (len(at.posts), proxy.posts) == (1, [])


def test_a_server_that_never_answers_does_not_hold_a_run_up():
    with hook(hangs=True) as at:
        patient = to(f"http://127.0.0.1:{at.port}/")
        hasty = Webhook(patient.url, patient.secret, patient.allowed, patience=1)
        with pytest.raises(NotDelivered, match=r"no answer within 1 s|timed out"):
            hasty.send(MESSAGE, NOW)


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path):
    import ssl
    import subprocess

    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "1"]
    try:
        subprocess.run([*made, "-keyout", "key.pem", "-out", "cert.pem"], cwd=tmp_path, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    refused = pytest.raises(NotDelivered, match="certificate verify failed")
    with hook(wrap=lambda plain: context.wrap_socket(plain, server_side=True)) as at, refused:
        to(f"https://localhost:{at.port}/", allow=["localhost"]).send(MESSAGE, NOW)
    assert at.posts == []


def test_a_message_that_is_too_large_is_not_sent():
    huge = Message("churn", 7, "", {"message": "x" * (2 << 20)})
    with pytest.raises(NotDelivered, match="no more than 1,048,576 are sent"):
        to("http://127.0.0.1:1/").send(huge, NOW)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("ftp://example.org/", "not to ftp://"),
        ("file:///etc/passwd", "not to file://"),
        ("https:///path", "names no host"),
        ("https://example.org:99999/", "can't be read"),
        ("https://example.org/a b", "%20"),
        ("https://example.org/é", "%C3%A9"),
        ("https://example.org/\r\nX: y", "%20"),
    ],
)
def test_a_url_that_can_t_be_posted_to_is_refused_at_once(url, said):
    with pytest.raises(BadTarget, match=said):
        target_of(url, Config())


def test_secrets_of_a_url_are_neither_shown_nor_kept_nor_told_in_errors():
    url = "https://me:pass%40word@hooks.example.org/services/T0/s3cret?token=abc"
    webhook = to(url)
    assert webhook.shown == "https://hooks.example.org:443"
    for secret in ("pass", "s3cret", "abc"):
        assert secret not in webhook.shown + webhook.key
    assert webhook.key == to("https://hooks.example.org/services/T0/s3cret?token=abc").key
    with hook(500) as at, pytest.raises(NotDelivered) as failed:
        to(f"http://me:pass%40word@127.0.0.1:{at.port}/s3cret").send(MESSAGE, NOW)
    assert "pass" not in str(failed.value)
    assert "s3cret" not in str(failed.value)
    assert at.posts[0][1]["Authorization"] == "Basic bWU6cGFzc0B3b3Jk"


def test_the_config_of_a_home_gives_secret_and_hosts(tmp_path, monkeypatch):
    from watchkeeper.model import load_config

    monkeypatch.setenv("HOOK_SECRET", "from outside")
    (tmp_path / "config.yaml").write_text("notify:\n  secret: ${HOOK_SECRET}\n  allow: [127.0.0.1]\n")
    config = load_config(tmp_path)
    assert "from outside" not in repr(config)
    with hook() as at:
        target = target_of(f"http://127.0.0.1:{at.port}/", config)
        assert "from outside" not in repr(target)
        target.send(MESSAGE, NOW)
    [(_, headers, body)] = at.posts
    expected = hmac.new(b"from outside", b"1700000000." + body, hashlib.sha256).hexdigest()
    assert headers["X-Watchkeeper-Signature"] == f"sha256={expected}"


def test_an_empty_secret_is_refused():
    with pytest.raises(BadTarget, match=r"secret:` in config\.yaml is empty"):
        target_of("https://example.org", Config.model_validate({"notify": {"secret": ""}}))
