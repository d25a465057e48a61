"""Messages about a run that tell a person or a model what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..connection.kernel_connection import INTERRUPTS
from ..connection.kernel_death import Lost
from .run import RunState

if TYPE_CHECKING:
    from .run import PieceResult, Run

SERVER_STOPPED = "The Jupyter server stopped while this ran."
DEFECT = "The run ended because of a defect in jmcp_lab; the server's log has the details."
INTERRUPTED = "The run was interrupted as asked."
CANCEL_ON_START = (
    "It was already in the kernel's queue behind other code, so it will be interrupted as soon as "
    "the kernel starts it."
)

PROPOSED = "The code proposes this text for a cell:"

SILENT = (
    "The kernel does not respond, so none of this ran. It may hang. restart_notebook ends that and "
    "loses all variables."
)
OTHER_KERNEL = (
    "The notebook has had another kernel since your last run. It has none of the earlier variables."
)

_LOST = {
    Lost.RESTARTED: "The kernel was restarted",
    Lost.SHUT_DOWN: "The kernel was shut down",
    Lost.DIED: "The kernel died",
    Lost.KILLED: "The kernel died: it was killed (often because memory ran out)",
    Lost.ENDED: "The kernel ended by itself, as with exit()",
    Lost.INTERRUPTED: "The kernel ended when it was interrupted as asked, as some kernels do",
    Lost.DEAD: "The kernel died and could not be started again",
    Lost.UNREACHABLE: "The connection to the kernel gateway was lost",
}


def lost(how: Lost, run: Run) -> str:
    """Return what the loss of the kernel means for a run."""
    if run.started is None:
        # Jupyter kills a kernel that does not start in time, so do not suggest that memory ran out.
        why = "The kernel was killed" if how is Lost.KILLED else _LOST[how]
        return f"{why} before this started. None of it ran; all variables are gone."
    return (
        f"{_LOST[how]} while this ran. All variables are gone; the outputs received until then are "
        f"kept. {_next_step(how)}"
    )


def _next_step(how: Lost) -> str:
    if how in (Lost.DIED, Lost.KILLED, Lost.ENDED, Lost.INTERRUPTED):
        return "Jupyter restarts it by itself. Run the cells that you need first."
    if how is Lost.RESTARTED:
        return "Run the cells that you need again first."
    return "Start a new kernel with assign_kernel_to_notebook before you run anything."


def since_last_run(how: Lost) -> str:
    """Return the message for an owner whose kernel was lost between two runs."""
    return f"{_LOST[how]} since your last run. All earlier variables are gone."


def cancelled(run: Run) -> tuple[RunState, str]:
    """Return the state and message of a run that was stopped while none of it was in the kernel."""
    if not run.results:
        return RunState.CANCELLED, "The run was stopped before it started. None of it ran."
    return (
        RunState.INTERRUPTED,
        f"The run was stopped after {len(run.results)} of {len(run.pieces)} pieces.",
    )


def interrupted(result: PieceResult) -> bool:
    """Whether a piece ended by an interrupt."""
    return result.error is not None and result.error[0] in INTERRUPTS


def after_piece(run: Run, result: PieceResult) -> str | None:
    """Return the message about a run after one of its pieces, unless all is well.

    The results show how many pieces did not run.
    """
    if result.status == "changed":
        return (
            "The cell was changed after you asked for this run, so it did not run. Read it again."
        )
    if result.status == "gone":
        return "The cell was deleted before its turn to run, so it did not run."
    if interrupted(result):
        asked = "as asked" if run.stop_requested.is_set() else "by somebody else"
        return f"The run was interrupted {asked}. Variables are kept."
    if result.status == "aborted":
        if result.note is not None:
            return "The kernel ended this without reporting a result."
        # Kernels other than IPython reply like this to an interrupt, whoever asked for it.
        return "The kernel aborted this before its end, as after an interrupt."
    if run.stop_requested.is_set():
        return "An interrupt was requested, but this piece ran to its end."
    if result.failed and run.stop_on_error and len(run.results) < len(run.pieces):
        return "Stopped at the first error."
    return None


def dropped_output(messages: int) -> str:
    """Return the message, for cell and reply, about output that the kernel did not send."""
    return (
        f"The code printed faster than the kernel could send, so about {messages:,} messages were "
        "dropped. Some output is missing."
    )


def payloads(reply: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Return what code requests from its frontend, besides showing its outputs."""
    return [each for each in (reply or {}).get("payload") or () if isinstance(each, dict)]


def note(
    reply: dict[str, Any] | None,
    error: tuple[str, str] | None,
    dropped: int = 0,
    *,
    refused: bool = False,
) -> str | None:
    """Return what a reader should know about a piece besides its outputs."""
    if reply is None:
        return "The kernel reported that it was done but never replied."
    if any(p.get("source") == "ask_exit" and not p.get("keepkernel") for p in payloads(reply)):
        return "The code asked the kernel to exit. The kernel ends now, and all variables are lost."
    if dropped:
        return dropped_output(dropped)
    if error is not None and error[0] == "StdinNotImplementedError":
        return (
            "The code asked for input, but no JupyterLab window was open in which the user could "
            "answer. Put the value into the code, or ask the user to open JupyterLab."
        )
    if refused:
        return (
            "The code asked for input and the user gave no answer, so its input ended (end of "
            "file). Put the value into the code, or ask the user."
        )
    return None
