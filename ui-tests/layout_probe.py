"""Finds elements of a page that do not fit, are cut off, or are hard to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Locator

# Code and fields scroll in their own boxes, and the title has the full text of words cut by "…".
_MISFITS = """root => {
  const box = root.getBoundingClientRect();
  const found = [];
  const tell = (node, what) => found.push(
    `${node.tagName.toLowerCase()}.${node.className} ${what}: ${node.textContent.slice(0, 40)}`);
  if (root.scrollWidth > root.clientWidth) {
    tell(root, `is ${root.scrollWidth} wide in ${root.clientWidth}`);
  }
  for (const node of root.querySelectorAll('*')) {
    const style = getComputedStyle(node);
    const own = node.getBoundingClientRect();
    const drawn = own.width > 1 && own.height > 1 && style.visibility === 'visible';
    if (!drawn || node.closest('svg') || node.parentElement.closest('pre, .cm-editor')) {
      continue;
    }
    if (own.left < box.left - 0.5 || own.right > box.right + 0.5) {
      tell(node, `lies at ${own.left}..${own.right}, outside of ${box.left}..${box.right}`);
    }
    const scrolls = node.matches('input, textarea') ||
      (/auto|scroll/.test(style.overflowX) && node.matches('pre, .cm-scroller, .cm-editor'));
    const ellipsis = style.textOverflow === 'ellipsis' &&
      (node.closest('[title]')?.title ?? '').includes(node.textContent.trim());
    if (!scrolls && !ellipsis && node.scrollWidth > node.clientWidth + 1 &&
        style.display !== 'inline' && style.overflowX !== 'visible') {
      tell(node, `is cut to ${node.clientWidth} of ${node.scrollWidth}`);
    }
    if (node.matches('button, select') && !ellipsis &&
        (node.scrollWidth > node.clientWidth || node.scrollHeight > node.clientHeight)) {
      tell(node, `holds ${node.scrollWidth}x${node.scrollHeight} ` +
        `in ${node.clientWidth}x${node.clientHeight}`);
    }
  }
  return found;
}"""

# WCAG 2.2, 1.4.3: the luminance of the text against the first opaque colour behind it.
_FAINT = """root => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgba = color => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = (top, below) =>
    [0, 1, 2].map(i => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
  const luminance = ([r, g, b]) => [r, g, b]
    .map(value => value / 255)
    .map(value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
    .reduce((sum, value, i) => sum + value * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = node => {
    if (node === null) {
      return [255, 255, 255, 1];
    }
    const color = rgba(getComputedStyle(node).backgroundColor);
    return color[3] === 1 ? color : over(color, behind(node.parentElement));
  };
  const found = new Set();
  const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode;
    const node = text.parentElement;
    const own = node.getBoundingClientRect();
    if (!text.data.trim() || own.width <= 1 || own.height <= 1 ||
        node.closest('[aria-disabled=true], :disabled, svg')) {
      continue;
    }
    const ground = behind(node);
    const ink = luminance(over(rgba(getComputedStyle(node).color), ground));
    const [low, high] = [ink, luminance(ground)].sort((a, b) => a - b);
    const contrast = (high + 0.05) / (low + 0.05);
    if (contrast < 4.5) {
      found.add(`${contrast.toFixed(2)} ${node.className}: ${text.data.trim().slice(0, 40)}`);
    }
  }
  return [...found];
}"""


def misfits(where: Locator) -> list[str]:
    """Return the elements that stick out of `where`, are cut off, or do not fit their button."""
    found: list[str] = where.evaluate(_MISFITS)
    return found


def faint_texts(where: Locator) -> list[str]:
    """Return texts with less contrast than WCAG 2.2 AA requires (4.5 to 1)."""
    found: list[str] = where.evaluate(_FAINT)
    return found
