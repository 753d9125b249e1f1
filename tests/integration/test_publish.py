"""Two machines and a real conan_server: what one publishes the other installs, and every way to fail."""

from __future__ import annotations

import dataclasses
import shutil
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.conan_server import USER, ConanServer, conan_server
from tests.integration.test_conan_build import PROFILE
from tfport.conan import Conan, RecipeEvent
from tfport.conan_server import NAME, Server, Stored
from tfport.errors import BuildFailed, NotBuilt, RemoteFailed, RemoteRefused
from tfport.recipe import Recipe

RECIPE = """
    import os
    from conan import ConanFile
    from conan.tools.files import save

    class Tiny(ConanFile):
        name = "{name}"
        settings = "os", "arch"
        options = {{"ops": ["ANY"]}}
        default_options = {{"ops": "all"}}
        package_type = "static-library"

        def requirements(self):
            for name in {requires}:
                self.requires(name, visible=False)

        def export_sources(self):
            save(self, os.path.join(self.export_sources_folder, "source.txt"), "{name}")

        def package_id(self):
            self.info.requires.recipe_revision_mode()

        def package(self):
            save(self, os.path.join(self.package_folder, "made.txt"), "{name} " + "x" * 100000)
"""
TOP = "tiny-top/1.0"
# Of two recipes and a package of each.
FILES = dict.fromkeys(("conanfile.py", "conan_sources.tgz", "conan_package.tgz", "conaninfo.txt"), 2)
FILES["conanmanifest.txt"] = 4


@dataclasses.dataclass
class Machine:
    """A Conan home of its own; ``events`` is what happened to each recipe."""

    conan: Conan
    server: Server
    events: list[RecipeEvent]

    @property
    def states(self) -> set[tuple[str, str]]:
        return {(event.reference, event.state) for event in self.events if event.state != "started"}

    def stored(self) -> list[Stored]:
        return self.server.stored(TOP, PROFILE, ())

    def publish(self) -> list[bool]:
        self.server.introduce()
        return [self.server.upload(each) for each in self.stored()]

    def install(self) -> Path | None:
        self.server.introduce()
        return self.server.install(TOP, PROFILE, ())


@pytest.fixture(autouse=True)
def user(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in USER.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConanServer]:
    with conan_server(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def server(shared: ConanServer, tmp_path: Path) -> Iterator[ConanServer]:
    """The server with nothing in it."""
    fresh = ConanServer(tmp_path / "server", shared.modules).start()
    yield fresh
    fresh.stop()


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``recipes``, a Conan home that has ``exported`` them, and one that has ``built`` them too."""
    folder = tmp_path_factory.mktemp("homes")
    for name in ("exported", "built"):
        made = machine(folder / name, "")
        made.conan.export(recipes(folder))
        if name == "built":
            made.conan.install(TOP, PROFILE)
    return folder


def recipes(folder: Path) -> list[Recipe]:
    made = []
    for name, requires in (("tiny-base", []), ("tiny-top", ["tiny-base/1.0"])):
        place = folder / "recipes" / name / "all"
        place.mkdir(parents=True, exist_ok=True)
        text = textwrap.dedent(RECIPE).format(name=name, requires=requires)
        (place / "conanfile.py").write_text(text)
        made.append(Recipe(name, "1.0", place))
    return made


def machine(folder: Path, url: str) -> Machine:
    events: list[RecipeEvent] = []
    conan = Conan(folder / "home", folder / "sources", folder / "logs", on_event=events.append)
    return Machine(conan, Server(conan, url), events)


@pytest.fixture
def first(tmp_path: Path, homes: Path, server: ConanServer) -> Machine:
    """The machine that has built."""
    shutil.copytree(homes / "built", tmp_path / "first", symlinks=True)
    return machine(tmp_path / "first", server.url)


@pytest.fixture
def second(tmp_path: Path, homes: Path, server: ConanServer) -> Machine:
    """The machine that has not."""
    shutil.copytree(homes / "exported", tmp_path / "second", symlinks=True)
    return machine(tmp_path / "second", server.url)


def test_what_one_machine_built_the_other_installs(
    first: Machine, second: Machine, server: ConanServer
) -> None:
    assert first.publish() == [True, True]
    assert {name: len(server.holds(name)) for name in FILES} == FILES
    package = second.install()
    assert package is not None and (package / "made.txt").read_text().startswith("tiny-top ")
    assert second.states == {(TOP, "downloaded")}, "what the package was made from is not needed"


def test_source_archives_stay_here(first: Machine, second: Machine) -> None:
    fetched = first.conan.sources / "s" / ("0" * 64)
    fetched.parent.mkdir(parents=True, exist_ok=True)
    fetched.write_bytes(b"fetched, and not by Conan")
    assert all(first.publish())
    assert second.install() is not None


def test_what_is_there_is_not_sent_again(first: Machine, server: ConanServer) -> None:
    first.publish()
    sent = [line for line in server.requests if line.startswith("PUT")]
    assert first.publish() == [False, False]
    assert [line for line in server.requests if line.startswith("PUT")] == sent


def test_a_server_without_it_says_so(second: Machine) -> None:
    assert second.install() is None


def test_what_the_server_lacks_is_built_and_the_rest_taken(first: Machine, second: Machine) -> None:
    first.server.introduce()
    assert first.server.upload(first.stored()[0])
    assert second.install() is None
    assert second.server.install(TOP, PROFILE, (), "missing") is not None
    assert second.states == {("tiny-base/1.0", "downloaded"), (TOP, "built")}


def test_a_changed_recipe_is_not_taken_from_the_server(
    first: Machine, second: Machine, tmp_path: Path
) -> None:
    first.publish()
    changed = recipes(tmp_path)
    file = changed[0].folder / "conanfile.py"
    file.write_text(file.read_text() + "# another revision\n")
    second.conan.export(changed)
    assert second.install() is None


def test_what_was_never_built_is_not_published(second: Machine) -> None:
    with pytest.raises(NotBuilt, match="tiny-top"):
        second.publish()


@pytest.mark.parametrize(
    "who", [{"CONAN_PASSWORD": "wrong"}, {"CONAN_LOGIN_USERNAME": ""}, "reader"], ids=str
)
def test_a_server_that_refuses(
    first: Machine, server: ConanServer, who: dict[str, str] | str, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = who if isinstance(who, dict) else {"CONAN_LOGIN_USERNAME": who, "CONAN_PASSWORD": who}
    for name, value in change.items():
        monkeypatch.setenv(name, value) if value else monkeypatch.delenv(name)
    with pytest.raises(RemoteRefused) as caught:
        first.publish()
    assert server.url in caught.value.what and "CONAN_PASSWORD" in caught.value.hint
    assert server.holds("conanmanifest.txt") == []


def test_a_server_that_is_not_there(first: Machine, second: Machine, server: ConanServer) -> None:
    server.stop()
    for fails in (first.publish, second.install):
        with pytest.raises(RemoteFailed) as caught:
            fails()
        assert server.url in caught.value.what


@pytest.mark.parametrize("url", ["", "ftp://somewhere", "/a/folder"])
def test_what_is_no_address(second: Machine, url: str) -> None:
    with pytest.raises(RemoteFailed, match="is not the address"):
        Server(second.conan, url).introduce()


@pytest.mark.parametrize("name", ["conan_sources.tgz", "conan_package.tgz"])
def test_a_server_that_dies_in_a_file_lists_nothing_of_it(
    first: Machine, second: Machine, server: ConanServer, name: str
) -> None:
    server.misbehave(f"die {name}")
    with pytest.raises(RemoteFailed):
        first.publish()
    server.misbehave("")
    server.start()
    assert second.install() is None, "it is not taken for whole"
    assert first.publish() == [True, True], "the next run goes on"
    assert second.install() is not None


@pytest.mark.parametrize("name", ["conan_sources.tgz", "conan_package.tgz"])
def test_a_file_that_is_refused_takes_the_rest_of_its_revision_away(
    first: Machine, second: Machine, server: ConanServer, name: str
) -> None:
    """Conan goes on behind a file that failed, so that the manifest arrives and the server lists it."""
    server.misbehave(f"refuse {name}")
    with pytest.raises(RemoteFailed):
        first.publish()
    assert second.install() is None
    server.misbehave("")
    assert first.publish() == [True, True]
    assert second.install() is not None


def test_what_could_not_be_taken_away_is_sent_whole_by_the_next_run(
    first: Machine, second: Machine, server: ConanServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.misbehave("refuse conan_package.tgz")
    whole = Server._run

    def without_removal(self: Server, words: list[str]) -> str:
        return whole(self, ["remove", "none/1.0", "--remote=none"] if words[0] == "remove" else words)

    monkeypatch.setattr(Server, "_run", without_removal)
    with pytest.raises(RemoteFailed):
        first.publish()
    monkeypatch.setattr(Server, "_run", whole)
    with pytest.raises((RemoteFailed, BuildFailed)):
        second.conan.install("tiny-base/1.0", PROFILE, remote=_introduced(second), build="never")
    server.misbehave("")
    assert first.publish()[0] is True
    assert second.conan.install("tiny-base/1.0", PROFILE, remote=NAME, build="never").is_dir()


def _introduced(machine: Machine) -> str:
    machine.server.introduce()
    return NAME
