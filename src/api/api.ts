import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import { fields } from './decode';
import type {
  IAgent,
  IAgentChange,
  IAnswer,
  ICall,
  IMinted,
  INewAgent,
  IPage,
  IStopped
} from '../tokens';
import {
  IDelta,
  readAgent,
  readCall,
  readDelta,
  readMinted,
  readStopped
} from './wire';
import { fetchWithXsrf } from './xsrf';

/** The server refused a request; the message is one that a person can act on. */
export class RefusedError extends Error {
  constructor(
    message: string,
    readonly status: number
  ) {
    super(message);
    this.name = 'RefusedError';
  }
}

/** A decision came too late or was about something else; `call` is the present state. */
export class ConflictError extends RefusedError {
  constructor(
    message: string,
    readonly call: ICall | null
  ) {
    super(message, 409);
    this.name = 'ConflictError';
  }
}

/** The panel's REST interface, typed. Answers are validated here and nowhere else. */
export interface IAgentsApi {
  state(since: number, tab: string): Promise<IDelta>;
  connect(agent: INewAgent): Promise<IMinted>;
  change(id: string, change: IAgentChange): Promise<IAgent>;
  stopAgent(id: string): Promise<IStopped>;
  revoke(id: string): Promise<void>;
  decide(id: string, answer: IAnswer): Promise<ICall>;
  answer(id: string, question: string, value: string | null): Promise<ICall>;
  answerPairing(id: string, agent: INewAgent | null): Promise<void>;
  stopCall(id: string): Promise<ICall>;
  undoCall(id: string): Promise<ICall>;
  askAgain(id: string): Promise<ICall>;
  revokeGrant(id: string): Promise<void>;
  stopAll(): Promise<IStopped>;
  resume(): Promise<void>;
  putPage(tab: string, page: IPage): Promise<void>;
  deletePage(tab: string): Promise<void>;
  savedAs(old: string, now: string): Promise<void>;
}

/** {@link IAgentsApi} over HTTP. */
export class AgentsApi implements IAgentsApi {
  constructor(settings: ServerConnection.ISettings) {
    // Only a browser login may change anything. JupyterLab would send the token in its page as an
    // Authorization header, and the server refuses changes that come with one.
    this._settings = ServerConnection.makeSettings({
      ...settings,
      token: '',
      appendToken: false,
      fetch: fetchWithXsrf(settings.fetch)
    });
  }

  async state(since: number, tab: string): Promise<IDelta> {
    const query = URLExt.objectToQueryString({ since, tab });
    return readDelta(await this._request('GET', `state${query}`));
  }

  async connect(agent: INewAgent): Promise<IMinted> {
    return readMinted(
      await this._request('POST', 'agents', agent),
      this._settings.baseUrl
    );
  }

  async change(id: string, change: IAgentChange): Promise<IAgent> {
    return readAgent(
      await this._request('PATCH', `agents/${segment(id)}`, change)
    );
  }

  async stopAgent(id: string): Promise<IStopped> {
    return readStopped(
      await this._request('POST', `agents/${segment(id)}/stop`, {})
    );
  }

  async revoke(id: string): Promise<void> {
    await this._request('DELETE', `agents/${segment(id)}`);
  }

  async decide(id: string, answer: IAnswer): Promise<ICall> {
    const { option, actionHash, until, reason } = answer;
    const body = { option, action_hash: actionHash, until, reason };
    return readCall(
      await this._request('POST', `calls/${segment(id)}/decision`, body)
    );
  }

  async answer(
    id: string,
    question: string,
    value: string | null
  ): Promise<ICall> {
    return readCall(
      await this._request('POST', `calls/${segment(id)}/input`, {
        question,
        value
      })
    );
  }

  async answerPairing(id: string, agent: INewAgent | null): Promise<void> {
    await this._request(
      'POST',
      `pairing/${segment(id)}/decision`,
      agent ? { option: 'allow_once', ...agent } : { option: 'reject_once' }
    );
  }

  async stopCall(id: string): Promise<ICall> {
    return readCall(
      await this._request('POST', `calls/${segment(id)}/stop`, {})
    );
  }

  async undoCall(id: string): Promise<ICall> {
    return readCall(
      await this._request('POST', `calls/${segment(id)}/undo`, {})
    );
  }

  async askAgain(id: string): Promise<ICall> {
    return readCall(
      await this._request('POST', `calls/${segment(id)}/ask-again`, {})
    );
  }

  async revokeGrant(id: string): Promise<void> {
    await this._request('DELETE', `grants/${segment(id)}`);
  }

  async stopAll(): Promise<IStopped> {
    return readStopped(await this._request('POST', 'stop', {}));
  }

  async resume(): Promise<void> {
    await this._request('POST', 'resume', {});
  }

  async putPage(tab: string, page: IPage): Promise<void> {
    await this._request('PUT', `pages/${segment(tab)}`, page);
  }

  async deletePage(tab: string): Promise<void> {
    // The page may be unloading: keepalive lets the request outlive it.
    await this._request('DELETE', `pages/${segment(tab)}`, undefined, true);
  }

  async savedAs(old: string, now: string): Promise<void> {
    await this._request('POST', 'saved-as', { old, new: now });
  }

  private async _request(
    method: string,
    path: string,
    body?: object,
    keepalive = false
  ): Promise<unknown> {
    const url = URLExt.join(this._settings.baseUrl, 'jmcp-lab', 'api', path);
    const init: RequestInit = { method, keepalive };
    if (body !== undefined) {
      init.body = JSON.stringify(body);
      init.headers = { 'Content-Type': 'application/json' };
    }
    const response = await ServerConnection.makeRequest(
      url,
      init,
      this._settings
    );
    const answer = await readBody(response);
    if (!response.ok) {
      throw refusal(response, answer);
    }
    return answer;
  }

  private readonly _settings: ServerConnection.ISettings;
}

/** Encode an id as one segment of a path. */
function segment(id: string): string {
  return encodeURIComponent(id);
}

async function readBody(response: Response): Promise<unknown> {
  const raw = await response.text();
  if (raw === '') {
    return null;
  }
  try {
    return JSON.parse(raw) as unknown;
  } catch {
    // This is not our server's answer but, for example, the error page of a proxy. The status is
    // enough.
    return null;
  }
}

function refusal(response: Response, answer: unknown): RefusedError {
  const data =
    typeof answer === 'object' && answer !== null
      ? fields(answer, 'answer')
      : {};
  const message =
    typeof data.message === 'string' && data.message !== ''
      ? data.message
      : `${response.status} ${response.statusText}`.trim();
  if (response.status === 409) {
    const call = data.call ? readCall(data.call) : null;
    return new ConflictError(message, call);
  }
  return new RefusedError(message, response.status);
}
