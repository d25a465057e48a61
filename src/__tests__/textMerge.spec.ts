import { mergeText, spliced } from '../files/textMerge';

/** Numbers that are the same in every run. */
function* numbers(seed: number): Generator<number, never> {
  for (let state = seed; ;) {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    yield state / 2 ** 31;
  }
}

const merged = (base: string, mine: string, theirs: string) =>
  spliced(mine, mergeText(base, mine, theirs));

/** Change, take out and put in some lines; the new ones carry a name of their own. */
function changed(
  text: string,
  who: string,
  random: Generator<number, never>
): string {
  return text
    .split('\n')
    .flatMap((line, index) => {
      const dice = random.next().value;
      if (dice < 0.1) {
        return [];
      }
      return dice < 0.2
        ? [`${who} ${index} é😀`]
        : dice < 0.3
          ? [line, `${who} new ${index}`]
          : [line];
    })
    .join('\n');
}

describe('mergeText', () => {
  it.each([
    ['both change other lines', 'a\nb\nc', 'A\nb\nc', 'a\nb\nC', 'A\nb\nC'],
    ['mine is as before', 'a\nb', 'a\nb', 'a\nx\nb', 'a\nx\nb'],
    ['theirs is as before', 'a', 'mine', 'a', 'mine'],
    ['both say the same', 'a', 'b', 'b', 'b'],
    ['both add at the end', 'a', 'a\nmine', 'a\ntheirs', 'a\nmine\ntheirs'],
    ['one line, two places', 'f(a, b)', 'f(aa, b)', 'f(a, bb)', 'f(aa, bb)'],
    ['one line, one place', 'x = 1', 'x = 2', 'x = 3', 'x = 2\nx = 3'],
    ['an empty cell', '', 'mine', 'theirs', 'mine\ntheirs'],
    ['theirs is emptied', 'a\nb', 'a\nb', '', ''],
    ['theirs takes a line out', 'a\nb\nc', 'a\nb\nc!', 'b\nc', 'b\nc!']
  ])('keeps both when %s', (_, base, mine, theirs, wanted) => {
    expect(merged(base, mine, theirs)).toBe(wanted);
  });

  it('splits no character of two code units', () => {
    for (const { start, end, text } of mergeText('a😀b', 'a😀b', 'a😁b')) {
      expect('a😀b'.slice(start, end)).toBe('😀');
      expect(text).toBe('😁');
    }
  });

  it('loses no line of either side, whatever they did', () => {
    const random = numbers(7);
    for (let round = 0; round < 500; round++) {
      const base = Array.from({ length: 12 }, (_, line) => `line ${line}`).join(
        '\n'
      );
      const mine = changed(base, 'mine', random);
      const theirs = changed(base, 'theirs', random);
      const lines = merged(base, mine, theirs).split('\n');
      for (const side of [mine, theirs]) {
        for (const line of side
          .split('\n')
          .filter(each => /^[mt]/.test(each))) {
          expect(lines).toContain(line);
        }
      }
      expect(merged(base, mine, base)).toBe(mine);
      expect(merged(base, base, theirs)).toBe(theirs);
    }
  });
});
