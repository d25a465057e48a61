/** Who may decide where several people use one server. The server enforces it in any case. */
import type { TranslationBundle } from '@jupyterlab/translation';

import { oneLine } from '../panel/format';
import { isPairing } from './requests';
import type { AgentRequest, IAgent, IAgents, IServerInfo } from '../tokens';

type People = Pick<IAgents, 'server' | 'agent'>;

/** Why somebody cannot decide: the agent is another person's, or the server forbids it. */
export interface IRefusal {
  /** The person who decides; null where the server forbids it. */
  readonly owner: string | null;
}

/** Return why this person cannot decide about a request, and null when they can. */
export function refusalOf(
  request: AgentRequest,
  people: People
): IRefusal | null {
  const owner = isPairing(request)
    ? (request.offer?.owner ?? null)
    : (people.agent(request.agent)?.owner ?? null);
  if (owner !== null) {
    return { owner };
  }
  const { decides = null } = people.server ?? {};
  const may = isPairing(request)
    ? mayManage(people.server)
    : decides === null ||
      [request.class, ...request.also].every(one => decides.includes(one));
  return may ? null : { owner: null };
}

/** Whether this person may connect, change and revoke agents that belong to nobody else. */
export function mayManage(server: IServerInfo | null): boolean {
  return server?.decides?.length !== 0;
}

/** Whether this person may change and revoke an agent. */
export function mayChange(agent: IAgent, server: IServerInfo | null): boolean {
  return agent.owner === null && mayManage(server);
}

/** Say why this person cannot decide. */
export function refusalWords(
  refusal: IRefusal,
  trans: TranslationBundle
): string {
  return refusal.owner === null
    ? trans.__('This server does not let you decide this.')
    : trans.__(
        'Only %1, who connected this agent, can decide this.',
        oneLine(refusal.owner)
      );
}
