import { Token } from '@lumino/coreutils';
import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';

import type {
  AgentRequest,
  IAgent,
  IAgentChange,
  IAnswer,
  ICall,
  IGrant,
  IMinted,
  INewAgent,
  IServerInfo,
  IStopped
} from './api/records';
import type { IPage } from './model/openPages';
import type { TextContext } from './files/openTexts';
import type { IPanelSection } from './panel/sections';

export type * from './api/records';
export type { Mode } from './model/modes';
export type { IOpenDocument, IPage, IPosition } from './model/openPages';
export type { IPanelSection } from './panel/sections';

/**
 * How the page stands with the server.
 *
 * `missing`: JupyterLab runs, but the server half of the extension does not answer.
 * `mismatch`: it answers in a way that this panel does not understand.
 * `refused`: it does not let this page in, and says why.
 */
export type Link =
  'starting' | 'online' | 'offline' | 'missing' | 'mismatch' | 'refused';

/**
 * The agents of this server and what they do.
 *
 * The server holds the state; this is the page's copy, which repairs itself. All methods that
 * change something reject with an `Error` whose message a person can act on.
 */
export interface IAgents {
  /** Emits when anything that the panel shows has changed. */
  readonly changed: ISignal<IAgents, void>;
  readonly link: Link;
  /** Why the server refused this page, as the server says it. */
  readonly refusal: string;
  readonly server: IServerInfo | null;
  readonly agents: readonly IAgent[];
  /** All known calls, newest first. */
  readonly calls: readonly ICall[];
  /** Requests that wait for a person, oldest first. */
  readonly waiting: readonly AgentRequest[];
  /** Waiting requests that this person may decide. */
  readonly needsYou: readonly AgentRequest[];
  readonly grants: readonly IGrant[];
  /** Resolves when the server has answered for the first time. */
  readonly ready: Promise<void>;

  agent(id: string): IAgent | null;
  call(id: string): ICall | null;
  /** Ask the server now. */
  refresh(): Promise<void>;

  /**
   * Answer a request.
   *
   * Rejects with a {@link ConflictError} when it was decided elsewhere or is not what was shown.
   */
  decide(id: string, answer: IAnswer): Promise<ICall>;
  /** Answer a question of running code; null gives no answer and ends its input. */
  answer(id: string, question: string, value: string | null): Promise<void>;
  /** Let a program in as this agent; null turns it away. */
  answerPairing(id: string, agent: INewAgent | null): Promise<void>;
  stopCall(id: string): Promise<void>;
  undoCall(id: string): Promise<void>;
  askAgain(id: string): Promise<void>;
  connect(agent: INewAgent): Promise<IMinted>;
  change(id: string, change: IAgentChange): Promise<void>;
  /** End what the agent does, and pause it until it is resumed. */
  stopAgent(id: string): Promise<void>;
  revoke(id: string): Promise<void>;
  revokeGrant(id: string): Promise<void>;
  stopAll(): Promise<IStopped>;
  resume(): Promise<void>;
  /** Tell the server what the person looks at in this page. */
  reportPage(page: IPage): Promise<void>;
  /** Tell the server that this page goes away; works while the page unloads. */
  leavePage(): void;
  /** Tell the agents in a notebook that the person now works in a copy of it. */
  savedAs(old: string, now: string): Promise<void>;
}

/** The token of the service that other extensions can require. */
export const IAgents = new Token<IAgents>(
  'jmcp-lab:IAgents',
  'The AI agents connected to this server, what they do and what waits for the user.'
);

/** The text files that are open in editors. */
export interface IOpenTexts {
  readonly contexts: Iterable<TextContext>;
  readonly opened: ISignal<unknown, TextContext>;
}

/** The service that knows open text files. */
export const IOpenTexts = new Token<IOpenTexts>(
  'jmcp-lab:IOpenTexts',
  'The text files that are open in editors.'
);

/** Shows the person where a call works. */
export interface INavigator {
  /** Open the notebook of a call, activate and reveal its first cell. */
  show(call: ICall): Promise<void>;
  /** The notebook that the person looks at, as a server path. */
  readonly currentPath: string | null;
}

/** The toast that reports requests while the panel is hidden. */
export interface IRequestToast {
  /** Whether the toast reports new requests at present. */
  isDue(): boolean;
  /** Whether the toast is in the page as an alert, which screen readers read aloud. */
  isRead(): boolean;
}

/** The sidebar panel with the agents. */
export interface IAgentsPanel {
  /** The toast that stands in for a hidden panel; its plugin sets it. */
  toast: IRequestToast | null;
  /** Whether the person can see the panel. */
  readonly isShown: boolean;
  /** Emits when the panel is shown or hidden. */
  readonly shownChanged: ISignal<IAgentsPanel, boolean>;
  /** Show the panel. */
  reveal(): void;
  /** Show the panel and focus the card of a request, or the first card. */
  revealRequest(id?: string): void;
  /**
   * Add a section below the panel's own; dispose of what is returned to remove it.
   *
   * Throws when another section has the id, or when there is not exactly one of `render` and
   * `widget`.
   */
  addSection(section: IPanelSection): IDisposable;
}

/** The token of the service that shows the panel. */
export const IAgentsPanel = new Token<IAgentsPanel>(
  'jmcp-lab:IAgentsPanel',
  'The sidebar panel that shows AI agents and their requests.'
);
