import { readDelta } from '../api/wire';
import { MODES } from '../model/modes';
// `tests/panel/test_state_fixture.py` checks it against what the server sends.
import state from './state.json';

/** Fields that the server sends and the page has no use for. */
const UNREAD = ['server.mcp_path', 'server.now', 'grants[].created'];

/** A copy of a value that notes the path of every member that is read. */
function recording<T>(value: T, read: Set<string>, path = ''): T {
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  const isList = Array.isArray(value);
  return new Proxy(value as object, {
    get: (target, key) => {
      const member: unknown = Reflect.get(target, key);
      if (typeof key === 'symbol' || !Object.hasOwn(target, key)) {
        return member;
      }
      const at = isList ? `${path}[]` : path === '' ? key : `${path}.${key}`;
      read.add(at);
      return recording(member, read, at);
    }
  }) as T;
}

/** The paths of all members of a value. */
function paths(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) {
    return value.flatMap(item => [`${path}[]`, ...paths(item, `${path}[]`)]);
  }
  if (typeof value !== 'object' || value === null) {
    return [];
  }
  return Object.entries(value).flatMap(([name, member]) => {
    const at = path === '' ? name : `${path}.${name}`;
    return [at, ...paths(member, at)];
  });
}

describe('the state that the server sends', () => {
  it('is read completely, except for what the page does not need', () => {
    const read = new Set<string>();
    readDelta(recording(state, read));
    const ignored = [...new Set(paths(state))].filter(path => !read.has(path));
    expect(ignored).toEqual(UNREAD);
  });

  it('has agents of modes that the page knows', () => {
    const known = MODES.map(mode => mode.value as string);
    const { agents } = readDelta(state);
    expect(agents.map(agent => agent.mode)).not.toHaveLength(0);
    expect(agents.every(agent => known.includes(agent.mode))).toBe(true);
    expect(agents.every(agent => agent.usable)).toBe(true);
  });

  it('keeps its values on the way into the page', () => {
    const delta = readDelta(state);
    expect(delta.seq).toBe(state.seq);
    expect(delta.reset).toBe(true);
    expect(delta.calls.map(call => call.state).sort()).toEqual(
      state.calls.map(call => call.state).sort()
    );
    expect(delta.pairings.map(each => each.offer?.agent)).toEqual([
      undefined,
      'Claude',
      null
    ]);
  });
});
