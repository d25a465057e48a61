"""Find out about an output what takes long, which may be done in any thread.

What is found out is recorded on the event loop; see `originals`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from .cell_form import output_form
from .values import fingerprint, is_exact


class PreparedOutput(NamedTuple):
    """An output with all that takes long to find out about it.

    Parameters
    ----------
    form : dict
        Its document form.
    mark : int
        The fingerprint of that form.
    is_exact : bool
        Whether the form determines the output.
    """

    form: dict[str, Any]
    mark: int
    is_exact: bool


def prepared_output(output: dict[str, Any], form: dict[str, Any] | None = None) -> PreparedOutput:
    """Find out what is needed to record an output; this may run in any thread.

    Parameters
    ----------
    output : dict
    form : dict, optional
        Its document form, if it is known.
    """
    form = output_form(output) if form is None else form
    stream = output.get("output_type") == "stream"
    exact = is_exact(output) and not (stream and not isinstance(output.get("text"), str))
    return PreparedOutput(form, fingerprint(form), exact)
