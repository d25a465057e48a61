import { Signal } from '@lumino/signaling';

import { ConflictError, RefusedError } from '../api/api';
import { UnexpectedAnswerError } from '../api/decode';
import { AgentsModel, DOORBELL } from '../model/model';
import { readDelta } from '../api/wire';
import { makeAgent, makeCall, MemoryApi, until } from './fixtures';

describe('AgentsModel', () => {
  let api: MemoryApi;
  let model: AgentsModel;
  const bus = {};
  let events: Signal<object, { schema_id: string }>;

  const start = async (): Promise<void> => {
    model = new AgentsModel({ api, events, hidden: () => false });
    await model.ready;
  };
  const ring = () => events.emit({ schema_id: DOORBELL });

  beforeEach(() => {
    api = new MemoryApi();
    events = new Signal(bus);
  });

  afterEach(() => model.dispose());

  it('asks for everything first and then for what changed', async () => {
    api.put(makeCall());
    await start();
    expect(model.waiting.map(call => call.id)).toEqual(['c_1']);
    api.put(makeCall({ id: 'c_2', created: '2026-01-01T10:00:05Z' }));
    ring();
    await until(model, () => model.calls.length === 2);
    expect(api.asked).toEqual([0, 1]);
  });

  it('lists calls newest first and waiting ones oldest first', async () => {
    api.put(makeCall({ id: 'c_2', created: '2026-01-01T10:00:05Z' }));
    api.put(makeCall({ id: 'c_1' }));
    api.put(
      makeCall({ id: 'c_3', created: '2026-01-01T10:00:09Z', state: 'done' })
    );
    await start();
    expect(model.calls.map(call => call.id)).toEqual(['c_3', 'c_2', 'c_1']);
    expect(model.waiting.map(call => call.id)).toEqual(['c_1', 'c_2']);
  });

  it('replaces a call with its newer version', async () => {
    api.put(makeCall());
    await start();
    api.put(makeCall({ state: 'done', outcome: 'ok' }));
    ring();
    await until(model, () => model.waiting.length === 0);
    expect(model.calls).toHaveLength(1);
  });

  it('drops its state when the server restarted', async () => {
    api.seq = 40;
    api.put(makeCall());
    await start();
    api.calls = [];
    api.seq = 0;
    api.reset = true;
    api.put(makeCall({ id: 'c_new', seq: 0 }));
    ring();
    await until(model, () => model.call('c_new') !== null);
    expect(model.calls.map(call => call.id)).toEqual(['c_new']);
  });

  it('reports that it is offline and recovers by asking again', async () => {
    await start();
    api.fail = new TypeError('Failed to fetch');
    ring();
    await until(model, () => model.link === 'offline');
    api.fail = null;
    api.put(makeCall());
    await model.refresh();
    await until(model, () => model.link === 'online');
    expect(model.waiting).toHaveLength(1);
  });

  it.each([
    ['missing', new RefusedError('not found', 404)],
    ['mismatch', new UnexpectedAnswerError('seq')],
    ['offline', new RefusedError('bad gateway', 502)]
  ])('reports a link that is %s', async (link, error) => {
    await start();
    api.fail = error;
    ring();
    await until(model, () => model.link === link);
    expect(model.link).toBe(link);
  });

  it('asks once more when the doorbell rings during a request', async () => {
    await start();
    const answer = api.hold();
    const asking = model.refresh();
    await api.held;
    // What this call changes is not in the answer that is under way.
    api.put(makeCall());
    ring();
    ring();
    answer();
    await asking;
    await until(model, () => model.waiting.length === 1);
    expect(api.asked).toEqual([0, 0, 0]);
  });

  it('ignores events of others', async () => {
    await start();
    const asked = api.asked.length;
    events.emit({ schema_id: 'https://example.org/other/v1' });
    await Promise.resolve();
    expect(api.asked).toHaveLength(asked);
  });

  it('never takes a decision from an event', async () => {
    api.put(makeCall());
    await start();
    events.emit({
      schema_id: DOORBELL,
      seq: 99,
      topic: 'allow'
    } as { schema_id: string });
    await model.refresh();
    expect(api.decisions).toEqual([]);
    expect(model.waiting).toHaveLength(1);
  });

  it('shows a decision before the next request', async () => {
    api.put(makeCall());
    await start();
    await model.decide('c_1', {
      option: 'allow_once',
      actionHash: 'sha256:1'
    });
    expect(model.waiting).toEqual([]);
    expect(model.call('c_1')?.state).toBe('running');
  });

  it("takes the server's call after a conflict", async () => {
    api.put(makeCall());
    await start();
    api.conflict = new ConflictError(
      'Decided in another window.',
      makeCall({ seq: 9, state: 'denied' })
    );
    await expect(
      model.decide('c_1', { option: 'allow_once', actionHash: 'sha256:1' })
    ).rejects.toThrow('Decided in another window.');
    expect(model.waiting).toEqual([]);
  });

  it('lets the server stop an agent, with calls that this page has not seen', async () => {
    api.agents = [makeAgent()];
    api.put(makeCall());
    api.put(makeCall({ id: 'c_2', state: 'done' }));
    api.put(makeCall({ id: 'c_3', agent: 'a_2' }));
    await start();
    api.put(makeCall({ id: 'c_4', state: 'running' }));
    await model.stopAgent('a_1');
    expect(model.agent('a_1')?.paused).toBe(true);
    expect(model.call('c_1')?.state).toBe('denied');
    expect(model.call('c_2')?.state).toBe('done');
    expect(model.call('c_3')?.state).toBe('waiting_for_approval');
    expect(model.call('c_4')?.state).toBe('cancelled');
    expect(api.stopped).toEqual([]);
  });

  it('notices a grant that was revoked elsewhere', async () => {
    api.granted = [
      {
        id: 'g_1',
        agent: 'a_1',
        agentLabel: 'Codex',
        class: 'run',
        path: 'sales.ipynb',
        until: 'stop'
      }
    ];
    await start();
    expect(model.grants).toHaveLength(1);
    api.granted = [];
    ring();
    await until(model, () => model.grants.length === 0);
    expect(model.grants).toEqual([]);
  });

  it('stays fast with ten thousand calls', async () => {
    for (let index = 0; index < 10_050; index++) {
      api.calls.push(
        makeCall({ id: `c_${index}`, seq: index + 1, state: 'done' })
      );
    }
    api.seq = 10_050;
    await start();
    expect(model.calls).toHaveLength(10_000);
    expect(model.calls[0].id).toBe('c_10049');
  });

  it('keeps calls that can be undone, however many reads follow', async () => {
    const calls = Array.from({ length: 10_050 }, (_, index) =>
      makeCall({ id: `c_${index}`, seq: index + 1, state: 'done' })
    );
    api.calls.push({ ...calls[0], undoable: true }, ...calls.slice(1));
    api.seq = 10_050;
    await start();
    expect(model.call('c_0')).not.toBeNull();
    expect(model.call('c_1')).toBeNull();
  });
});

describe('readDelta', () => {
  it('refuses an answer with another shape', () => {
    expect(() => readDelta({ agents: [] })).toThrow(UnexpectedAnswerError);
    expect(() => readDelta('hello')).toThrow(UnexpectedAnswerError);
  });

  it("hides nothing of an agent's name", () => {
    const summary = 'Run cell 1 in re\u202eyp.\u200bipynb';
    expect(makeCall({ summary }).summary).toBe('Run cell 1 in re▯yp.▯ipynb');
    expect(makeAgent({ doing: summary }).doing).toBe(
      'Run cell 1 in re▯yp.▯ipynb'
    );
    expect(makeAgent({ doing: null }).doing).toBeNull();
    const options = [{ kind: 'allow_once', name: 'Allow\u202e' }];
    expect(makeCall({ options }).options[0].name).toBe('Allow▯');
  });

  it('accepts a colour only if it is one', () => {
    expect(makeAgent({ color: 'red;background:url(x)' }).color).toBe('');
    expect(makeAgent({ color: '#1e88e5' }).color).toBe('#1e88e5');
  });
});
