"""Who was let in, with what, and until when."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jmcp_lab.agents import deadlines
from jmcp_lab.agents.agent import COLORS
from jmcp_lab.agents.agent_file import store_path
from jmcp_lab.agents.modes import AUTO, EDIT, LOOK
from jmcp_lab.agents.registry import AgentRegistry
from jmcp_lab.agents.tokens import TOKEN_LENGTH, is_well_formed, mint_token
from jmcp_lab.errors import InvalidArgumentError, NotFoundError, UnavailableError


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = datetime(2030, 1, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        self.now += timedelta(**span)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "agents.json"


@pytest.fixture
def registry(path: Path, clock: Clock) -> AgentRegistry:
    return AgentRegistry(path, clock=clock)


def test_a_token_is_recognised_by_its_form() -> None:
    token = mint_token()
    assert token.startswith("jml_")
    assert len(token) == TOKEN_LENGTH
    assert is_well_formed(token)
    wrong = "a" if token[10] != "a" else "b"
    assert not is_well_formed(token[:10] + wrong + token[11:])
    assert not is_well_formed(token + "x")
    assert not is_well_formed("jml_" + "é" * 49)
    assert len({mint_token() for _ in range(50)}) == 50


def test_only_the_hash_of_a_token_is_stored_for_the_user_alone(
    registry: AgentRegistry, path: Path
) -> None:
    _, token = registry.add("Claude")
    text = path.read_text()
    assert token not in text
    assert token[4:] not in text
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    names = sorted(each.name for each in path.parent.iterdir())
    assert names == ["agents.json", "agents.lock"]
    assert path.with_suffix(".lock").read_bytes() == b""


def test_agents_survive_a_restart(registry: AgentRegistry, path: Path, clock: Clock) -> None:
    agent, token = registry.add("Claude", "look", notebooks=["a/*.ipynb"])
    registry.seen(agent, {"name": "claude-code", "version": "2"})
    again = AgentRegistry(path, clock=clock)
    found = again.verify(token)
    assert found is not None
    assert found is not agent
    assert (found.id, found.label, found.mode) == (agent.id, "Claude", LOOK)
    assert found.notebooks == ("a/*.ipynb",)
    assert found.claims == {"name": "claude-code", "version": "2"}
    assert found.first_call == agent.first_call


def test_the_current_notebook_of_an_agent_survives_a_restart(
    registry: AgentRegistry, path: Path
) -> None:
    agent, _ = registry.add("Claude")
    registry.set_current(agent.id, "a/b.ipynb")
    assert AgentRegistry(path).get(agent.id).current == "a/b.ipynb"
    registry.set_current(agent.id, None)
    assert AgentRegistry(path).get(agent.id).current is None


@pytest.mark.parametrize("value", ["", 3, ["a.ipynb"], "a\nb.ipynb", "x" * 5000])
def test_a_current_notebook_that_cannot_be_one_is_left_out(
    registry: AgentRegistry, path: Path, value: object
) -> None:
    agent, _ = registry.add("Claude")
    stored = json.loads(path.read_text())
    stored["agents"][0]["current"] = value
    path.write_text(json.dumps(stored))
    assert AgentRegistry(path).get(agent.id).current is None


def test_a_list_from_before_current_notebooks_were_kept_is_read(
    registry: AgentRegistry, path: Path
) -> None:
    agent, _ = registry.add("Claude")
    stored = json.loads(path.read_text())
    del stored["agents"][0]["current"]
    path.write_text(json.dumps(stored))
    assert AgentRegistry(path).get(agent.id).label == "Claude"


def test_another_root_has_other_agents(tmp_path: Path) -> None:
    one, two = store_path(tmp_path, "/a"), store_path(tmp_path, "/b")
    assert one != two
    assert one.parent.parent == tmp_path / "jmcp_lab"


def test_auto_until_stop_ends_when_the_server_stops(
    registry: AgentRegistry, path: Path, clock: Clock
) -> None:
    stop, _ = registry.add("stop", "auto", notebooks=["a.ipynb"], until="stop")
    timed, _ = registry.add("timed", "auto", notebooks=["a.ipynb"], until="2h")
    again = AgentRegistry(path, clock=clock)
    assert again.get(stop.id).mode is EDIT
    assert again.get(timed.id).mode is AUTO
    assert again.get(timed.id).until == clock.now + timedelta(hours=2)


def test_auto_ends_and_stays_ended_when_the_clock_is_set_back(
    registry: AgentRegistry, clock: Clock
) -> None:
    agent, _ = registry.add("auto", "auto", notebooks=["a.ipynb"], until="30m")
    rung: list[int] = []
    registry.subscribe(lambda: rung.append(1))
    clock.forward(minutes=31)
    registry.all()
    assert agent.mode is EDIT
    assert rung
    clock.forward(hours=-1)
    registry.all()
    assert agent.mode is EDIT


def test_auto_does_not_last_longer_because_the_clock_was_set_back(
    registry: AgentRegistry, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent, _ = registry.add("auto", "auto", notebooks=["a.ipynb"], until="30m")
    ticks = deadlines.time.monotonic() + 31 * 60
    monkeypatch.setattr(deadlines.time, "monotonic", lambda: ticks)
    clock.forward(hours=-5)
    registry.all()
    assert agent.mode is EDIT


@pytest.mark.parametrize(
    "notebooks",
    [
        *([], ["*"], ["**"], ["**/*"], ["**/*.ipynb"], ["ok", "*/*"]),
        # The same in other words.
        *(["**/*.ipyn?"], ["**/*b"], ["**/*.i*"], ["**/*.*b"], ["*.ipynb", "*/**/*n?"]),
    ],
)
def test_auto_needs_chosen_notebooks(registry: AgentRegistry, notebooks: list[str]) -> None:
    with pytest.raises(InvalidArgumentError, match="chosen notebooks"):
        registry.add("auto", "auto", notebooks=notebooks, until="1h")
    assert registry.all() == []


@pytest.mark.parametrize("until", [None, "9h", "0m", "soon", "2030-01-01T11:00:00Z", "2030-01-01"])
def test_auto_needs_an_end_within_eight_hours(registry: AgentRegistry, until: str | None) -> None:
    with pytest.raises(InvalidArgumentError):
        registry.add("auto", "auto", notebooks=["a.ipynb"], until=until)


@pytest.mark.parametrize("until", ["30m", "8h", "90s", "stop", "2030-01-01T13:00:00+00:00"])
def test_an_end_can_be_a_duration_a_time_or_stop(registry: AgentRegistry, until: str) -> None:
    agent, _ = registry.add("auto", "auto", notebooks=["a.ipynb"], until=until)
    assert agent.until is not None


def test_a_new_auto_needs_a_new_end(registry: AgentRegistry) -> None:
    agent, _ = registry.add("auto", "auto", notebooks=["a.ipynb"], until="1h")
    registry.update(agent.id, mode="edit")
    assert agent.until is None
    with pytest.raises(InvalidArgumentError, match="end"):
        registry.update(agent.id, mode="auto")
    assert agent.mode is EDIT
    registry.update(agent.id, mode="auto", until="stop")
    assert agent.mode is AUTO


def test_a_change_is_applied_completely_or_not_at_all(registry: AgentRegistry) -> None:
    agent, _ = registry.add("one")
    with pytest.raises(InvalidArgumentError):
        registry.update(agent.id, label="two", mode="god")
    assert agent.label == "one"
    for wrong in ({"paused": 1}, {"id": "a_x"}, {"notebooks": "a"}, {"notebooks": ["../a"]}):
        with pytest.raises(InvalidArgumentError):
            registry.update(agent.id, **wrong)


@pytest.mark.parametrize("label", ["", "  ", "\u202e\u200b", None, 5])
def test_an_agent_needs_a_visible_name(registry: AgentRegistry, label: object) -> None:
    with pytest.raises(InvalidArgumentError, match="name"):
        registry.add(label)  # type: ignore[arg-type]


def test_a_name_is_one_line_of_plain_text(registry: AgentRegistry) -> None:
    agent, _ = registry.add("a\n\tb\x00\u202ec" + "x" * 100)
    assert agent.label == ("a bc" + "x" * 100)[:60]


@pytest.mark.parametrize("life", [0, -1, "60", True, 10**9, float("nan")])
def test_the_lifetime_of_a_token_is_limited(registry: AgentRegistry, life: object) -> None:
    with pytest.raises(InvalidArgumentError):
        registry.add("one", expires_in=life)  # type: ignore[arg-type]


def test_a_token_lives_thirty_days(registry: AgentRegistry, clock: Clock) -> None:
    agent, token = registry.add("one")
    revoked: list[str] = []
    registry.on_revoke(revoked.append)
    clock.forward(days=29)
    assert registry.verify(token) is agent
    clock.forward(days=2)
    assert registry.verify(token) is None
    assert revoked == [agent.id]


def test_a_revoked_agent_is_gone(registry: AgentRegistry, path: Path) -> None:
    agent, token = registry.add("one")
    registry.revoke(agent.id)
    assert registry.verify(token) is None
    assert json.loads(path.read_text())["agents"] == []
    with pytest.raises(NotFoundError):
        registry.get(agent.id)
    with pytest.raises(NotFoundError):
        registry.revoke(agent.id)
    registry.seen(agent, {"name": "ghost"})
    assert registry.all() == []


def test_connected_means_seen_recently_or_with_an_open_connection(
    registry: AgentRegistry, clock: Clock
) -> None:
    agent, _ = registry.add("one")
    assert not registry.connected(agent)
    registry.seen(agent)
    assert registry.connected(agent)
    clock.forward(minutes=3)
    assert not registry.connected(agent)
    with registry.request(agent):
        assert registry.connected(agent)
        clock.forward(minutes=10)
        assert registry.connected(agent)
    clock.forward(minutes=3)
    assert not registry.connected(agent)
    registry.watch_sessions(lambda agent_id: agent_id == agent.id)
    assert registry.connected(agent)


def test_listeners_hear_only_of_visible_changes(registry: AgentRegistry, clock: Clock) -> None:
    agent, _ = registry.add("one")
    rung: list[int] = []
    registry.subscribe(lambda: rung.append(1))
    registry.seen(agent, {"name": "tool"})
    assert len(rung) == 1
    registry.seen(agent, {"name": "tool"})
    assert len(rung) == 1
    registry.seen(agent, {"name": "<b>" + "n" * 99})
    assert len(rung) == 2
    assert agent.claims == {"name": ("<b>" + "n" * 99)[:40]}
    clock.forward(minutes=5)
    assert not registry.connected(agent)
    registry.seen(agent)
    assert len(rung) == 3
    registry.update(agent.id, paused=True)
    assert len(rung) == 4


def test_colors_differ_while_there_are_enough(registry: AgentRegistry) -> None:
    colors = [registry.add(str(number))[0].color for number in range(len(COLORS) + 1)]
    assert set(colors) == set(COLORS)


def test_an_unreadable_list_is_renamed_and_kept(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.write_text("{not json")
    registry = AgentRegistry(path)
    assert registry.all() == []
    assert path.with_name("agents.json.unreadable").read_text() == "{not json"
    registry.add("new")
    assert len(AgentRegistry(path).all()) == 1


def test_no_agent_is_added_when_the_list_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    registry = AgentRegistry(tmp_path / "elsewhere" / "agents.json")
    registry._list._path = tmp_path / "file" / "agents.json"
    with pytest.raises(UnavailableError, match="could not be written") as caught:
        registry.add("one")
    assert str(tmp_path) not in caught.value.message
    assert registry.all() == []


def test_an_agent_revoked_on_one_server_is_gone_on_another_with_the_same_root(path: Path) -> None:
    one, two = AgentRegistry(path), AgentRegistry(path)
    agent, token = one.add("shared")
    other, other_token = two.add("by the second")
    assert [each.label for each in one.all()] == ["shared", "by the second"]
    found = two.verify(token)
    assert found is not None
    ended: list[str] = []
    two.on_revoke(ended.append)
    one.revoke(agent.id)
    assert two.verify(token) is None
    assert ended == [agent.id]
    assert found.token_hash == ""
    assert one.verify(other_token) is not None
    one.update(other.id, mode="look")
    assert other.mode is EDIT  # not asked yet
    two.all()
    assert other.mode is LOOK


def test_a_list_that_gets_damaged_disconnects_no_agent(registry: AgentRegistry, path: Path) -> None:
    agent, token = registry.add("one")
    path.write_text("{")
    assert registry.verify(token) is agent
    registry.update(agent.id, label="two")
    assert AgentRegistry(path).verify(token) is not None


def test_all_agents_stay_paused_after_a_restart_until_resumed(path: Path) -> None:
    registry = AgentRegistry(path)
    agent, token = registry.add("Claude")
    registry.hold(True)
    other = AgentRegistry(path)
    assert other.stopped
    other.hold(False)
    # The first server hears of it at the next request.
    found = registry.verify(token)
    assert found is agent
    assert not registry.stopped
    assert not AgentRegistry(path).stopped
