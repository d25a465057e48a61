"""The error with which Jupyter's managers of files, sessions and kernels refuse something.

They raise Tornado's HTTP error even where no HTTP request is served. Code that uses these managers
catches the error by the name that this module gives it, and does not depend on an HTTP framework.
"""

from __future__ import annotations

from tornado.web import HTTPError as ManagerError

__all__ = ["ManagerError"]
