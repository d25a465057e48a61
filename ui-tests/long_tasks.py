"""Measures with the browser's own API for how long a page was blocked."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

_WATCH = """() => {
  window.jmcpLongTasks = [];
  new PerformanceObserver(list => {
    for (const task of list.getEntries()) window.jmcpLongTasks.push(task.duration);
  }).observe({ type: 'longtask' });
}"""

_READ = """() => new Promise(resolve => setTimeout(() => {
  const tasks = window.jmcpLongTasks;
  window.jmcpLongTasks = [];
  resolve(tasks.map(Math.round));
}, 100))"""


def watch_long_tasks(page: Page) -> None:
    """Start to record the tasks that block the page for more than 50 ms."""
    page.evaluate(_WATCH)


def long_tasks(page: Page) -> list[int]:
    """Return the duration in milliseconds of each such task since the last call."""
    found: list[int] = page.evaluate(_READ)
    return found
