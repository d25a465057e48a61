"""Remember the file's values where the shared document can hold only an approximation.

The document has a single number type, no NaN, no lone surrogates, and only the keys that nbformat
defines (see `values` and `cell_form`). The original values are kept here, beside the document. They
are restored when the notebook is written, as long as the document still has what stood for them.

A value is found by its place: the cell's id, and the keys that lead to it. So each value of a dict
is preserved even when others in that dict change. Outputs, and the metadata and attachments of a
copied cell, are also found by their content, wherever they were moved.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, Final

from .cell_form import STANDARD, cell_form
from .half_surrogates import HalfPairs
from .prepared_outputs import PreparedOutput, prepared_output
from .values import (
    copied,
    document_form,
    file_form,
    fingerprint,
    format_number,
    is_exact,
    well_formed,
)
from .variants import NATURAL, Variants, copy_of

Path = tuple[Any, ...]

NOTEBOOK: Final = ""
"""The owner of values that belong to no cell; no cell in a document has an empty id."""

MAX_OWNERS: Final = 2_000
"""Maximum number of deleted cells whose values are kept, as the cells may come back."""

ADDED: Final[dict[str, Any]] = {
    "language_info": {"name": ""},
    "kernelspec": {"name": "", "display_name": ""},
}
"""The metadata that jupyter-ydoc adds for the page to a notebook that has none."""

TOP: Final = frozenset(("cells", "metadata", "nbformat", "nbformat_minor"))


@dataclass(slots=True)
class _Owner:
    """The known originals of one cell, or of the notebook."""

    places: dict[Path, tuple[int, Any]] = field(default_factory=dict)
    absent: dict[str, int] = field(default_factory=dict)
    extras: dict[str, Any] = field(default_factory=dict)
    has_id: bool = False


class Originals:
    """The original values of one notebook."""

    def __init__(self) -> None:
        self._owners: OrderedDict[str, _Owner] = OrderedDict()
        self._variants = Variants()
        self._texts = HalfPairs()
        self._unnamed: list[dict[str, Any]] = []
        self._keys: dict[str, str] = {}
        self._no_cells = False

    # -- learning ------------------------------------------------------------------------------

    def learn(self, content: dict[str, Any]) -> None:
        """Record the content of the file.

        Cells without an id belong to an old format; `name` assigns their ids later.
        """
        top = _Owner()
        metadata = content.get("metadata")
        if isinstance(metadata, dict):
            self._learn_dict(top, ("metadata",), metadata, document_form(metadata))
        elif "metadata" in content:
            top.places["metadata",] = (fingerprint({}), metadata)
        else:
            top.absent["metadata"] = fingerprint({})
        known = metadata if isinstance(metadata, dict) else {}
        top.absent |= {key: fingerprint(value) for key, value in ADDED.items() if key not in known}
        for key, default in (("nbformat", 4), ("nbformat_minor", 0)):
            if key not in content:
                top.absent[key] = fingerprint(float(default))
            else:
                self._learn_place(top, (key,), content[key], format_number(content[key]))
        top.extras = {key: value for key, value in content.items() if key not in TOP}
        self._owners[NOTEBOOK] = top
        cells = content.get("cells") or []
        self._no_cells = not cells
        self._unnamed = []
        for cell in cells:
            cell_id = cell.get("id")
            if isinstance(cell_id, str) and cell_id:
                self.learn_cell(well_formed(cell_id), cell, from_file=True)
            else:
                self._unnamed.append(cell)

    @property
    def unnamed(self) -> list[dict[str, Any]]:
        """The cells of the file that have no id yet."""
        return self._unnamed

    def name(self, ids: list[str]) -> None:
        """Assign ids to the cells without one, in order."""
        unnamed, self._unnamed = self._unnamed, []
        for cell_id, cell in zip(ids, unnamed, strict=True):
            self.learn_cell(cell_id, cell, from_file=True)

    def learn_cell(
        self,
        cell_id: str,
        cell: dict[str, Any],
        form: dict[str, Any] | None = None,
        *,
        from_file: bool = False,
    ) -> None:
        """Record a cell that the file has, or will have.

        Parameters
        ----------
        cell_id : str
        cell : dict
        form : dict, optional
            Its document form, if it is known.
        from_file : bool
            Whether the file has this cell. A recreated cell keeps what is known about it.
        """
        form = cell_form(cell) if form is None else form
        owner = _Owner(has_id=from_file and "id" in cell)
        known = None if from_file else self._owners.get(cell_id)
        if known is not None:
            owner.has_id, owner.absent = known.has_id, known.absent
        else:
            # Clearing the outputs adds an execution count as well.
            forms = ({"execution_count": None} if "outputs" in form else {}) | form
            owner.absent = {k: fingerprint(v) for k, v in forms.items() if k not in cell}
        self._owners[cell_id] = owner
        self._owners.move_to_end(cell_id)
        for key in form.keys() & cell.keys() - {"id", "source", "metadata", "outputs"}:
            self._learn_place(owner, (key,), cell[key], form[key])
        source = cell.get("source", "")
        text = source if isinstance(source, str) else ""
        self._texts.learn(cell_id, text, from_file=from_file)
        if not isinstance(source, str):
            owner.places["source",] = (fingerprint(form["source"]), source)
        self._learn_metadata(cell_id, owner, cell.get("metadata"))
        if "outputs" in form and "outputs" in cell:
            self._learn_outputs(cell_id, owner, cell["outputs"], form["outputs"])
        if form.get("attachments"):
            self._learn_variant("attachments", form["attachments"], cell["attachments"], cell_id)
        owner.extras = {
            key: value for key, value in cell.items() if key not in form and key != "id"
        }

    def learn_output(
        self,
        cell_id: str,
        index: int,
        output: dict[str, Any],
        prepared: PreparedOutput | None = None,
    ) -> dict[str, Any]:
        """Record an output that a kernel sent, and return its document form."""
        owner = self._owners.setdefault(cell_id, _Owner())
        prepared = prepared_output(output) if prepared is None else prepared
        self._learn_output(cell_id, owner, index, output, prepared)
        return prepared.form

    def learn_results(
        self,
        cell_id: str,
        outputs: list[dict[str, Any]],
        execution_count: float | None,
        prepared: list[PreparedOutput] | None = None,
    ) -> list[dict[str, Any]]:
        """Record outputs restored to a cell, and its count; return the outputs' document forms."""
        prepared = [*map(prepared_output, outputs)] if prepared is None else prepared
        for index, (output, known) in enumerate(zip(outputs, prepared, strict=True)):
            self.learn_output(cell_id, index, output, known)
        forms = [each.form for each in prepared]
        owner = self._owners.setdefault(cell_id, _Owner())
        count = document_form(execution_count)
        self._learn_place(owner, ("execution_count",), execution_count, count)
        return forms

    def learn_metadata(self, key: str, value: Any) -> None:  # noqa: ANN401 - JSON
        """Record one key of the notebook's metadata."""
        owner = self._owners.setdefault(NOTEBOOK, _Owner())
        path: Path = ("metadata", well_formed(key))
        owner.absent.pop(key, None)
        gone = [place for place in owner.places if place[:2] == path or len(place) == 1]
        for place in gone:
            if place[0] == "metadata":
                del owner.places[place]
        self._learn_value(owner, path, value)

    def _learn_metadata(self, cell_id: str, owner: _Owner, metadata: Any) -> None:  # noqa: ANN401
        if not isinstance(metadata, dict):
            if metadata is not None:
                owner.places["metadata",] = (fingerprint({}), metadata)
            return
        plain = {key: value for key, value in metadata.items() if key != "trusted"}
        form = document_form(plain)
        self._learn_dict(owner, ("metadata",), plain, form)
        if form:
            self._learn_variant("metadata", form, plain, cell_id)

    def _learn_outputs(
        self,
        cell_id: str,
        owner: _Owner,
        outputs: Any,  # noqa: ANN401 - JSON
        forms: list[dict[str, Any]],
    ) -> None:
        if not isinstance(outputs, list) or len(outputs) != len(forms):
            owner.places["outputs",] = (fingerprint(forms), outputs)
            return
        for index, (output, form) in enumerate(zip(outputs, forms, strict=True)):
            self._learn_output(cell_id, owner, index, output, prepared_output(output, form))

    def _learn_output(
        self,
        cell_id: str,
        owner: _Owner,
        index: int,
        output: dict[str, Any],
        prepared: PreparedOutput,
    ) -> None:
        original = NATURAL if prepared.is_exact else output
        owner.places["outputs", index] = (prepared.mark, original)
        self._variants.add("outputs", prepared.mark, original, cell_id)
        text = output.get("text")
        if output.get("output_type") == "stream" and isinstance(text, str):
            self._texts.learn("", text, from_file=True)

    def _learn_dict(
        self, owner: _Owner, path: Path, original: dict[str, Any], form: dict[str, Any]
    ) -> None:
        """Record a dict, and each of its values separately."""
        if is_exact(original, len(path) - 1):
            return
        owner.places[path] = (fingerprint(form), original)
        for key, value in original.items():
            shared = well_formed(key)
            if shared != key:
                self._keys[shared] = key
            self._learn_value(owner, (*path, shared), value)

    def _learn_value(self, owner: _Owner, path: Path, value: Any) -> None:  # noqa: ANN401 - JSON
        form = document_form(value, len(path) - 1)
        if isinstance(value, dict) and isinstance(form, dict):
            self._learn_dict(owner, path, value, form)
        else:
            self._learn_place(owner, path, value, form)

    @staticmethod
    def _learn_place(owner: _Owner, path: Path, original: Any, form: Any) -> None:  # noqa: ANN401
        natural = file_form(form)
        exact = is_exact(original, len(path) - 1)
        if not exact or type(natural) is not type(original) or natural != original:
            owner.places[path] = (fingerprint(form), original)

    def _learn_variant(self, kind: str, form: Any, original: Any, owner: str) -> None:  # noqa: ANN401
        exact = is_exact(original)
        self._variants.add(kind, fingerprint(form), NATURAL if exact else original, owner)

    # -- the file form -----------------------------------------------------------------------------

    def cell(self, cell_id: str, form: dict[str, Any], *, with_id: bool = True) -> dict[str, Any]:
        """Return the file form of a cell of the document.

        Parameters
        ----------
        cell_id : str
        form : dict
            The cell in document form. This method modifies it.
        with_id : bool
            Whether the format has ids. An id that the file has anyway stays.
        """
        known = self._owners.get(cell_id)
        owner = known or _Owner()
        if not (with_id or owner.has_id):
            form.pop("id", None)
        cell: dict[str, Any] = {}
        for key, value in form.items():
            if key in owner.absent and owner.absent[key] == fingerprint(value):
                continue
            if key == "metadata" and isinstance(value, dict):
                cell[key] = self._metadata(owner, value, copy=known is None)
            elif key == "outputs" and isinstance(value, list):
                cell[key] = self._outputs(cell_id, owner, value)
            elif key == "attachments" and known is None:
                cell[key] = self._variants.restored("attachments", value, cell_id)
            else:
                cell[key] = self._value(owner, (key,), value)
        if isinstance(cell.get("source"), str):
            cell["source"] = self._texts.restore(cell_id, cell["source"])
        lost = {key: copied(value) for key, value in owner.extras.items() if key not in cell}
        if cell.get("cell_type") in ("code", "markdown", "raw"):
            # If a cell is markdown now, its file form does not get the outputs that it had before.
            lost = {k: v for k, v in lost.items() if k not in STANDARD or _fits(k, v, cell)}
        return cell | lost

    def top(self, form: dict[str, Any]) -> dict[str, Any]:
        """Return the file's content apart from its cells."""
        owner = self._owners.get(NOTEBOOK) or _Owner()
        absent = owner.absent
        metadata = {
            key: value
            for key, value in form["metadata"].items()
            if not (key in ADDED and absent.get(key) == fingerprint(value))
        }
        found: dict[str, Any] = {}
        if metadata or "metadata" not in absent:
            found["metadata"] = self._value(owner, ("metadata",), metadata)
        for key in ("nbformat", "nbformat_minor"):
            if absent.get(key) != fingerprint(float(form[key])):
                found[key] = self._value(owner, (key,), float(form[key]))
        return found | {key: copied(value) for key, value in owner.extras.items()}

    def metadata(self, form: dict[str, Any]) -> dict[str, Any]:
        """Return the file form of the notebook's metadata."""
        owner = self._owners.get(NOTEBOOK) or _Owner()
        found: dict[str, Any] = self._value(owner, ("metadata",), form)
        return found

    def cells(self, cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the cells without the empty one that a page shows for an empty notebook."""
        if not self._no_cells or len(cells) != 1:
            return cells
        (cell,) = cells
        rest = {k: v for k, v in cell.get("metadata", {}).items() if k != "trusted"}
        kept = (
            cell.get("cell_type") != "code"
            or rest
            or any(cell.get(key) for key in cell.keys() - {"id", "cell_type", "metadata"})
        )
        return cells if kept else []

    def _metadata(self, owner: _Owner, form: dict[str, Any], *, copy: bool) -> dict[str, Any]:
        plain = {key: value for key, value in form.items() if key != "trusted"}
        if copy:
            found = self._variants.restored("metadata", plain, NOTEBOOK)
        else:
            found = self._value(owner, ("metadata",), plain)
        if "trusted" in form and isinstance(found, dict):
            found["trusted"] = form["trusted"]
        return found  # type: ignore[no-any-return]

    def _outputs(self, cell_id: str, owner: _Owner, outputs: list[Any]) -> Any:  # noqa: ANN401
        place = owner.places.get(("outputs",))
        if place is not None and place[0] == fingerprint(outputs):
            return copied(place[1])
        found = []
        for index, output in enumerate(outputs):
            if not self._variants.inexact:
                found.append(self._new_output(file_form(output)))
                continue
            mark = fingerprint(output)
            place = owner.places.get(("outputs", index))
            if place is not None and place[0] == mark:
                found.append(copy_of(place[1], output))
            elif self._variants.know("outputs", mark):
                found.append(self._variants.restored("outputs", output, cell_id, mark))
            else:
                found.append(self._new_output(file_form(output)))
        return found

    def _new_output(self, output: dict[str, Any]) -> dict[str, Any]:
        """Return an output that the file does not have, or a stream that has grown."""
        if output.get("output_type") == "stream" and isinstance(output.get("text"), str):
            output["text"] = self._texts.restore("", output["text"])
        return output

    def _value(self, owner: _Owner, path: Path, form: Any) -> Any:  # noqa: ANN401 - JSON
        if not owner.places:
            return file_form(form)
        place = owner.places.get(path)
        if place is not None and place[0] == fingerprint(form):
            return copy_of(place[1], form)
        if isinstance(form, dict) and len(path) < 100:
            return {
                self._keys.get(key, key): self._value(owner, (*path, key), value)
                for key, value in form.items()
            }
        return file_form(form)

    # -- bounds --------------------------------------------------------------------------------

    def starts(self) -> int:
        """Announce that the whole notebook will be written; return a token for `ends`."""
        return self._variants.starts()

    def ends(self, started: int, ids: set[str]) -> None:
        """Forget values that the notebook no longer has, the oldest first, beyond a limit."""
        left = [cell_id for cell_id in self._owners if cell_id not in ids and cell_id != NOTEBOOK]
        for cell_id in left[: max(0, len(left) - MAX_OWNERS)]:
            del self._owners[cell_id]
        self._variants.ends(started)


def _fits(key: str, value: Any, cell: dict[str, Any]) -> bool:  # noqa: ANN401 - JSON
    """Return whether a standard key that the document left out is still valid for the file."""
    if key == "attachments":
        return not value
    return bool(cell["cell_type"] != "code")
