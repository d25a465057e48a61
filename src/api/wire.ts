/** Decodes the JSON of the panel's REST interface into the types of `records.ts`. */
import {
  fields,
  list,
  numeral,
  oneOf,
  text,
  textOrNull,
  truth
} from './decode';
import { oneLine } from '../panel/format';
import { readOffer } from './offer';
import type {
  CallClass,
  IAgent,
  ICall,
  IDecision,
  IDocuments,
  IFiles,
  IGrant,
  IMinted,
  IOption,
  IPairing,
  IPreview,
  IPreviewItem,
  IQuestion,
  IServerInfo,
  IStopped,
  ITarget
} from './records';

const CLASSES = [
  'info',
  'read',
  'inspect',
  'edit',
  'run',
  'kernel',
  'file'
] as const;
const STATES = [
  'received',
  'waiting_for_approval',
  'running',
  'done',
  'failed',
  'denied',
  'cancelled'
] as const;
const OUTCOMES = ['ok', 'error', 'denied', 'cancelled'] as const;
const OPTIONS = ['allow_once', 'allow_always', 'reject_once'] as const;
const NOT_LIVE = [
  'disable_rtc',
  'no_extension',
  'other_documents',
  'upstream_changed'
] as const;
const UNSAVED_KINDS = ['not_saved', 'page_apart', 'no_notebook'] as const;
const PREVIEWS = ['code', 'diff', 'text'] as const;

/** What changed on the server since a sequence number. */
export interface IDelta {
  readonly seq: number;
  /** The server has restarted: what the page knows is void. */
  readonly reset: boolean;
  readonly server: IServerInfo;
  readonly agents: readonly IAgent[];
  readonly calls: readonly ICall[];
  readonly grants: readonly IGrant[];
  readonly pairings: readonly IPairing[];
}

export function readDelta(value: unknown): IDelta {
  const data = fields(value, 'state');
  return {
    seq: numeral(data.seq, 'seq'),
    reset: truth(data.reset, 'reset'),
    server: readServer(data.server),
    agents: list(data.agents, 'agents', readAgent),
    calls: list(data.calls, 'calls', readCall),
    grants: list(data.grants, 'grants', readGrant),
    pairings: list(data.pairings, 'pairings', readPairing)
  };
}

function readClass(value: unknown, name: string): CallClass {
  return oneOf(value, CLASSES, name);
}

function readServer(value: unknown): IServerInfo {
  const data = fields(value, 'server');
  return {
    version: textOrNull(data.version, 'server.version') ?? '',
    mcpError: textOrNull(data.mcp_error, 'server.mcp_error'),
    paused: truth(data.paused, 'server.paused'),
    protection: textOrNull(data.protection, 'server.protection') ?? 'standard',
    unattended: textOrNull(data.unattended, 'server.unattended'),
    decides:
      data.decides === null || data.decides === undefined
        ? null
        : list(data.decides, 'server.decides', readClass),
    // An older server sends nothing: then the page trusts nothing.
    trustOutputs: data.trust_outputs === 'allowed' ? 'allowed' : 'never',
    notLive:
      data.not_live === null || data.not_live === undefined
        ? null
        : oneOf(data.not_live, NOT_LIVE, 'server.not_live'),
    // An older server says nothing.
    missingNames: list(data.missing_names, 'server.missing_names', text),
    files: readFiles(data.files),
    documents: readDocuments(data.documents)
  };
}

/** An older server sends nothing: then there is nothing to report. */
function readDocuments(value: unknown): IDocuments {
  if (value === null || value === undefined) {
    return { unsaved: [], copies: [] };
  }
  const data = fields(value, 'server.documents');
  return {
    unsaved: list(data.unsaved, 'documents.unsaved', (item, name) => {
      const found = fields(item, name);
      return {
        path: text(found.path, `${name}.path`),
        words: text(found.words, `${name}.words`),
        kind:
          found.kind === undefined
            ? 'not_saved'
            : oneOf(found.kind, UNSAVED_KINDS, `${name}.kind`)
      };
    }),
    copies: list(data.copies, 'documents.copies', (item, name) => {
      const found = fields(item, name);
      return {
        path: text(found.path, `${name}.path`),
        copy: text(found.copy, `${name}.copy`),
        why: text(found.why, `${name}.why`)
      };
    })
  };
}

/** An older server sends nothing: then there is nothing to do. */
function readFiles(value: unknown): IFiles {
  if (value === null || value === undefined) {
    return { save: [], written: {} };
  }
  const data = fields(value, 'server.files');
  const written = Object.entries(fields(data.written, 'files.written'));
  return {
    save: list(data.save, 'files.save', path => text(path, 'files.save')),
    written: Object.fromEntries(
      written.map(([path, mark]) => [path, text(mark, 'files.written')])
    )
  };
}

export function readAgent(value: unknown, name = 'agent'): IAgent {
  const data = fields(value, name);
  return {
    id: text(data.id, `${name}.id`),
    label: text(data.label, `${name}.label`),
    mode: text(data.mode, `${name}.mode`),
    // An older server sends nothing: it has no agents with modes that it does not know.
    usable: data.usable === undefined || truth(data.usable, `${name}.usable`),
    color: readColor(data.color),
    owner: textOrNull(data.owner, `${name}.owner`),
    claims: readClaims(data.claims, `${name}.claims`),
    connected: truth(data.connected, `${name}.connected`),
    lastSeen: textOrNull(data.last_seen, `${name}.last_seen`),
    firstCall: textOrNull(data.first_call, `${name}.first_call`),
    paused: truth(data.paused, `${name}.paused`),
    pausedWhy: textOrNull(data.paused_why, `${name}.paused_why`),
    created: textOrNull(data.created, `${name}.created`),
    expires: textOrNull(data.expires, `${name}.expires`),
    notebooks: list(data.notebooks, `${name}.notebooks`, text),
    until: textOrNull(data.until, `${name}.until`),
    current: textOrNull(data.current, `${name}.current`),
    doing: oneLine(textOrNull(data.doing, `${name}.doing`) ?? '') || null
  };
}

/** A colour that is safe in a style; an empty text leaves the colour to the theme. */
function readColor(value: unknown): string {
  return typeof value === 'string' && /^#[0-9a-f]{3,8}$/i.test(value)
    ? value
    : '';
}

function readClaims(value: unknown, name: string): IAgent['claims'] {
  if (value === undefined || value === null) {
    return null;
  }
  const data = fields(value, name);
  const claimed = textOrNull(data.name, `${name}.name`);
  return claimed === null
    ? null
    : {
        name: claimed,
        version: textOrNull(data.version, `${name}.version`) ?? ''
      };
}

export function readCall(value: unknown, name = 'call'): ICall {
  const data = fields(value, name);
  return {
    id: text(data.id, `${name}.id`),
    seq: numeral(data.seq, `${name}.seq`),
    agent: text(data.agent, `${name}.agent`),
    agentLabel: textOrNull(data.agent_label, `${name}.agent_label`) ?? '',
    tool: text(data.tool, `${name}.tool`),
    class: oneOf(data.class, CLASSES, `${name}.class`),
    also: list(data.also, `${name}.also`, readClass),
    state: oneOf(data.state, STATES, `${name}.state`),
    summary: oneLine(text(data.summary, `${name}.summary`)),
    target: readTarget(data.target, `${name}.target`),
    preview: readPreview(data.preview, `${name}.preview`),
    reason: textOrNull(data.reason, `${name}.reason`),
    actionHash: textOrNull(data.action_hash, `${name}.action_hash`) ?? '',
    changed: truth(data.changed, `${name}.changed`),
    options: list(data.options, `${name}.options`, readOption),
    created: text(data.created, `${name}.created`),
    started: textOrNull(data.started, `${name}.started`),
    ended: textOrNull(data.ended, `${name}.ended`),
    expires: textOrNull(data.expires, `${name}.expires`),
    outcome:
      data.outcome === undefined || data.outcome === null
        ? null
        : oneOf(data.outcome, OUTCOMES, `${name}.outcome`),
    decision: readDecision(data.decision, `${name}.decision`),
    progress: textOrNull(data.progress, `${name}.progress`),
    question: readQuestion(data.question, `${name}.question`),
    error: textOrNull(data.error, `${name}.error`),
    undoable: truth(data.undoable, `${name}.undoable`),
    repeats: typeof data.repeats === 'number' ? data.repeats : 1,
    deniedUntil: textOrNull(data.denied_until, `${name}.denied_until`)
  };
}

function readQuestion(value: unknown, name: string): IQuestion | null {
  if (value === undefined || value === null) {
    return null;
  }
  const data = fields(value, name);
  return {
    id: text(data.id, `${name}.id`),
    prompt: textOrNull(data.prompt, `${name}.prompt`) ?? '',
    password: truth(data.password, `${name}.password`)
  };
}

function readTarget(value: unknown, name: string): ITarget {
  if (value === undefined || value === null) {
    return { path: null, cellIds: [], positions: [], kernel: null };
  }
  const data = fields(value, name);
  return {
    path: textOrNull(data.path, `${name}.path`),
    cellIds: list(data.cell_ids, `${name}.cell_ids`, text),
    positions: list(data.positions, `${name}.positions`, numeral),
    kernel: textOrNull(data.kernel, `${name}.kernel`)
  };
}

function readPreview(value: unknown, name: string): IPreview | null {
  if (value === undefined || value === null) {
    return null;
  }
  const data = fields(value, name);
  return {
    kind: oneOf(data.kind, PREVIEWS, `${name}.kind`),
    language: textOrNull(data.language, `${name}.language`),
    items: list(data.items, `${name}.items`, readPreviewItem),
    lines: typeof data.lines === 'number' ? data.lines : 0,
    words: textOrNull(data.words, `${name}.words`) ?? ''
  };
}

function readPreviewItem(value: unknown, name: string): IPreviewItem {
  const data = fields(value, name);
  return {
    title: textOrNull(data.title, `${name}.title`) ?? '',
    cellId: textOrNull(data.cell_id, `${name}.cell_id`),
    text: textOrNull(data.text, `${name}.text`) ?? '',
    old: textOrNull(data.old, `${name}.old`) ?? '',
    new: textOrNull(data.new, `${name}.new`) ?? ''
  };
}

function readOption(value: unknown, name: string): IOption {
  const data = fields(value, name);
  return {
    kind: oneOf(data.kind, OPTIONS, `${name}.kind`),
    name: oneLine(textOrNull(data.name, `${name}.name`) ?? ''),
    until: textOrNull(data.until, `${name}.until`)
  };
}

function readDecision(value: unknown, name: string): IDecision | null {
  if (value === undefined || value === null) {
    return null;
  }
  const data = fields(value, name);
  return {
    allowed: truth(data.allowed, `${name}.allowed`),
    option: textOrNull(data.option, `${name}.option`),
    by: textOrNull(data.by, `${name}.by`),
    source: textOrNull(data.source, `${name}.source`),
    reason: textOrNull(data.reason, `${name}.reason`),
    at: textOrNull(data.at, `${name}.at`)
  };
}

function readGrant(value: unknown, name: string): IGrant {
  const data = fields(value, name);
  return {
    id: text(data.id, `${name}.id`),
    agent: text(data.agent, `${name}.agent`),
    agentLabel: textOrNull(data.agent_label, `${name}.agent_label`) ?? '',
    class: text(data.class, `${name}.class`),
    // The path is only shown, never opened.
    path: oneLine(textOrNull(data.path, `${name}.path`) ?? '') || null,
    until: textOrNull(data.until, `${name}.until`)
  };
}

function readPairing(value: unknown, name: string): IPairing {
  const data = fields(value, name);
  return {
    id: text(data.id, `${name}.id`),
    client: text(data.client, `${name}.client`),
    created: text(data.created, `${name}.created`),
    expires: textOrNull(data.expires, `${name}.expires`),
    ...(data.offer === undefined
      ? {}
      : { offer: readOffer(data.offer, `${name}.offer`) })
  };
}

/**
 * The URL of a new agent uses the address of the page: a server behind a proxy does not know its
 * own.
 */
export function readMinted(value: unknown, baseUrl: string): IMinted {
  const data = fields(value, 'agent');
  return {
    id: text(data.id, 'agent.id'),
    label: text(data.label, 'agent.label'),
    token: text(data.token, 'agent.token'),
    url: new URL(new URL(text(data.url, 'agent.url')).pathname, baseUrl).href
  };
}

export function readStopped(value: unknown): IStopped {
  const data = fields(value, 'answer');
  return {
    interrupted: numeral(data.interrupted, 'interrupted'),
    denied: numeral(data.denied, 'denied')
  };
}
