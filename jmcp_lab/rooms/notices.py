"""Notices about events that a notebook's agents did not cause; each agent gets each one once."""

from __future__ import annotations

from collections import deque

from ..calls.proposed import proposed
from ..files.save_errors import save_failure_message

MAX_NOTICES = 20
"""Maximum number of notices of one notebook that wait for agents that are away."""

CONTENTS_EVENTS = "https://events.jupyter.org/jupyter_server/contents_service/v1"
"""Schema of Jupyter's file events: saved, renamed, deleted."""


MAX_DELIVERED = 10_000
"""Maximum number of standing notices remembered as delivered."""


class Notices:
    """Undelivered notices for agents, by notebook."""

    def __init__(self) -> None:
        self.standing: str | None = None
        """A notice that each agent gets about each notebook, on its first use of it."""
        self._items: dict[str, deque[tuple[int, str]]] = {}
        self._read: dict[tuple[str, str], int] = {}
        self._once: dict[tuple[str, str, str], None] = {}
        self._number = 0

    def add(self, file_id: str, text: str) -> None:
        """Queue a notice for every agent that has used the notebook; its next call delivers it."""
        self._number += 1
        items = self._items.setdefault(file_id, deque(maxlen=MAX_NOTICES))
        if items and items[-1][1] == text:
            # A repeated notice replaces the old one: agents that know it get it again, others get
            # it once.
            items.pop()
        items.append((self._number, text))

    def take(self, agent_id: str, file_id: str) -> list[str]:
        """Return the notices since the agent's last call; on its first, the standing one."""
        key = (agent_id, file_id)
        last = self._read.get(key)
        self._read[key] = self._number
        if last is None:
            return [self.standing] if self.standing else []
        return [text for number, text in self._items.get(file_id, ()) if number > last]

    def once(self, agent_id: str, file_id: str, text: str) -> list[str]:
        """Return a notice about the present state, unless the agent has had it already."""
        key = (agent_id, file_id, text)
        if key in self._once:
            return []
        self._once[key] = None
        if len(self._once) > MAX_DELIVERED:
            del self._once[next(iter(self._once))]
        return [text]

    def forget_agent(self, agent_id: str) -> None:
        """Drop the delivery records of a revoked agent."""
        self._read = {key: number for key, number in self._read.items() if key[0] != agent_id}
        self._once = {key: None for key in self._once if key[0] != agent_id}


def merged(path: str) -> str:
    """Return the notice that the file's changes were merged into the notebook."""
    return (
        f"'{path}' was changed on disk by another program. The changes are now in the notebook, "
        "merged with what was not saved yet. Read the cells again."
    )


def not_saved(path: str, error: BaseException | str | None) -> str:
    """Return the notice that a save failed, and why."""
    return (
        f"{save_failure_message(path, error)} The changes are only in the open notebook. Tell the "
        "user."
    )


def text_not_saved(path: str, error: BaseException) -> str:
    """Return the notice that an open text file could not be saved, and why."""
    return (
        f"{save_failure_message(path, error)} The changes are only in JupyterLab's open editor. "
        "Tell the user."
    )


def saved_by_hand(path: str) -> str:
    """Return the notice that autosave is off, so that only the user saves."""
    return (
        f"The user has switched off autosave. Changes to '{path}' are in the open notebook; the "
        "file gets them only when the user saves."
    )


def never_saved(path: str) -> str:
    """Return the notice that the server never saves by itself, whatever the user has chosen."""
    return (
        "This server does not save notebooks by itself (YDocExtension.document_save_delay is "
        f"None). Changes to '{path}' are in the open notebook; the file gets them only when the "
        "user saves. Tell the user."
    )


def invalid_file(path: str, why: str) -> str:
    """Return the notice that an open notebook's file is no longer a notebook, and what follows."""
    return (
        f"The file '{path}' is no longer a notebook: {why}. Another program changed it, as git "
        "does at a merge conflict. The open notebook is unchanged. The next change or save of it "
        "replaces the file and keeps the file's present content in a copy beside it. If somebody "
        "repairs the file first, the notebook takes the repaired version."
    )


def kept(path: str, copy: str, why: str) -> str:
    """Return the notice that another version of a document is in a separate file."""
    return (
        f"Another version of '{path}' is in '{copy}': {why}. Tell the user, who can choose between "
        "them."
    )


def moved(old: str, new: str) -> str:
    """Return the notice that a shell or another program moved the notebook."""
    return f"'{old}' was moved to '{new}' outside Jupyter."


def gone(path: str) -> str:
    """Return the notice that an open notebook can no longer be found."""
    return (
        f"'{path}' was deleted or moved away while it was open. Nothing was changed. "
        "list_notebooks shows the notebooks that exist."
    )


def gone_meanwhile(path: str) -> str:
    """Return the notice that a notebook vanished while a call waited."""
    return (
        f"'{path}' was deleted or moved in the meantime, so nothing was changed. list_notebooks "
        "shows the notebooks that exist."
    )


def saved_as(old: str, new: str) -> str:
    """Return the notice that the user continued in a copy."""
    return (
        f"The user saved '{old}' as '{new}' and now works there. '{old}' is unchanged. To follow "
        f"the user, call {proposed('use_notebook', notebook=new)}."
    )


def replaced(path: str, elsewhere: str) -> str:
    """Return the notice that a different file has taken the path of a moved notebook."""
    return (
        f"'{path}' is now another file: the one you used was moved to '{elsewhere}'. Your calls "
        f"for '{path}' go to the new file. To go on in the old one, call "
        f"{proposed('use_notebook', notebook=elsewhere)}."
    )
