"""Lists all tools, in the order in which clients see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import arrange_cells as arrange
from . import edit_cells as cells
from . import file_tree as listing
from . import inspection, kernels, notebooks, search
from . import orientation as context
from . import read_cells as reading
from . import run_code as execution
from . import text_files as files

if TYPE_CHECKING:
    from ..runtime.tool import Tool

TOOLS: dict[str, Tool] = {
    tool.name: tool
    for tool in (
        context.get_context,
        listing.list_files,
        files.read_file,
        files.write_file,
        kernels.list_kernels,
        notebooks.list_notebooks,
        notebooks.use_notebook,
        notebooks.unuse_notebook,
        kernels.assign_kernel_to_notebook,
        kernels.restart_notebook,
        kernels.interrupt_notebook,
        reading.list_cells,
        reading.read_cell,
        reading.read_cells,
        search.search_notebook,
        cells.insert_cell,
        cells.edit_cell,
        cells.overwrite_cell_source,
        arrange.move_cell,
        arrange.delete_cell,
        arrange.clear_outputs,
        arrange.undo_changes,
        execution.execute_cell,
        execution.insert_execute_code_cell,
        execution.execute_ipython,
        inspection.inspect_variables,
        inspection.inspect_code,
        context.wait,
    )
}
"""Table of all tools by name.

It is the same for every agent and never changes; the gate decides what an agent may do.
"""
