/** Calls, agents and a server that answers from memory. */
import { ConflictError, IAgentsApi } from '../api/api';
import type {
  CallClass,
  IAgent,
  IAgents,
  IAnswer,
  ICall,
  IGrant,
  IMinted,
  INewAgent,
  INavigator,
  IDocuments,
  NotLive,
  IPairing,
  IStopped
} from '../tokens';
import { IDelta, readAgent, readCall } from '../api/wire';

export function makeAgent(fields: object = {}): IAgent {
  return readAgent({
    id: 'a_1',
    label: 'Claude Code on my laptop',
    mode: 'edit',
    color: '#1e88e5',
    claims: { name: 'claude-code', version: '2.1' },
    connected: true,
    first_call: '2026-01-01T10:00:00Z',
    ...fields
  });
}

export function makeCall(fields: object = {}): ICall {
  return readCall({
    id: 'c_1',
    seq: 1,
    agent: 'a_1',
    agent_label: 'Claude Code on my laptop',
    tool: 'execute_cell',
    class: 'run',
    state: 'waiting_for_approval',
    summary: 'Run cell 12 in sales.ipynb',
    target: { path: 'sales.ipynb', cell_ids: ['ab12'], positions: [12] },
    preview: {
      kind: 'code',
      language: 'python',
      items: [{ title: 'Cell 12', cell_id: 'ab12', text: 'model.fit(X)' }],
      lines: 1
    },
    action_hash: 'sha256:1',
    options: [
      { kind: 'allow_once', name: 'Allow' },
      {
        kind: 'allow_always',
        until: '30m',
        name: 'Allow runs in sales.ipynb for 30 minutes'
      },
      { kind: 'reject_once', name: 'Deny' }
    ],
    created: '2026-01-01T10:00:00Z',
    ...fields
  });
}

/** A server in memory; `fail` makes it unreachable, `conflict` refuses the next decision. */
export class MemoryApi implements IAgentsApi {
  seq = 0;
  reset = false;
  fail: Error | null = null;
  conflict: ConflictError | null = null;
  agents: IAgent[] = [];
  calls: ICall[] = [];
  granted: IGrant[] = [];
  readonly asked: number[] = [];
  readonly decisions: { id: string; answer: IAnswer }[] = [];
  readonly answers: { id: string; question: string; value: string | null }[] =
    [];
  readonly minted: INewAgent[] = [];
  pairings: IPairing[] = [];
  readonly paired: { id: string; agent: INewAgent | null }[] = [];
  readonly stopped: string[] = [];

  /** Resolves when a question is being held back. */
  held: Promise<void> = Promise.resolve();

  /** Hold the next answer back until the returned function is called. */
  hold(): () => void {
    let release = () => {};
    const released = new Promise<void>(resolve => (release = resolve));
    this.held = new Promise(resolve => {
      this._hold = () => {
        this._hold = null;
        resolve();
        return released;
      };
    });
    return release;
  }

  decides: readonly CallClass[] | null = null;
  notLive: NotLive | null = null;
  missingNames: readonly string[] = [];
  documents: IDocuments = { unsaved: [], copies: [] };

  private _hold: (() => Promise<void>) | null = null;

  /** Change a call as the server would. */
  put(call: ICall): void {
    this.seq = Math.max(this.seq + 1, call.seq);
    this.calls = [
      ...this.calls.filter(other => other.id !== call.id),
      { ...call, seq: this.seq }
    ];
  }

  async state(since: number): Promise<IDelta> {
    this.asked.push(since);
    if (this.fail) {
      throw this.fail;
    }
    const seq = this.seq;
    const calls = this.calls;
    await this._hold?.();
    return {
      seq,
      reset: this.reset,
      server: {
        version: '0.1.0',
        mcpError: null,
        paused: false,
        protection: 'standard',
        unattended: null,
        decides: this.decides,
        trustOutputs: 'allowed',
        notLive: this.notLive,
        missingNames: this.missingNames,
        files: { save: [], written: {} },
        documents: this.documents
      },
      agents: this.agents,
      calls: calls.filter(call => call.seq > since || this.reset),
      grants: this.granted,
      pairings: this.pairings
    };
  }

  async connect(agent: INewAgent): Promise<IMinted> {
    this.minted.push(agent);
    this.agents = [
      ...this.agents,
      makeAgent({
        id: 'a_new',
        label: agent.label,
        first_call: null,
        claims: null
      })
    ];
    return {
      id: 'a_new',
      label: agent.label,
      token: 'jml_secret',
      url: 'http://127.0.0.1:8888/mcp'
    };
  }

  async change(id: string, change: object): Promise<IAgent> {
    this.agents = this.agents.map(agent =>
      agent.id === id ? { ...agent, ...change } : agent
    );
    return this.agents.find(agent => agent.id === id) ?? makeAgent({ id });
  }

  async stopAgent(id: string): Promise<IStopped> {
    await this.change(id, { paused: true });
    const mine = this.calls.filter(call => call.agent === id);
    const ran = mine.filter(call => call.state === 'running');
    const waited = mine.filter(call => call.state === 'waiting_for_approval');
    ran.forEach(call => this.put({ ...call, state: 'cancelled' }));
    waited.forEach(call => this.put({ ...call, state: 'denied' }));
    return { interrupted: ran.length, denied: waited.length };
  }

  async revoke(id: string): Promise<void> {
    this.agents = this.agents.filter(agent => agent.id !== id);
  }

  async decide(id: string, answer: IAnswer): Promise<ICall> {
    this.decisions.push({ id, answer });
    if (this.fail) {
      throw this.fail;
    }
    if (this.conflict) {
      const conflict = this.conflict;
      this.conflict = null;
      throw conflict;
    }
    const allowed = answer.option.startsWith('allow');
    const call = this.calls.find(other => other.id === id) ?? makeCall({ id });
    this.put({ ...call, state: allowed ? 'running' : 'denied' });
    return this.calls.find(other => other.id === id) ?? call;
  }

  async answer(
    id: string,
    question: string,
    value: string | null
  ): Promise<ICall> {
    this.answers.push({ id, question, value });
    const call = this.calls.find(other => other.id === id) ?? makeCall({ id });
    this.put({ ...call, question: null });
    return this.calls.find(other => other.id === id) ?? call;
  }

  async answerPairing(id: string, agent: INewAgent | null): Promise<void> {
    if (this.fail) {
      throw this.fail;
    }
    this.paired.push({ id, agent });
    this.pairings = this.pairings.filter(pairing => pairing.id !== id);
  }

  async stopCall(id: string): Promise<ICall> {
    this.stopped.push(id);
    const call = this.calls.find(other => other.id === id) ?? makeCall({ id });
    this.put({ ...call, state: 'cancelled' });
    return { ...call, state: 'cancelled', seq: this.seq };
  }

  async undoCall(id: string): Promise<ICall> {
    return makeCall({ id, state: 'done', seq: this.seq });
  }

  async askAgain(id: string): Promise<ICall> {
    return makeCall({ id, state: 'denied', seq: this.seq });
  }

  async revokeGrant(): Promise<void> {
    this.granted = [];
  }

  async stopAll(): Promise<{ interrupted: number; denied: number }> {
    return { interrupted: 1, denied: 2 };
  }

  async resume(): Promise<void> {}

  async putPage(): Promise<void> {}

  async savedAs(): Promise<void> {}

  async deletePage(): Promise<void> {}
}

export const nowhere: INavigator = {
  currentPath: null,
  show: async () => {}
};

/** Resolves when the model says that something changed and `is` holds. */
export function until(model: IAgents, is: () => boolean): Promise<void> {
  return new Promise(resolve => {
    const look = () => {
      if (is()) {
        model.changed.disconnect(look);
        resolve();
      }
    };
    model.changed.connect(look);
    look();
  });
}
