"""Keep agents out of Jupyter's own folders: settings, kernels, extensions, secrets.

These folders are usually hidden, or outside the server's root. Where they are below it, agents
neither read, list nor write them, whatever name or link leads there.
"""

from __future__ import annotations

import math
import os
import stat
import time
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_core import paths as jupyter_paths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

LOOK_SECONDS = 1.0

INNER = (
    *("kernels", "labextensions", "nbextensions", "lab", "custom", "migrated", "jmcp_lab"),
    *("labconfig", "nbconfig", "serverconfig", "*config.d", "*_config.*", "jupyter_*"),
    *("runtime", "kernel-*.json", "jpserver-*", "nbserver-*", "external_kernels"),
    *("notebook_secret", "notebook_cookie_secret", "nbsignatures.db*", "profile_*", "nbconvert"),
)
"""Name patterns of what Jupyter keeps in its folders, in lower case.

Somebody may have chosen their work folder, or one above it, as a Jupyter folder
(``JUPYTER_DATA_DIR=.``). Then only these entries are Jupyter's own, and the rest is theirs.
"""

REFUSED = (
    "belongs to Jupyter itself (its settings, kernels or secrets). Agents can neither read nor "
    "write there. If something there must change, ask the user to change it."
)


class OwnFolders:
    """The paths below one root that are off limits for agents.

    Parameters
    ----------
    root : str
    whole : iterable of str
        Folders and files that belong to Jupyter as a whole.
    shared : iterable of str
        Folders in which only some entries belong to Jupyter; see `INNER`.
    """

    def __init__(self, root: str, whole: Iterable[str], shared: Iterable[str] = ()) -> None:
        self._root = os.path.realpath(root)
        self._whole: list[str] = []
        self._shared: list[str] = []
        for path in dict.fromkeys(map(os.path.realpath, whole)):
            kept = self._shared if Path(self._root).is_relative_to(path) else self._whole
            kept.append(path)
        self._shared += [path for path in map(os.path.realpath, shared) if path not in self._whole]
        self._looked = -math.inf

    def hold(self, path: str) -> bool:
        """Return whether a path below the root belongs to Jupyter.

        Parameters
        ----------
        path : str
            Relative to the root.
        """
        where = Path(os.path.realpath(os.path.join(self._root, path)))
        if not where.is_relative_to(self._root):
            return False
        parts = where.relative_to(self._root).parts
        above = [Path(self._root, *parts[:at]) for at in range(len(parts) + 1)]
        self._look()
        inner = [False, *(_is_inner(part) for part in parts)]
        return any(
            (at > 0 and self._in_whole.hold(place))
            or (inner[at] and self._in_shared.hold(above[at - 1]))
            for at, place in enumerate(above)
        )

    def holds_in(self, folder: str) -> Callable[[str], bool]:
        """Return a predicate for the names in a folder that does not itself belong to Jupyter.

        It is fast for any number of entries, because it follows only links.

        Parameters
        ----------
        folder : str
            Relative to the root.
        """
        self._look()
        where = os.path.realpath(os.path.join(self._root, folder))
        shared = self._in_shared.hold(Path(where))

        def holds(name: str) -> bool:
            return (shared and _is_inner(name)) or self._held(os.path.join(where, name))

        return holds

    def _held(self, path: str) -> bool:
        try:
            found = os.lstat(path)
        except (OSError, ValueError):
            return self._in_whole.hold(Path(path))
        if stat.S_ISLNK(found.st_mode):
            return self.hold(os.path.relpath(path, self._root))
        return self._in_whole.knows(path, (found.st_dev, found.st_ino))

    def _look(self) -> None:
        """Find the folders on disk once for a whole listing, not for each of its entries."""
        if time.monotonic() - self._looked > LOOK_SECONDS:
            self._in_whole, self._in_shared = _Places(self._whole), _Places(self._shared)
            self._looked = time.monotonic()


class _Places:
    """Paths with their file keys, so that any other name of the same file matches."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._exact = set(paths)
        self._keys = {key for path in self._exact if (key := _key(path)) is not None}
        self._names = {path.casefold() for path in self._exact}

    def knows(self, path: str, key: tuple[int, int]) -> bool:
        return path in self._exact or key in self._keys

    def hold(self, path: Path) -> bool:
        if str(path) in self._exact:
            return True
        key = _key(path)
        # A path that does not exist yet has only its name.
        return str(path).casefold() in self._names if key is None else key in self._keys


def _key(path: str | Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino


@lru_cache(maxsize=4096)
def _is_inner(name: str) -> bool:
    return any(fnmatchcase(name.lower(), pattern) for pattern in INNER)


def own_folders(server: Any, root: str) -> OwnFolders:  # noqa: ANN401 - a ServerApp
    """Return Jupyter's own folders, as Jupyter and this server configure them."""
    return OwnFolders(root, filter(None, _whole(server)), _searched())


def _whole(server: Any) -> Iterator[str]:  # noqa: ANN401 - a ServerApp
    yield jupyter_paths.jupyter_config_dir()
    yield jupyter_paths.jupyter_data_dir()
    yield jupyter_paths.jupyter_runtime_dir()
    yield from (*jupyter_paths.ENV_JUPYTER_PATH, *jupyter_paths.ENV_CONFIG_PATH)
    yield from (*jupyter_paths.SYSTEM_JUPYTER_PATH, *jupyter_paths.SYSTEM_CONFIG_PATH)
    yield from _ipython()
    names = (
        *("config_dir", "data_dir", "runtime_dir", "cookie_secret_file", "info_file"),
        *("browser_open_file", "browser_open_file_to_run", "config_file", "keyfile"),
        *("external_connection_dir",),
    )
    yield from _values(server, names)
    yield from _values(server.kernel_manager, ("connection_dir", "external_connection_dir"))
    yield from _values(server.kernel_spec_manager, ("kernel_dirs", "user_kernel_dir"))
    for apps in server.extension_manager.extension_apps.values():
        for app in apps:
            yield from _values(
                app,
                (
                    *("app_dir", "app_settings_dir", "user_settings_dir", "workspaces_dir"),
                    *("schemas_dir", "themes_dir", "labextensions_path"),
                    *("extra_labextensions_path", "config_file"),
                ),
            )


def _searched() -> Iterator[str]:
    yield from (*jupyter_paths.jupyter_path(), *jupyter_paths.jupyter_config_path())


def _ipython() -> Iterator[str]:
    """Yield the folders of IPython's profiles, without importing IPython."""
    yield os.path.expanduser(os.environ.get("IPYTHONDIR") or "~/.ipython")
    settings = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    yield os.path.join(os.path.expanduser(settings), "ipython")


def _values(owner: object, names: Iterable[str]) -> Iterator[str]:
    for name in names:
        value = getattr(owner, name, None)
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, str) and os.path.isabs(each):
                yield each
