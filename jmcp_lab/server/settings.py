"""Find invalid settings one by one and report them, without dropping the valid ones.

traitlets accepts all settings of a class or none. A single typing error would start the server with
all defaults, including those of settings that protect it.
"""

from __future__ import annotations

import ast
import difflib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_server.extension.application import ExtensionApp
from traitlets import Bool, Enum, Int, List, TraitType, Unicode, Union
from traitlets.config import Config
from traitlets.config.loader import DeferredConfig, LazyConfigValue

if TYPE_CHECKING:
    from jupyter_core.application import JupyterApp

SHOWN = 40
"""Maximum characters shown of an invalid value."""

_ALIKE = 0.75
"""Minimum similarity to our class name at which an unknown name counts as a misspelling of it."""


class CheckedExtensionApp(ExtensionApp):
    """An extension that applies its valid settings and keeps the invalid ones apart.

    Attributes
    ----------
    wrong_settings : mapping of str to str
        A message for each invalid setting, by its name: its value, and what it accepts.
    """

    wrong_settings: Mapping[str, str] = {}

    def _load_config(
        self,
        cfg: Config,
        section_names: list[str] | None = None,
        traits: dict[str, TraitType[Any, Any]] | None = None,
    ) -> None:
        """Load the valid part of a configuration."""
        ours = type(self).__name__
        known = self.traits(config=True)
        wrong = dict(self.wrong_settings)
        sound = deepcopy(cfg)
        for name, value in self._find_my_config(cfg).items():
            if name not in known:
                continue
            # A later source may correct an earlier one.
            wrong.pop(f"{ours}.{name}", None)
            if not _fits(self, known[name], value):
                wrong[f"{ours}.{name}"] = _misfit(f"{ours}.{name}", known[name], value)
                for section in section_names or self.section_names():
                    if dict.__contains__(sound, section):
                        sound[section].pop(name, None)
        for section in _slips(cfg, ours):
            for name in cfg[section]:
                if section != ours or name not in known:
                    wrong[f"{section}.{name}"] = _unknown(section, name, ours, known)
        self.wrong_settings = wrong
        super()._load_config(sound, section_names, traits)

    def all_wrong_settings(self) -> list[str]:
        """Return a message for each invalid setting, and for each file that could not be read.

        Call this after every extension is linked, because the configuration of one may contain
        settings of another.
        """
        server = self.serverapp
        assert server is not None
        apps: list[JupyterApp] = [server]
        for of_extension in server.extension_manager.extension_apps.values():
            apps += of_extension
        unread = [
            f"The configuration file {path.name} names {type(self).__name__} but set nothing. It "
            "contains an error; the first lines of the server's log show it."
            for path in _unread(apps, type(self).__name__)
        ]
        return [*self.wrong_settings.values(), *unread]


def _fits(app: ExtensionApp, trait: TraitType[Any, Any], value: object) -> bool:
    try:
        if isinstance(value, LazyConfigValue):
            value = value.get_value(getattr(app, trait.name or ""))
        elif isinstance(value, DeferredConfig):
            value = value.get_value(trait)
        trait._validate(app, value)
    except Exception:
        # Reading a value may raise any exception. In any case the setting is unusable.
        return False
    return True


def _misfit(name: str, trait: TraitType[Any, Any], value: object) -> str:
    return f"{name} is {_show(value)}, but must be {_takes(trait)}."


def _show(value: object) -> str:
    text = str(value) if isinstance(value, DeferredConfig) else repr(value)
    text = "".join(c if c.isprintable() else "\ufffd" for c in text[: SHOWN + 1])
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"


def _takes(trait: TraitType[Any, Any]) -> str:
    """Return a description of what a setting accepts."""
    if isinstance(trait, Bool):
        return "True or False"
    if isinstance(trait, Enum):
        return " or ".join(f"'{value}'" for value in trait.values or ())
    if isinstance(trait, Int):
        least, most = trait.min, trait.max
        if least is None:
            return "a whole number"
        return f"a whole number from {least}" + (f" to {most}" if most is not None else "")
    if isinstance(trait, Union):
        return ", or ".join(map(_takes, trait.trait_types))
    if isinstance(trait, List):
        return "a list of strings"
    return "a string" if isinstance(trait, Unicode) else str(trait.info())


def _unknown(section: str, name: str, ours: str, known: Iterable[str]) -> str:
    full = f"{section}.{name}"[: 2 * SHOWN]
    [*alike] = difflib.get_close_matches(name.lower(), known, 1)
    hint = f" Perhaps {ours}.{alike[0]}." if alike else ""
    return f"There is no setting {full}.{hint}"


def _slips(cfg: Config, ours: str) -> list[str]:
    """Return the sections with our name, or a misspelling of it."""
    return [
        section
        for section, value in cfg.items()
        if isinstance(value, Config)
        and (
            section == ours
            or difflib.SequenceMatcher(None, _plain(section), _plain(ours)).ratio() >= _ALIKE
        )
    ]


def _plain(name: str) -> str:
    return name.lower().replace("_", "")


def _unread(apps: Iterable[JupyterApp], words: str) -> Iterator[Path]:
    """Find the configuration files that name a class but that Jupyter did not load.

    Jupyter ignores a file with an error, and reports that only in its log. Files that it loaded are
    in `loaded_config_files`. A valid file that sets nothing is not in there either.
    """
    apps = list(apps)
    taken = {os.path.abspath(path) for app in apps for path in app.loaded_config_files}
    for path in dict.fromkeys(path for app in apps for path in _files(app)):
        if os.path.abspath(path) not in taken and path.is_file() and _names(path, words):
            yield path


def _files(app: JupyterApp) -> Iterator[Path]:
    """Yield the paths where an application looks for its configuration."""
    if app.config_file:
        folders, names = [""], ["jupyter_config", os.path.splitext(app.config_file)[0]]
    else:
        folders, names = app.config_file_paths, ["jupyter_config", app.config_file_name]
    for folder in folders:
        for name in filter(None, names):
            yield from (Path(folder, name + ".py"), Path(folder, name + ".json"))


def _names(path: Path, words: str) -> bool:
    """Return whether a file names a class outside its comments."""
    try:
        text = path.read_text("utf-8", errors="replace")
    except OSError:
        return False
    try:
        return words in (
            ast.unparse(ast.parse(text)) if path.suffix == ".py" else repr(json.loads(text))
        )
    except (SyntaxError, ValueError, RecursionError):
        return words in text
