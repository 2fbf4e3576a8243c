"""`watchkeeper token`: made, listed and revoked as a user does it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from watchkeeper.cli import main
from watchkeeper.cli.token import ROLES
from watchkeeper.state import Role, audit, model, open_store, token

HOUR = 3_600_000_000


@pytest.fixture
def home(tmp_path):
    (tmp_path / "home" / "inbox").mkdir(parents=True)
    return tmp_path / "home"


def run(capsys, *arguments):
    """Exit code, standard output, standard error."""
    with pytest.raises(SystemExit) as left:
        main(["token", *(str(argument) for argument in arguments)])
    said = capsys.readouterr()
    assert "Traceback" not in said.err + said.out
    return left.value.code, said.out, said.err


def verified(home, secret, now=1):
    store = open_store(home)
    found = token.verify(store, secret, now)
    store.close()
    return found


def test_a_token_is_printed_as_the_last_word_and_is_good(home, capsys):
    code, out, err = run(capsys, "create", "--role", "ingest", "--name", "hotel", "--home", home)
    assert (code, out.split()[-1]) == (0, out.strip())
    found = verified(home, out.strip())
    assert (found.role, found.name, found.model, found.expires) == (Role.INGEST, "hotel", None, None)
    assert "shown this once" in err


@pytest.mark.parametrize(("span", "hours"), [("12h", 12), ("90d", 90 * 24), ("2w", 14 * 24)])
def test_a_token_expires_when_it_was_told_to(home, capsys, span, hours):
    _, out, _ = run(capsys, "create", "--role", "viewer", "--expires", span, "--home", home)
    found = verified(home, out.strip())
    assert found.expires - found.created == hours * HOUR
    assert verified(home, out.strip(), now=found.expires) is token.Refusal.EXPIRED


def test_a_token_may_be_for_a_model_that_was_added_and_no_other(home, capsys):
    store = open_store(home)
    model.put(store, "hotel-cancel", "name: hotel-cancel", now=1, who="me")
    store.close()
    _, out, _ = run(capsys, "create", "--role", "ingest", "--model", "hotel-cancel", "--home", home)
    assert verified(home, out.strip()).model == "hotel-cancel"
    code, out, err = run(capsys, "create", "--role", "ingest", "--model", "hotel-cancle", "--home", home)
    assert (code, out) == (2, "")
    assert "Did you mean 'hotel-cancel'?" in err


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["--role", "admn"], "Did you mean 'admin'?"),
        (["--role", "admin", "--expires", "3y"], "--expires can't be '3y'"),
        (["--role", "admin", "--expires", "0d"], "--expires can't be '0d'"),
        (["--role", "admin", "--model", "m"], "None was added yet"),
        ([], "--role"),
    ],
)
def test_wrong_usage_makes_no_token_and_says_what_is_right(home, capsys, arguments, wanted):
    code, out, err = run(capsys, "create", *arguments, "--home", home)
    assert (code, out) == (2, "")
    assert wanted in err
    assert "no token yet" in run(capsys, "list", "--home", home)[1]


def test_every_role_can_be_asked_for():
    assert ROLES.split("|") == [role.value for role in Role]


def test_the_list_shows_all_but_the_secrets_and_obeys_nothing_in_names(home, capsys):
    secrets = [
        run(capsys, "create", "--role", "ingest", "--name", name, "--home", home)[1].strip()
        for name in ("[red]x", "a\x1b[31mb")
    ]
    _, out, _ = run(capsys, "list", "--home", home)
    assert "[red]x" in out
    assert "\x1b[31m" not in out
    assert not any(secret in out or token._digest(secret) in out for secret in secrets)


def test_a_revoked_token_is_refused_and_listed_as_such(home, capsys):
    secret = run(capsys, "create", "--role", "ingest", "--home", home)[1].strip()
    assert run(capsys, "revoke", "1", "--home", home)[:2] == (0, "Token 1 is revoked.\n")
    assert verified(home, secret) is token.Refusal.REVOKED
    assert run(capsys, "revoke", "1", "--home", home)[:2] == (0, "Token 1 was revoked before.\n")
    assert "revoked" in run(capsys, "list", "--home", home)[1]
    store = open_store(home)
    assert [entry.what for entry in audit.entries(store)] == ["token revoked", "token created"]
    assert audit.entries(store)[0].who
    store.close()


def test_a_token_is_revoked_by_its_name_as_long_as_one_alone_in_use_has_it(home, capsys):
    for _ in range(2):
        run(capsys, "create", "--role", "ingest", "--name", "hotel", "--home", home)
    code, out, err = run(capsys, "revoke", "hotel", "--home", home)
    assert (code, out) == (2, "")
    assert "several tokens are called 'hotel': 1, 2. Give the number of one." in err
    run(capsys, "revoke", "1", "--home", home)
    assert run(capsys, "revoke", "hotel", "--home", home)[:2] == (0, "Token 2 is revoked.\n")
    code, _, err = run(capsys, "revoke", "t1", "--home", home)
    assert (code, "there is no token 't1'" in err) == (2, True)


def test_the_list_fits_a_terminal_of_80_columns(home, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    run(capsys, "create", "--role", "operator", "--name", "nightly-batch", "--expires", "90d", "--home", home)
    lines = run(capsys, "list", "--home", home)[1].splitlines()
    assert len(lines) == 2
    assert all(len(line) <= 80 for line in lines)
    assert "nightly-batch" in lines[1]


def test_a_token_that_is_not_there_cannot_be_revoked(home, capsys):
    code, _, err = run(capsys, "revoke", "7", "--home", home)
    assert code == 2
    assert "there is no token '7'" in err


@pytest.mark.parametrize("command", [["create", "--role", "admin"], ["list"], ["revoke", "1"]])
def test_where_no_home_was_made_nothing_is_made(tmp_path, capsys, command):
    for place in (tmp_path / "none", tmp_path):
        code, _, err = run(capsys, *command, "--home", place)
        assert code == 2
        assert f"{place}: no home was made here. `watchkeeper add" in " ".join(err.split())
    assert list(tmp_path.iterdir()) == []


def test_the_home_may_come_from_the_environment(home, capsys, monkeypatch):
    monkeypatch.setenv("WATCHKEEPER_HOME", str(home))
    assert run(capsys, "list")[0] == 0
    assert (home / "state.db").exists()


def test_without_the_server_s_packages_it_says_what_to_install(home):
    code = (
        "import sys; sys.modules['sqlalchemy'] = None; from watchkeeper.cli import main; "
        f"main(['token', 'list', '--home', {str(home)!r}])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 2
    assert "pip install 'watchkeeper[server]'" in done.stderr


def test_help_loads_neither_database_nor_data():
    code = (
        "import sys; from watchkeeper.cli import main\n"
        "try: main(['token', 'create', '--help'])\n"
        "except SystemExit: print(sorted({'sqlalchemy', 'alembic', 'pyarrow', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.endswith("[]\n")
