/** How much two texts, or two lists of lines, have in common at the start and at the end. */
export function commonEnds(
  from: ArrayLike<string>,
  to: ArrayLike<string>
): { head: number; tail: number } {
  const most = Math.min(from.length, to.length);
  let head = 0;
  while (head < most && from[head] === to[head]) {
    head += 1;
  }
  let tail = 0;
  while (
    tail < most - head &&
    from[from.length - 1 - tail] === to[to.length - 1 - tail]
  ) {
    tail += 1;
  }
  return { head, tail };
}
