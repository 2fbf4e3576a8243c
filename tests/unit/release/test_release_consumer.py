"""Contracts of consumers: read with every mistake named, held against versions, kept, and asked by the gate."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from watchkeeper.cli.app import app
from watchkeeper.model import ModelError
from watchkeeper.model.yaml_file import parse
from watchkeeper.release import registry
from watchkeeper.release.contract.consumer import (
    NoSuchConsumer,
    OtherModel,
    breaches,
    consumers,
    contract_checks,
    keep,
    parse_consumer,
    withdraw,
)
from watchkeeper.release.contract.contract import of
from watchkeeper.release.outcome import Outcome
from watchkeeper.release.package.folder import package
from watchkeeper.state import audit, gate
from watchkeeper.state import consumer as kept
from watchkeeper.state import model as models
from watchkeeper.state import version as versions
from watchkeeper.state.version import Version
from watchkeeper.watch.home import opened

YAML = """
name: hotel
task: multiclass
columns:
  nights: {type: integer, nullable: false}
  price: {type: number}
  country: {type: string, allowed: [DE, FR]}
  outcome: {type: string, role: label, allowed: [stays, cancels]}
"""
SHOP = """
consumer: web-shop
model: hotel
contact: shop@example.com
sends:
  nights: integer
  price: {type: number, nullable: true}
reads:
  prediction: {type: string, allowed: [stays, cancels]}
examples:
  - {nights: 3, price: 99.5}
  - {nights: 1, price: null}
"""


def contract(*inputs, yaml=YAML, name="v8"):
    detail = {"inputs": list(inputs), "lineage": {}}
    return of(parse(yaml), Version(1, "hotel", name, "onnx", None, None, None, detail, 10, "me"))


def told(text, found=None):
    return [
        breach.sentence for breach in breaches(found or contract("nights", "price"), parse_consumer(text, "c.yaml"))
    ]


def test_a_version_that_takes_what_is_sent_and_gives_what_is_read_honours_the_contract():
    assert told(SHOP) == []


@pytest.mark.parametrize(
    ("line", "instead", "sentence"),
    [
        ("nights: integer", "nights: number", "it sends 'nights' as number, and integer is taken"),
        ("nights: integer", "nights: {type: integer, nullable: true}",
         "it may send 'nights' as null, which is refused"),
        ("nights: integer", "nights: integer\n  age: integer", "it sends 'age', which is no field of hotel"),
        (", allowed: [stays, cancels]}", ", allowed: [stays]}",
         "it can't deal with all that 'prediction' may be: v8 gives also 'cancels'"),
        ("reads:", "reads:\n  score: number", "it reads 'score', which v8 does not give"),
        ("type: string, allowed: [stays, cancels]", "type: boolean",
         "it reads 'prediction' as boolean, and v8 gives string"),
        ("examples:\n", "examples:\n  - {nights: 2.5, price: 1}\n", "example 1: 'nights' is not a whole number: 2.5"),
        ("examples:\n", "examples:\n  - {nights: 2}\n", "example 1: 'price' (number) is missing"),
    ],
)  # fmt: skip
def test_what_is_not_honoured_is_told(line, instead, sentence):
    assert line in SHOP
    assert told(SHOP.replace(line, instead)) == [sentence]


def test_what_a_version_takes_and_the_consumer_does_not_send_is_told():
    (sentence,) = told(SHOP, contract("nights", "price", "country"))
    assert sentence == "it does not send 'country' (string), which v8 takes"


def test_a_consumer_that_knows_all_classes_is_broken_by_a_version_whose_classes_nobody_declared():
    free = YAML.replace(", allowed: [stays, cancels]", "")
    (sentence,) = told(SHOP, contract("nights", "price", yaml=free))
    assert sentence == "it can't deal with all that 'prediction' may be: v8 gives any value"


def test_a_contract_about_another_model_is_held_against_none():
    with pytest.raises(OtherModel, match="about 'inn', and not about hotel"):
        told(SHOP.replace("model: hotel", "model: inn"))


@pytest.mark.parametrize(
    ("line", "instead", "words"),
    [
        (
            "contact: ",
            "contakt: ",
            "line 4: contakt is no field of a consumer's contract. Did you mean 'contact'",
        ),
        ("nights: integer", "nights: {type: integer, nulable: true}", r"line 6: .*nulable .*Did you mean 'nullable'"),
        ("nights: integer", "nights: intger", "intger.*Did you mean 'integer'"),
        ("consumer: web-shop", "consumer: Web Shop", "use 1 to 63 of the letters"),
        ("consumer: web-shop\n", "", "consumer"),
        ("{nights: 3, price: 99.5}", "{night: 3}", "'night' does not stand under `sends`; did you mean 'nights'"),
        ("sends:", "sends: 3\nsent:", "sends"),
        (SHOP, "- 1", "holds no consumer's contract"),
        (SHOP, "a: [", "this is no YAML"),
        ("nights: integer", "nights: integer\n  nights: number", "stands here a second time"),
    ],
)
def test_every_mistake_in_the_file_is_named(line, instead, words):
    assert line in SHOP
    with pytest.raises(ModelError, match=words):
        parse_consumer(SHOP.replace(line, instead), "c.yaml")


def test_hostile_texts_of_a_consumer_reach_no_terminal():
    escape = json.dumps("\x1b]0;owned\x07\u202e")
    text = SHOP.replace("nights: integer", f"nights: integer\n  {escape}: integer").replace("shop@example.com", escape)
    (sentence,) = told(text)
    assert sentence.isprintable()


@pytest.fixture
def home(state_url, tmp_path):
    (tmp_path / "config.yaml").write_text(f"state: {state_url}\n")
    with opened(tmp_path) as opened_home:
        models.put(opened_home.store, "hotel", YAML, 5, "me")
        for name, inputs in (("v7", ["nights", "price"]), ("v8", ["nights", "price", "country"])):
            detail = {"inputs": inputs, "function": None, "url": None, "lineage": {}}
            versions.add(opened_home.store, "hotel", name, "onnx", None, None, None, detail, 10, "me")
        yield opened_home


@pytest.fixture
def shop(tmp_path):
    path = tmp_path / "shop.yaml"
    path.write_text(SHOP)
    return path


def version(home, name):
    found = versions.get(home.store, "hotel", name)
    assert found is not None
    return found


def test_the_gate_passes_a_version_for_each_kept_consumer_that_it_serves_and_fails_one_that_breaks_it(home, shop):
    assert contract_checks(home, version(home, "v7")) == ()
    keep(home, shop, now=20, who="ann")
    (passed,) = contract_checks(home, version(home, "v7"))
    assert (passed.name, passed.outcome) == ("consumer_contract", Outcome.PASS)
    (failed,) = contract_checks(home, version(home, "v8"))
    assert failed.outcome is Outcome.FAIL
    assert failed.sentence == "v8 breaks web-shop: it does not send 'country' (string), which v8 takes"
    assert "shop@example.com" in failed.remedy
    assert json.loads(json.dumps(failed.facts))["breaches"][0]["field"] == "country"


def test_a_version_that_passed_before_a_consumer_came_is_not_released_or_packaged_but_by_force(home, shop, tmp_path):
    for name in ("v7", "v8"):
        gate.add(home.store, "hotel", name, Outcome.PASS, {}, 15, "me")
    keep(home, shop, now=20, who="ann")
    with pytest.raises(registry.NotPassed, match=r"v8 breaks web-shop: .*--force"):
        registry.release(home, "hotel", "v8", now=30, who="me")
    with pytest.raises(registry.NotPassed, match=r"v8 breaks web-shop: .*--ungated"):
        package(home, "hotel", "v8", tmp_path / "image", now=30, who="me")
    assert registry.release(home, "hotel", "v7", now=30, who="me").action.value == "release"
    assert registry.release(home, "hotel", "v8", force="told them", now=40, who="me").action.value == "force"


def test_the_newest_contract_of_a_consumer_counts_and_none_once_it_is_withdrawn(home, shop):
    keep(home, shop, now=20, who="ann")
    with_country = SHOP.replace("nights: integer", "nights: integer\n  country: string")
    shop.write_text(with_country.replace("99.5", "99.5, country: DE").replace("null}\n", "null, country: FR}\n"))
    keep(home, shop, now=30, who="ben")
    assert [one.sends.keys() for one in consumers(home, "hotel")] == [{"nights", "country", "price"}]
    assert [check.outcome for check in contract_checks(home, version(home, "v8"))] == [Outcome.PASS]
    withdraw(home, "hotel", "web-shop", now=40, who="ann")
    assert consumers(home, "hotel") == []
    with pytest.raises(NoSuchConsumer, match="none"):
        withdraw(home, "hotel", "web-shop", now=50, who="ann")
    told_of = [(entry.what, entry.who) for entry in audit.entries(home.store, "hotel", most=3)]
    assert told_of == [("consumer withdrawn", "ann"), ("consumer kept", "ben"), ("consumer kept", "ann")]


def test_consumers_of_one_model_are_none_of_another(store):
    kept.put(store, "a", "shop", "text", 1, "me")
    kept.put(store, "b", "shop", "other", 2, "me")
    assert [one.yaml for one in kept.listing(store, "a")] == ["text"]


def run(*arguments):
    return CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)


@pytest.fixture
def folder(tmp_path):
    with opened(tmp_path / "home", make=True) as made:
        models.put(made.store, "hotel", YAML, 5, "me")
        for name, inputs in (("v7", ["nights", "price"]), ("v8", ["nights", "price", "country"])):
            detail = {"inputs": inputs, "function": None, "url": None, "lineage": {}}
            versions.add(made.store, "hotel", name, "onnx", None, None, None, detail, 10, "me")
    return tmp_path / "home"


def test_the_command_says_what_a_version_takes_what_changes_and_whom_it_breaks(folder, shop):
    shown = run("contract", "hotel", "--home", folder)
    assert shown.exit_code == 0
    assert shown.output.startswith("hotel v8\n")
    assert run("contract", "hotel", "v7", "--check", shop, "--home", folder).exit_code == 0
    broken = run("contract", "hotel", "v8", "--check", shop, "--home", folder)
    assert broken.exit_code == 1
    assert "it does not send 'country' (string), which v8 takes" in broken.output
    assert run("contract", "hotel", "--keep", shop, "--home", folder).exit_code == 0
    compared = run("contract", "hotel", "v7", "v8", "--json", "--home", folder)
    assert compared.exit_code == 1
    said = json.loads(compared.output)
    assert [(change["field"], change["breaking"]) for change in said["changes"]] == [("country", True)]
    assert list(said["breaks"]) == ["web-shop"]
    assert run("contract", "hotel", "v8", "v8", "--home", folder).exit_code == 1  # it still breaks the shop
    assert run("contract", "hotel", "--withdraw", "web-shop", "--home", folder).exit_code == 0
    assert run("contract", "hotel", "v8", "v8", "--home", folder).exit_code == 0


def test_a_consumer_checks_its_own_contract_with_the_exported_file_alone(folder, shop, tmp_path):
    import watchkeeper

    file = tmp_path / "contract.json"
    assert run("contract", "hotel", "v7", "--schema", file, "--home", folder).exit_code == 0
    assert run("contract", file, "--check", shop).exit_code == 0
    shop.write_text(SHOP.replace("nights: integer", "nights: number"))
    assert run("contract", file, "--check", shop).exit_code == 1
    assert json.loads(run("contract", file, "--openapi", "-").output)["openapi"] == "3.1.0"
    before_sending = watchkeeper.contract(file)
    assert watchkeeper.misfits(before_sending, {"nights": 2, "price": None}) == []
    assert [misfit.field for misfit in watchkeeper.misfits(before_sending, {"nights": None, "price": 1})] == ["nights"]
    assert watchkeeper.contract("hotel", "v7", home=folder).takes == before_sending.takes
