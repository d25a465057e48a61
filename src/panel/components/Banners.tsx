import type { TranslationBundle } from '@jupyterlab/translation';
import { runIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { useNow, usePanel } from '../context';
import { unsavedWords } from '../../notify/documentNotices';
import { mayChange, mayManage } from '../../model/deciding';
import { modeOf } from '../../model/modes';
import { isOver, oneLine, untilWords } from '../format';
import { warningIcon } from '../../icons';
import type { IAgent, IGrant, NotLive } from '../../tokens';
import { ErrorLine } from './shared/ErrorLine';
import { Icon } from './shared/Icon';
import { RestingButton } from './shared/RestingButton';
import { RevokeGrant } from './agents/RevokeGrant';
import { useAction } from './shared/useAction';
import { useOverflow } from './cards/useOverflow';

/** What disables live documents, and what that means. */
function notLiveWords(
  why: NotLive,
  missing: readonly string[],
  trans: TranslationBundle
): string {
  if (why === 'upstream_changed') {
    return trans.__(
      'Agents cannot use notebooks or change files: the installed packages do not match this version of jmcp_lab (missing: %1). Your notebooks open and save as usual. Run “pip install --upgrade jmcp_lab”, then restart the server.',
      missing.join(', ')
    );
  }
  return why === 'other_documents'
    ? trans.__(
        'jupyter-server-documents manages the live documents here. Agents edit these, and the files of notebooks that are not open.'
      )
    : `${whyNotLive(why, trans)} ${trans.__(
        'Agents edit the files: what you have open is saved first, then shows the change.'
      )}`;
}

function whyNotLive(why: NotLive, trans: TranslationBundle): string {
  return why === 'disable_rtc'
    ? trans.__('Live documents are off (YDocExtension.disable_rtc).')
    : trans.__(
        'Live documents are off (jupyter_server_ydoc is disabled or did not load).'
      );
}

interface IBanner {
  readonly key: string;
  readonly tone: 'error' | 'warn' | 'info';
  readonly words: string;
  readonly action?: JSX.Element;
}

/** Id of the text that describes the button of a banner. */
const Described = React.createContext<string | undefined>(undefined);

/** What the person must know before anything else, one banner each. */
export function Banners(): JSX.Element | null {
  const { model, trans, locale } = usePanel();
  const { server } = model;
  const now = useNow(model.grants.length > 0, 15_000);
  const grants = model.grants.filter(
    grant =>
      grant.class === 'run' &&
      !isOver(grant, now) &&
      !server?.paused &&
      !model.agent(grant.agent)?.paused
  );
  const banners: IBanner[] = [];
  if (model.link === 'offline') {
    banners.push({
      key: 'offline',
      tone: 'error',
      words: trans.__(
        'Not connected to the server. Until it is back, you cannot see or answer agents. What you allowed continues.'
      )
    });
  } else if (model.link === 'missing') {
    banners.push({
      key: 'missing',
      tone: 'error',
      words: trans.__(
        'The server part of jmcp_lab does not respond. Check that “jupyter server extension list” shows it as enabled, then restart JupyterLab.'
      )
    });
  } else if (model.link === 'mismatch') {
    banners.push({
      key: 'mismatch',
      tone: 'error',
      words: trans.__(
        'This page and the server part of jmcp_lab do not match. Restart JupyterLab and reload this page.'
      )
    });
  } else if (model.link === 'refused') {
    banners.push({
      key: 'refused',
      tone: 'error',
      words: trans.__(
        'The server rejects this panel, so you cannot see or answer agents here. %1',
        model.refusal
      )
    });
  }
  if (server?.mcpError) {
    banners.push({ key: 'mcp', tone: 'error', words: server.mcpError });
  }
  for (const { path, words, kind } of server?.documents.unsaved ?? []) {
    banners.push({
      key: `unsaved ${path}`,
      tone: 'error',
      words: kind === 'not_saved' ? unsavedWords(words, trans) : words
    });
  }
  if (server?.notLive) {
    banners.push({
      key: 'not-live',
      tone: server.notLive === 'upstream_changed' ? 'warn' : 'info',
      words: notLiveWords(server.notLive, server.missingNames, trans)
    });
  }
  if (server?.paused) {
    banners.push({
      key: 'paused',
      tone: 'warn',
      words: trans.__('All agents are paused until you resume them.'),
      action: mayManage(server) ? (
        <Resume
          resume={() => model.resume()}
          then={trans.__('The agents are no longer paused.')}
        />
      ) : undefined
    });
  }
  for (const grant of grants) {
    banners.push({
      key: grant.id,
      tone: 'warn',
      words: trans.__(
        '%1 can run code in %2 %3 without asking.',
        grant.agentLabel,
        grant.path ?? trans.__('all notebooks'),
        untilWords(grant.until, now, trans, locale)
      ),
      action: <Revoke grant={grant} />
    });
  }
  for (const agent of model.agents) {
    if (modeOf(agent.mode)?.runsUnasked && !agent.paused && !server?.paused) {
      banners.push({
        key: agent.id,
        tone: 'warn',
        words: trans.__(
          '%1 can run code in %2 %3 without asking.',
          agent.label,
          agent.notebooks.join(', '),
          untilWords(agent.until, now, trans, locale)
        )
      });
    }
  }
  for (const agent of model.agents) {
    if (agent.paused && agent.pausedWhy !== null && !server?.paused) {
      banners.push({
        key: `held ${agent.id}`,
        tone: 'warn',
        words: pausedWords(agent, trans),
        action: mayChange(agent, server) ? (
          <Resume
            resume={() => model.change(agent.id, { paused: false })}
            then={trans.__('%1 is no longer paused.', agent.label)}
          />
        ) : undefined
      });
    }
  }
  return banners.length === 0 ? null : <BannerList banners={banners} />;
}

/** All banners. If there are too many, the list scrolls, by keyboard too. */
function BannerList(props: { banners: readonly IBanner[] }): JSX.Element {
  const { trans } = usePanel();
  const list = React.useRef<HTMLUListElement>(null);
  const { scrolls, more } = useOverflow(list);
  return (
    <ul
      ref={list}
      className={`jp-jmcp-Strips ${more ? 'jp-mod-more' : ''}`}
      aria-label={trans.__('Notices')}
      tabIndex={scrolls ? 0 : undefined}
    >
      {props.banners.map(({ key, ...banner }) => (
        <Banner key={key} {...banner} />
      ))}
    </ul>
  );
}

function Banner(props: Omit<IBanner, 'key'>): JSX.Element {
  const wordsId = React.useId();
  return (
    <li className={`jp-jmcp-Strip jp-mod-${props.tone}`}>
      <Icon icon={warningIcon} />
      <span id={wordsId} className="jp-jmcp-Strip-words" dir="auto">
        {props.words}
      </span>
      {props.action ? (
        <Described.Provider value={wordsId}>{props.action}</Described.Provider>
      ) : null}
    </li>
  );
}

/** Why the server paused an agent by itself. */
function pausedWords(agent: IAgent, trans: TranslationBundle): string {
  if (agent.owner !== null && agent.pausedWhy !== 'flood') {
    return trans.__(
      '%1 is paused: %2 denied 3 of its requests in a row.',
      agent.label,
      oneLine(agent.owner)
    );
  }
  return agent.pausedWhy === 'flood'
    ? trans.__(
        '%1 is paused: it asked more than 20 times in a minute.',
        agent.label
      )
    : trans.__(
        '%1 is paused: you denied 3 of its requests in a row.',
        agent.label
      );
}

/** Resumes agents. It is not in the place of the button that stopped them. */
function Resume(props: {
  resume: () => Promise<void>;
  /** The announcement when they are resumed. */
  then: string;
}): JSX.Element {
  const { trans } = usePanel();
  const action = useAction();
  const describedBy = React.useContext(Described);
  return (
    <>
      <RestingButton
        icon={runIcon}
        describedBy={describedBy}
        inert={action.busy}
        onPress={() => action.run(() => props.resume(), props.then)}
      >
        {trans.__('Resume')}
      </RestingButton>
      <ErrorLine message={action.error} />
    </>
  );
}

/** Revokes a grant. */
function Revoke({ grant }: { grant: IGrant }): JSX.Element {
  const action = useAction();
  const describedBy = React.useContext(Described);
  return (
    <>
      <RevokeGrant grant={grant} action={action} describedBy={describedBy} />
      <ErrorLine message={action.error} />
    </>
  );
}
