/**
 * What the server says, and what a person answers. `wire.ts` checks that the JSON of the server has
 * these shapes.
 */
import type { Mode } from '../model/modes';
import type { IOffer } from './offer';

/** The classes of tools, fixed by the server. */
export type CallClass =
  'info' | 'read' | 'inspect' | 'edit' | 'run' | 'kernel' | 'file';

/** Where a call is in its life. */
export type CallState =
  | 'received'
  | 'waiting_for_approval'
  | 'running'
  | 'done'
  | 'failed'
  | 'denied'
  | 'cancelled';

/** How a call ended. */
export type Outcome = 'ok' | 'error' | 'denied' | 'cancelled';

/** The answers that a request can offer, named as in the Agent Client Protocol. */
export type OptionKind = 'allow_once' | 'allow_always' | 'reject_once';

/** One answer that the server offers for a request. */
export interface IOption {
  readonly kind: OptionKind;
  /**
   * The text from the server, with scope and end ("Allow runs in sales.ipynb for 30 minutes"). The
   * panel shows it for lasting answers; for the others it has texts of its own.
   */
  readonly name: string;
  /** Span or time until which a lasting answer holds. */
  readonly until: string | null;
}

/** What a call is about. */
export interface ITarget {
  readonly path: string | null;
  readonly cellIds: readonly string[];
  readonly positions: readonly number[];
  readonly kernel: string | null;
}

/** A part of a preview: code or words (`text`), or a change (`old` and `new`). */
export interface IPreviewItem {
  readonly title: string;
  readonly cellId: string | null;
  readonly text: string;
  readonly old: string;
  readonly new: string;
}

/** Exactly what will happen when the request is allowed. */
export interface IPreview {
  readonly kind: 'code' | 'diff' | 'text';
  readonly language: string | null;
  readonly items: readonly IPreviewItem[];
  readonly lines: number;
  /** What the items alone do not show, such as the place of a new cell. */
  readonly words: string;
}

/** How a call was decided, by whom or by what. */
export interface IDecision {
  readonly allowed: boolean;
  readonly option: string | null;
  readonly by: string | null;
  readonly source: string | null;
  readonly reason: string | null;
  readonly at: string | null;
}

/** What running code asks the person, as by Python's `input()`. */
export interface IQuestion {
  /** Id that an answer must name. */
  readonly id: string;
  /** The prompt of the code. Do not trust it. */
  readonly prompt: string;
  /** The answer must not be shown. */
  readonly password: boolean;
}

/** One call of an agent, as the server keeps it. */
export interface ICall {
  readonly id: string;
  /** Grows with each change of any call; the cursor of the delta protocol. */
  readonly seq: number;
  readonly agent: string;
  readonly agentLabel: string;
  readonly tool: string;
  readonly class: CallClass;
  /** Other classes whose effects it has as well. */
  readonly also: readonly CallClass[];
  readonly state: CallState;
  readonly summary: string;
  readonly target: ITarget;
  readonly preview: IPreview | null;
  /** The reason that the agent gives. Do not trust it. */
  readonly reason: string | null;
  /** Binds a decision to the bytes that were shown. */
  readonly actionHash: string;
  /** The preview was redrawn after the agent asked. */
  readonly changed: boolean;
  readonly options: readonly IOption[];
  readonly created: string;
  readonly started: string | null;
  readonly ended: string | null;
  readonly expires: string | null;
  readonly outcome: Outcome | null;
  readonly decision: IDecision | null;
  readonly progress: string | null;
  readonly question: IQuestion | null;
  readonly error: string | null;
  readonly undoable: boolean;
  readonly repeats: number;
  /** End of the time in which the same request is denied without asking. */
  readonly deniedUntil: string | null;
}

/** One connection that an agent may use. */
export interface IAgent {
  readonly id: string;
  /** The name that a person gave to the connection. */
  readonly label: string;
  /** Its mode by name; a newer server may have modes that this page does not know. */
  readonly mode: string;
  /** The server knows its mode; otherwise the server denies the agent everything. */
  readonly usable: boolean;
  readonly color: string;
  /** The other person who let it in and alone decides; null for one of your own. */
  readonly owner: string | null;
  /** What the client says about itself. Nobody has checked it. */
  readonly claims: { readonly name: string; readonly version: string } | null;
  readonly connected: boolean;
  readonly lastSeen: string | null;
  readonly firstCall: string | null;
  readonly paused: boolean;
  readonly pausedWhy: string | null;
  readonly created: string | null;
  readonly expires: string | null;
  readonly notebooks: readonly string[];
  readonly until: string | null;
  /** The notebook that the agent works in. */
  readonly current: string | null;
  readonly doing: string | null;
}

/** What the server says about itself. */
export interface IServerInfo {
  readonly version: string;
  /** Why agents cannot connect, in a sentence; null when they can. */
  readonly mcpError: string | null;
  readonly paused: boolean;
  readonly protection: string;
  /** How a server that runs without people treats requests; null from every server so far. */
  readonly unattended: string | null;
  /** Classes of calls that this person may decide about; null from a server that does not say. */
  readonly decides: readonly CallClass[] | null;
  /** Whether outputs of an allowed run are trusted as if the person had run the cell. */
  readonly trustOutputs: 'allowed' | 'never';
  /** What keeps live documents off; null where they are on. */
  readonly notLive: NotLive | null;
  /** What other packages have no more that live documents need, in words. */
  readonly missingNames: readonly string[];
  readonly files: IFiles;
  readonly documents: IDocuments;
}

/** A save fails, a page differs from its document, or the file is no longer a notebook. */
export type UnsavedKind = 'not_saved' | 'page_apart' | 'no_notebook';

/** What the person must know about open documents. */
export interface IDocuments {
  /** Documents that differ from their files at present, and why. */
  readonly unsaved: readonly {
    readonly path: string;
    readonly words: string;
    readonly kind: UnsavedKind;
  }[];
  readonly copies: readonly ICopy[];
}

/** Another version of a document, kept because nobody knows which one is newer. */
export interface ICopy {
  readonly path: string;
  /** The path of the other version. */
  readonly copy: string;
  /** How it came to be. */
  readonly why: string;
}

/** What keeps live documents off. */
export type NotLive =
  'disable_rtc' | 'no_extension' | 'other_documents' | 'upstream_changed';

/** What pages without live documents must do. */
export interface IFiles {
  /** The notebooks to save, because an agent is about to write them. */
  readonly save: readonly string[];
  /** A mark by path that changes each time the server writes the notebook. */
  readonly written: Readonly<Record<string, string>>;
}

/** A permission that outlives the request it was given for. */
export interface IGrant {
  readonly id: string;
  readonly agent: string;
  readonly agentLabel: string;
  readonly class: string;
  readonly path: string | null;
  readonly until: string | null;
}

/** A program that asks to be let in as an agent. */
export interface IPairing {
  readonly id: string;
  /** The name that the program gives itself. Do not trust it. */
  readonly client: string;
  readonly created: string;
  readonly expires: string | null;
  /** Present if no program asks: the agent was written into the list of agents from outside. */
  readonly offer?: IOffer;
}

/** Something that waits for a person: a call, or a program that wants to connect. */
export type AgentRequest = ICall | IPairing;

/** What the person asks for when connecting an agent. */
export interface INewAgent {
  readonly label: string;
  readonly mode: Mode;
  readonly notebooks?: readonly string[];
  readonly until?: string;
}

/** A new connection with its secret, which the server shows this once. */
export interface IMinted {
  readonly id: string;
  readonly label: string;
  readonly token: string;
  readonly url: string;
}

/** What can be changed of an agent. */
export interface IAgentChange {
  readonly mode?: Mode;
  readonly notebooks?: readonly string[];
  readonly until?: string;
  readonly paused?: boolean;
  readonly label?: string;
}

/** The person's answer to a request. */
export interface IAnswer {
  readonly option: OptionKind;
  readonly actionHash: string;
  readonly until?: string;
  readonly reason?: string;
}

/** What `Stop all` did. */
export interface IStopped {
  readonly interrupted: number;
  readonly denied: number;
}
