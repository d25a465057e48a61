import { nullTranslator } from '@jupyterlab/translation';

import {
  ago,
  clip,
  decisionWords,
  duration,
  protectionWords,
  stateLabel,
  stopwatch,
  untilWords,
  oneLine,
  visible
} from '../panel/format';
import { makeCall } from './fixtures';

const trans = nullTranslator.load('jmcp_lab');
const NOW = Date.parse('2026-01-01T10:00:00Z');

describe('oneLine', () => {
  it('keeps a name on one line', () => {
    expect(oneLine('evil\nAllowed:\tall\u202e.ipynb')).toBe(
      'evil Allowed: all▯.ipynb'
    );
  });
});

describe('visible', () => {
  it.each([
    ['zero width space', 'a\u200bb', 'a▯b', 1],
    ['right-to-left override', 'a\u202eb', 'a▯b', 1],
    ['tag characters', 'a\u{e0041}\u{e0042}', 'a▯▯', 2],
    ['escape', '\u001b[31mred', '▯[31mred', 1],
    ['bare carriage return', 'a\rb', 'a▯b', 1],
    ['Hangul filler', 'a\u3164b', 'a▯b', 1],
    ['variation selector after a letter', 'a\ufe0fb', 'a▯b', 1],
    ['line separator', 'a\u2028b', 'a▯b', 1],
    ['byte order mark', '\ufeffa', '▯a', 1]
  ])('shows a %s', (_, source, text, unseen) => {
    expect(visible(source)).toEqual({ text, unseen });
  });

  it.each([
    ['tabs and lines', 'if x:\n\tpass\n'],
    ['other scripts', 'größe = "日本語 עברית"'],
    ['emoji', 'print("❤\ufe0f")']
  ])('leaves %s alone', (_, source) => {
    expect(visible(source)).toEqual({ text: source, unseen: 0 });
  });

  it('treats Windows line endings as line endings', () => {
    expect(visible('a\r\nb')).toEqual({ text: 'a\nb', unseen: 0 });
  });
});

describe('clip', () => {
  it('cuts between whole characters', () => {
    expect(clip('😀😀😀', 2)).toBe('😀…');
    expect(clip('abc', 3)).toBe('abc');
  });
});

describe('times', () => {
  it.each([
    ['2026-01-01T09:59:46Z', '0:14'],
    ['2026-01-01T09:47:55Z', '12:05'],
    ['2026-01-01T08:57:57Z', '1:02:03'],
    ['2026-01-01T10:00:09Z', '0:00']
  ])('since %s is %s', (since, words) => {
    expect(stopwatch(since, NOW)).toBe(words);
  });

  it.each([
    ['2026-01-01T10:00:00.040Z', '40ms'],
    ['2026-01-01T10:00:02.300Z', '2.3s'],
    ['2026-01-01T10:12:00Z', '12m']
  ])('until %s takes %s', (end, words) => {
    expect(duration('2026-01-01T10:00:00Z', end, 'en')).toBe(words);
  });

  it('gives no duration for an unfinished call', () => {
    expect(duration('2026-01-01T10:00:00Z', null)).toBe('');
  });

  it('says how long ago', () => {
    expect(ago('2026-01-01T09:56:00Z', NOW, 'en')).toBe('4m ago');
  });

  it('says until when', () => {
    expect(untilWords('stop', NOW, trans)).toBe('until JupyterLab stops');
    expect(untilWords(null, NOW, trans)).toBe('');
    expect(untilWords('2026-01-01T10:30:00Z', NOW, trans, 'en')).toMatch(
      /^until \d\d:30$/
    );
  });
});

describe('words', () => {
  it('describe the state of a call', () => {
    expect(stateLabel(makeCall(), trans)).toBe('Waiting for you');
    const failed = makeCall({ state: 'done', outcome: 'error' });
    expect(stateLabel(failed, trans)).toBe('Failed');
  });

  it.each([
    [true, 'user', 'Ada', 'allowed by Ada'],
    [true, 'user', 'Anonymous Autonoe', 'allowed'],
    [false, 'user', 'Ada', 'by Ada'],
    [false, 'user', null, ''],
    [false, 'expired', null, 'nobody answered in time'],
    [true, 'mode', null, ''],
    [false, 'mode', null, 'its mode does not allow it']
  ])('describe %s by %s of %s as %j', (allowed, source, by, words) => {
    const call = makeCall({ decision: { allowed, source, by } });
    expect(decisionWords(call, trans)).toBe(words);
  });
});

describe('protectionWords', () => {
  it.each([
    ['standard', 'Protection of this server: standard.'],
    ['hardened', 'Code in a kernel cannot reach'],
    ['open', 'requires no login'],
    ['isolated', 'Protection of this server: isolated.']
  ])('explains %s', (protection, words) => {
    expect(protectionWords(protection, trans)).toContain(words);
  });

  it('promises no protection where there is none', () => {
    expect(protectionWords('standard', trans)).not.toContain('cannot');
  });
});
