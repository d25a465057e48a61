import type { Event } from '@jupyterlab/services';
import { PromiseDelegate, UUID } from '@lumino/coreutils';
import type { IDisposable } from '@lumino/disposable';
import { Poll } from '@lumino/polling';
import { ISignal, Signal } from '@lumino/signaling';

import { ConflictError, IAgentsApi } from '../api/api';
import { refusalOf } from './deciding';
import { linkAfter } from '../api/link';
import { isUnderWay, newestFirst } from './requests';
import type {
  IAgent,
  IAgentChange,
  IAgents,
  IAnswer,
  ICall,
  IGrant,
  IMinted,
  INewAgent,
  IPage,
  IPairing,
  IServerInfo,
  IStopped,
  Link,
  AgentRequest
} from '../tokens';
import type { IDelta } from '../api/wire';

/** The event that says "look again"; it carries no state. */
export const DOORBELL = 'https://schema.jmcp-lab.org/events/doorbell/v1';

/**
 * Poll interval that catches what the doorbell missed: events are lost while the socket is down.
 */
const CALM = { interval: 15_000, backoff: true, max: 15_000 };
/**
 * Poll interval while the server does not answer. It is short: until then the person cannot stop
 * anything.
 */
const ANXIOUS = { interval: 2_000, backoff: 1.5, max: 15_000 };

/** Maximum number of calls kept in the page; older ones are in the server's log. */
const MOST_CALLS = 10_000;

/** What {@link AgentsModel} needs from the page. */
export interface IAgentsModelOptions {
  readonly api: IAgentsApi;
  /** The event bus of the server. */
  readonly events?: ISignal<unknown, Event.Emission>;
  /** Whether nobody can see the page. */
  readonly hidden?: () => boolean;
}

/**
 * The page's copy of the agents and their calls.
 *
 * A poll asks for what changed since the last answer. The doorbell triggers it at once; its own
 * slow interval catches what was missed. Nothing is ever decided from an event.
 */
export class AgentsModel implements IAgents, IDisposable {
  constructor(options: IAgentsModelOptions) {
    this._api = options.api;
    this._events = options.events;
    const hidden = options.hidden ?? (() => document.hidden);
    this._poll = new Poll({
      name: 'jmcp-lab:state',
      auto: false,
      factory: () => this._pull(),
      frequency: CALM,
      // A hidden page with an agent must keep polling, or its title and toasts would be wrong.
      // Without agents it may rest: the doorbell rings when one connects.
      standby: () =>
        hidden() &&
        !this._agents.some(agent => agent.connected) &&
        this.waiting.length === 0 &&
        this._poll.state.phase !== 'refreshed'
    });
    this._events?.connect(this._onEvent, this);
    this._poll.ticked.connect(this._onTick, this);
    void this._poll.start();
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get link(): Link {
    return this._link;
  }

  get refusal(): string {
    return this._refusal;
  }

  get server(): IServerInfo | null {
    return this._server;
  }

  get agents(): readonly IAgent[] {
    return this._agents;
  }

  get calls(): readonly ICall[] {
    // Reverse first: the sort is stable, so the later of two calls made at the same time comes
    // first.
    this._newest ??= [...this._calls.values()].reverse().sort(newestFirst);
    return this._newest;
  }

  get waiting(): readonly AgentRequest[] {
    if (this._waiting === null) {
      const calls = this.calls.filter(
        call => call.state === 'waiting_for_approval' || call.question !== null
      );
      this._waiting = [...calls, ...this._pairings].sort(newestFirst).reverse();
    }
    return this._waiting;
  }

  get needsYou(): readonly AgentRequest[] {
    return this.waiting.filter(request => refusalOf(request, this) === null);
  }

  get grants(): readonly IGrant[] {
    return this._grants;
  }

  get ready(): Promise<void> {
    return this._ready.promise;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this._events?.disconnect(this._onEvent, this);
    this._poll.dispose();
    Signal.clearData(this);
  }

  agent(id: string): IAgent | null {
    return this._agents.find(agent => agent.id === id) ?? null;
  }

  call(id: string): ICall | null {
    return this._calls.get(id) ?? null;
  }

  async refresh(): Promise<void> {
    this._again = true;
    try {
      if (this._pulling) {
        await this._pulling;
      } else {
        await this._poll.refresh();
        await this._poll.tick;
      }
    } catch {
      // `link` reports the failure; the poll tries again.
    }
  }

  async decide(id: string, answer: IAnswer): Promise<ICall> {
    try {
      const call = await this._api.decide(id, answer);
      this._put(call);
      void this.refresh();
      return call;
    } catch (error) {
      if (error instanceof ConflictError && error.call) {
        this._put(error.call);
      }
      throw error;
    }
  }

  async answer(
    id: string,
    question: string,
    value: string | null
  ): Promise<void> {
    try {
      this._put(await this._api.answer(id, question, value));
    } finally {
      void this.refresh();
    }
  }

  async answerPairing(id: string, agent: INewAgent | null): Promise<void> {
    try {
      await this._api.answerPairing(id, agent);
    } finally {
      void this.refresh();
    }
  }

  async stopCall(id: string): Promise<void> {
    this._put(await this._api.stopCall(id));
  }

  async undoCall(id: string): Promise<void> {
    this._put(await this._api.undoCall(id));
    void this.refresh();
  }

  async askAgain(id: string): Promise<void> {
    this._put(await this._api.askAgain(id));
  }

  async connect(agent: INewAgent): Promise<IMinted> {
    const minted = await this._api.connect(agent);
    void this.refresh();
    return minted;
  }

  async change(id: string, change: IAgentChange): Promise<void> {
    const changed = await this._api.change(id, change);
    this._agents = this._agents.map(agent =>
      agent.id === id ? changed : agent
    );
    this._changed.emit();
  }

  async stopAgent(id: string): Promise<void> {
    // The server does this alone: it knows calls that this page has not received yet.
    await this._api.stopAgent(id);
    await this.refresh();
  }

  async revoke(id: string): Promise<void> {
    await this._api.revoke(id);
    this._agents = this._agents.filter(agent => agent.id !== id);
    this._changed.emit();
    void this.refresh();
  }

  async revokeGrant(id: string): Promise<void> {
    await this._api.revokeGrant(id);
    this._grants = this._grants.filter(grant => grant.id !== id);
    this._changed.emit();
  }

  async stopAll(): Promise<IStopped> {
    const stopped = await this._api.stopAll();
    void this.refresh();
    return stopped;
  }

  async resume(): Promise<void> {
    await this._api.resume();
    await this.refresh();
  }

  async reportPage(page: IPage): Promise<void> {
    await this._api.putPage(this._tab, page);
  }

  leavePage(): void {
    this._api.deletePage(this._tab).catch(() => {
      // The page is going away; the server also forgets tabs that fall silent.
    });
  }

  async savedAs(old: string, now: string): Promise<void> {
    await this._api.savedAs(old, now);
  }

  private _onEvent(_: unknown, emission: Event.Emission): void {
    if (emission.schema_id === DOORBELL) {
      void this.refresh();
    }
  }

  /** The poll drops a refresh that is requested while another one runs. This method repeats it. */
  private _onTick(_: unknown, tick: { readonly phase: string }): void {
    if (
      this._again &&
      (tick.phase === 'resolved' || tick.phase === 'reconnected')
    ) {
      void this._poll.refresh();
    }
  }

  /** Ask for what changed. If the doorbell rings during the request, ask once more afterwards. */
  private _pull(): Promise<void> {
    if (this._pulling) {
      this._again = true;
      return this._pulling;
    }
    const pulling = this._pullAll().finally(() => {
      this._pulling = null;
    });
    this._pulling = pulling;
    return pulling;
  }

  private async _pullAll(): Promise<void> {
    try {
      do {
        this._again = false;
        const delta = await this._api.state(this._seq, this._tab);
        if (this._isDisposed) {
          return;
        }
        this._apply(delta);
      } while (this._again);
      this._poll.frequency = CALM;
    } catch (error) {
      if (!this._isDisposed) {
        const link = linkAfter(error);
        this._refusal = error instanceof Error ? error.message : '';
        this._poll.frequency = link === 'offline' ? ANXIOUS : CALM;
        this._setLink(link);
      }
      throw error;
    }
  }

  private _apply(delta: IDelta): void {
    if (delta.reset || delta.seq < this._seq) {
      this._calls.clear();
    }
    this._seq = delta.seq;
    this._server = delta.server;
    this._agents = delta.agents;
    this._grants = delta.grants;
    this._pairings = delta.pairings;
    this._link = 'online';
    for (const call of delta.calls) {
      const known = this._calls.get(call.id);
      // The answer to a decision can be newer than a state that was requested before it.
      if (!known || known.seq <= call.seq) {
        this._calls.set(call.id, call);
      }
    }
    this._forgetOldest();
    this._newest = null;
    this._waiting = null;
    this._changed.emit();
    this._ready.resolve();
  }

  private _put(call: ICall): void {
    const known = this._calls.get(call.id);
    if (!known || known.seq <= call.seq) {
      this._calls.set(call.id, call);
      this._newest = null;
      this._waiting = null;
      this._changed.emit();
    }
  }

  private _forgetOldest(): void {
    let excess = this._calls.size - MOST_CALLS;
    for (const [id, call] of this._calls) {
      if (excess <= 0) {
        return;
      }
      // Keep calls that can be undone: the server says when an undo is no longer possible.
      if (!isUnderWay(call) && !call.undoable) {
        this._calls.delete(id);
        excess -= 1;
      }
    }
  }

  private _setLink(link: Link): void {
    if (this._link !== link) {
      this._link = link;
      this._changed.emit();
    }
  }

  private readonly _api: IAgentsApi;
  private readonly _events: ISignal<unknown, Event.Emission> | undefined;
  private readonly _poll: Poll<void>;
  private readonly _tab = UUID.uuid4();
  private readonly _ready = new PromiseDelegate<void>();
  private readonly _changed = new Signal<this, void>(this);
  private readonly _calls = new Map<string, ICall>();
  private _newest: readonly ICall[] | null = null;
  private _waiting: readonly AgentRequest[] | null = null;
  private _agents: readonly IAgent[] = [];
  private _grants: readonly IGrant[] = [];
  private _pairings: readonly IPairing[] = [];
  private _server: IServerInfo | null = null;
  private _link: Link = 'starting';
  private _refusal = '';
  private _seq = 0;
  private _pulling: Promise<void> | null = null;
  private _again = false;
  private _isDisposed = false;
}
