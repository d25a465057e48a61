from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jmcp_lab.agents.modes import ASK, AUTO, EDIT, LOOK, MODES, Mode, Verdict
from jmcp_lab.calls.call import Action, DecisionSource, Target, ToolClass
from jmcp_lab.permissions.policy import Grant, Subject, chosen, decide

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
ORDER = {Verdict.DENY: 0, Verdict.ASK: 1, Verdict.ALLOW: 2}

actions = st.builds(
    Action,
    tool=st.just("t"),
    tool_class=st.sampled_from(ToolClass),
    summary=st.just("s"),
    target=st.builds(
        Target,
        path=st.sampled_from([None, "a.ipynb", "x/b.ipynb"]),
        file_id=st.sampled_from([None, "f1", "f2"]),
    ),
    guarded=st.sampled_from([None, "why"]),
    interrupt=st.booleans(),
    creates=st.booleans(),
)
untils = st.sampled_from([None, "stop", NOW - timedelta(hours=1), NOW, NOW + timedelta(hours=1)])
subjects = st.builds(
    Subject,
    id=st.sampled_from(["a_1", "a_2"]),
    mode=st.sampled_from(list(MODES.values())),
    paused=st.booleans(),
    notebooks=st.sampled_from([(), ("a.ipynb",), ("**/*.ipynb",)]),
    until=untils,
)
grants = st.lists(
    st.builds(
        Grant,
        id=st.just("g"),
        agent_id=st.sampled_from(["a_1", "a_2"]),
        agent_label=st.just("x"),
        tool_class=st.sampled_from(ToolClass),
        path=st.just("a.ipynb"),
        file_id=st.sampled_from(["f1", "f2"]),
        until=untils.filter(lambda until: until is not None),
        created=st.just(NOW),
        mode=st.sampled_from(list(MODES.values())),
    ),
    max_size=4,
)


@given(subjects, actions, grants)
def test_the_order_of_grants_never_matters(
    subject: Subject, action: Action, given: list[Grant]
) -> None:
    assert decide(subject, action, given, NOW) == decide(subject, action, given[::-1], NOW)


@given(subjects, actions, grants)
def test_a_paused_agent_may_do_nothing(
    subject: Subject, action: Action, given: list[Grant]
) -> None:
    paused = Subject(subject.id, subject.mode, True, subject.notebooks, subject.until)
    assert decide(paused, action, given, NOW).verdict is Verdict.DENY


@given(actions, grants, st.sampled_from([("a.ipynb",), ("**/*.ipynb",)]))
def test_a_looser_mode_never_allows_less(
    action: Action, given: list[Grant], notebooks: tuple[str, ...]
) -> None:
    verdicts = [
        ORDER[decide(Subject("a_1", mode, False, notebooks, "stop"), action, given, NOW).verdict]
        for mode in MODES.values()
    ]
    assert verdicts == sorted(verdicts)


@given(subjects, actions, grants)
def test_a_guarded_action_is_never_covered_by_a_grant(
    subject: Subject, action: Action, given: list[Grant]
) -> None:
    ruling = decide(subject, action, given, NOW)
    if action.guarded:
        assert ruling.source is not DecisionSource.GRANT


@given(subjects, actions, grants)
def test_a_grant_covers_its_agent_file_and_time_only(
    subject: Subject, action: Action, given: list[Grant]
) -> None:
    if decide(subject, action, given, NOW).source is DecisionSource.GRANT:
        assert any(
            grant.agent_id == subject.id
            and grant.file_id == action.target.file_id
            and grant.tool_class is action.tool_class
            and (grant.until == "stop" or grant.until > NOW)
            for grant in given
        )


@pytest.mark.parametrize("mode", MODES.values())
def test_reading_never_asks(mode: Mode) -> None:
    for kind in (ToolClass.INFO, ToolClass.READ):
        assert decide(Subject("a", mode), Action("t", kind, "s"), [], NOW).verdict is Verdict.ALLOW


@pytest.mark.parametrize(
    ("mode", "kind", "verdict"),
    [
        (LOOK, ToolClass.EDIT, Verdict.DENY),
        (LOOK, ToolClass.RUN, Verdict.DENY),
        (ASK, ToolClass.EDIT, Verdict.ASK),
        (ASK, ToolClass.RUN, Verdict.ASK),
        (EDIT, ToolClass.EDIT, Verdict.ALLOW),
        (EDIT, ToolClass.RUN, Verdict.ASK),
        (EDIT, ToolClass.KERNEL, Verdict.ASK),
        (AUTO, ToolClass.EDIT, Verdict.ALLOW),
        (AUTO, ToolClass.RUN, Verdict.ASK),
    ],
)
def test_each_mode_does_what_its_label_says(mode: Mode, kind: ToolClass, verdict: Verdict) -> None:
    subject = Subject("a", mode, notebooks=("a.ipynb",))
    action = Action("t", kind, "s", Target(path="a.ipynb"))
    assert decide(subject, action, [], NOW).verdict is verdict


CHANGES = {ToolClass.EDIT, ToolClass.RUN, ToolClass.KERNEL, ToolClass.FILE, ToolClass.INSPECT}


@given(subjects, actions)
def test_outside_its_notebooks_an_agent_changes_and_runs_nothing_without_asking(
    subject: Subject, action: Action
) -> None:
    chosen_here = chosen(action.target.path, subject.notebooks)
    limited = bool(subject.notebooks) or subject.mode.only_chosen
    if limited and not chosen_here and action.tool_class in CHANGES:
        stops = action.tool_class is ToolClass.KERNEL and action.interrupt
        ruling = decide(subject, action, [], NOW)
        assert ruling.verdict is not Verdict.ALLOW or stops


@pytest.mark.parametrize("mode", [ASK, EDIT, AUTO])
@pytest.mark.parametrize("kind", sorted(CHANGES))
@pytest.mark.parametrize("path", ["a.ipynb", "b.ipynb.txt", "x/b.ipynb", "helper.py", None])
def test_files_edits_and_kernels_outside_the_chosen_notebooks_ask(
    mode: Mode, kind: ToolClass, path: str | None
) -> None:
    subject = Subject("a", mode, False, ("b.ipynb",), "stop")
    action = Action("t", kind, "s", Target(path=path, file_id="f"), creates=True, used_kernel=True)
    assert decide(subject, action, [], NOW).verdict is Verdict.ASK


@pytest.mark.parametrize(
    ("path", "until", "verdict"),
    [
        ("sales.ipynb", "stop", Verdict.ALLOW),
        ("sales.ipynb", NOW + timedelta(minutes=1), Verdict.ALLOW),
        ("sales.ipynb", NOW, Verdict.ASK),
        ("other.ipynb", "stop", Verdict.ASK),
        (None, "stop", Verdict.ASK),
    ],
)
def test_auto_runs_in_the_chosen_notebooks_until_its_end(
    path: str | None, until: datetime | str, verdict: Verdict
) -> None:
    subject = Subject("a", AUTO, False, ("sales.ipynb",), until)  # type: ignore[arg-type]
    action = Action("t", ToolClass.RUN, "s", Target(path=path, file_id="f"))
    assert decide(subject, action, [], NOW).verdict is verdict


@pytest.mark.parametrize(
    ("pattern", "path", "result"),
    [
        ("*.ipynb", "a.ipynb", True),
        ("*.ipynb", "x/a.ipynb", False),
        ("**/*.ipynb", "x/y/a.ipynb", True),
        ("**/*.ipynb", "a.ipynb", True),
        ("x/*.ipynb", "x/a.ipynb", True),
        ("x/?.ipynb", "x/a.ipynb", True),
        ("A.ipynb", "a.ipynb", False),
        ("x/**", "x/y/z.ipynb", True),
        ("plan [2].ipynb", "plan [2].ipynb", True),
        ("plan [2].ipynb", "plan 2.ipynb", False),
        ("plan [!a].ipynb", "plan b.ipynb", False),
    ],
)
def test_globs_are_anchored_and_respect_folders_and_case(
    pattern: str, path: str, result: bool
) -> None:
    assert chosen(path, [pattern]) is result


@pytest.mark.parametrize(
    "pattern",
    [
        *("**/" * 99 + "a", "**/a/" * 59 + "b", "**/*/" * 59 + "b", "*a" * 149 + "b"),
        *("[" * 300, "?*" * 149 + "b", "**/" + "*a" * 140 + "/**/b"),
    ],
)
def test_the_worst_notebook_patterns_do_not_take_exponential_time(pattern: str) -> None:
    started = time.thread_time()
    for path in ("a/" * 60 + "c", "a" * 255, "a/" * 500 + "c"):
        assert not chosen(path, [pattern])
    assert time.thread_time() - started < 2


@given(
    st.lists(st.sampled_from(["**", "*", "a", "a*", "?", "b"]), min_size=1, max_size=5),
    st.lists(st.sampled_from(["a", "b", "ab"]), min_size=1, max_size=5),
)
def test_a_double_star_matches_every_depth(pattern: list[str], path: list[str]) -> None:
    if "**" in pattern:
        at = pattern.index("**")
        each = [[*pattern[:at], *["*"] * depth, *pattern[at + 1 :]] for depth in range(6)]
    else:
        each = [pattern]
    found = any(one and chosen("/".join(path), ["/".join(one)]) for one in each)
    assert chosen("/".join(path), ["/".join(pattern)]) is found
