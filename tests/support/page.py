"""Simulates how JupyterLab 4.6 handles kernel messages and changes of the shared document.

This is a port of `OutputAreaModel` and `CodeCellModel` of JupyterLab 4.6 and of
`YCodeCell.getChanges` of @jupyter/ydoc 4.2, limited to outputs and including their quirks.
"""

from __future__ import annotations

import re
from typing import Any

from jupyter_ydoc import YNotebook
from pycrdt import ArrayEvent, Doc, TextEvent

Output = dict[str, Any]


def process_text(index: int, new: str, text: str = "") -> tuple[str, int]:
    """Write `new` into `text` at `index`; return the text and the new position of the cursor."""
    if not re.search("[\n\b\r]", new):
        return text[:index] + new + text[index + len(new) :], index + len(new)
    start = 0
    while True:
        found = re.compile("[\n\b\r]").search(new, start)
        prefix = new[start : found.start()] if found else new[start:]
        text = text[:index] + prefix + text[index + len(prefix) :]
        index += len(prefix)
        if found is None:
            return text, index
        start = found.end()
        if found[0] == "\b":
            if index > 0 and text[index - 1] != "\n":
                text = text[: index - 1] + text[index + 1 :]
                index -= 1
        elif found[0] == "\r":
            while index > 0 and text[index - 1] != "\n":
                index -= 1
        else:
            text += "\n"
            index = len(text)


class OutputArea:
    """The outputs below a cell."""

    def __init__(self, outputs: list[Output] | None = None) -> None:
        self.outputs: list[Output] = []
        self._stream_name = ""
        self._stream_index = 0
        self._clear_next = False
        self._displays: dict[str, list[Output]] = {}
        for output in outputs or ():
            self._add(output)

    # -- messages of a cell that the page itself runs ------------------------------------------

    def message(self, kind: str, content: dict[str, Any]) -> None:
        if kind == "clear_output":
            self.clear(wait=content["wait"])
        elif kind == "update_display_data":
            for output in self._displays.get(content["transient"]["display_id"], ()):
                output.update(data=content["data"], metadata=content["metadata"])
        else:
            if self._clear_next:
                self.clear(wait=False)
                self._clear_next = False
            plain = {key: value for key, value in content.items() if key != "transient"}
            output = self._add({**plain, "output_type": kind})
            display_id = content.get("transient", {}).get("display_id")
            if display_id and kind == "display_data":
                self._displays.setdefault(display_id, []).append(output)

    def clear(self, *, wait: bool) -> None:
        self._stream_name = ""
        if wait:
            self._clear_next = True
        else:
            self.outputs.clear()

    def _add(self, output: Output) -> Output:
        stream = output["output_type"] == "stream"
        if stream and output["name"] == self._stream_name and self.outputs:
            last = self.outputs[-1]
            assert last["output_type"] == "stream", "the page breaks: it joins text to a display"
            last["text"], self._stream_index = process_text(
                self._stream_index, output["text"], last["text"]
            )
            return last
        output = dict(output)
        if stream:
            output["text"], self._stream_index = process_text(0, output["text"])
        self._stream_name = output["name"] if stream else ""
        self.outputs.append(output)
        return output

    # -- changes of the shared document --------------------------------------------------------

    def changed(self, events: list[Any]) -> None:
        texts = [e for e in events if isinstance(e, TextEvent) and e.path[-1] == "text"]
        arrays = [e for e in events if isinstance(e, ArrayEvent)]
        # The page handles only the first change of a text, and ignores which text it is.
        for change in texts[0].delta if texts else ():
            last = self.outputs[-1]
            if "delete" in change:
                last["text"] = last["text"].encode()[: -change["delete"]].decode()
            if "insert" in change:
                last["text"] += str(change["insert"])
        at = 0
        for change in arrays[0].delta if arrays else ():
            at += change.get("retain", 0)
            for _ in range(int(change.get("delete", 0))):
                self.outputs.pop(int(at))
            for output in change.get("insert", ()):
                self._add(output.to_py())


class Page:
    """A JupyterLab page with an open notebook: its own document, and the outputs that it shows."""

    def __init__(self, notebook: YNotebook, index: int = 0) -> None:
        self.document = YNotebook(Doc())
        self.updates = 0
        self.document.ydoc.apply_update(notebook.ydoc.get_update())
        outputs = self.document.ycells[index]["outputs"]
        self.area = OutputArea(outputs.to_py())
        self._observed = outputs.observe_deep(lambda events, _: self.area.changed(events))
        self._subscription = notebook.ydoc.observe(self._follow)

    def _follow(self, event: Any) -> None:  # noqa: ANN401
        self.updates += 1
        self.document.ydoc.apply_update(event.update)
