/** Pure functions from the model's values to what a person reads. */
import type { TranslationBundle } from '@jupyterlab/translation';

import { modeOf } from '../model/modes';
import { isPairing } from '../model/requests';
import type { AgentRequest, CallClass, ICall, IGrant } from '../tokens';

/** Shown in place of a character that would leave no trace or would reorder what stands near it. */
export const SUBSTITUTE = '▯';

/**
 * Characters that cannot be seen: controls but tab and line feed, formats (zero width, direction,
 * tags), line separators, private and unassigned ones, lone surrogates, all that Unicode lets a
 * font ignore, and the empty braille pattern; but not the selector that follows an emoji.
 */
const UNSEEN =
  /(?![\t\n])(?!(?<=\p{Extended_Pictographic})\uFE0F)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}\p{Cs}\p{DI}\u2800]/gu;

/** A text with every character to be seen, and how many had to be substituted. */
export interface IVisibleText {
  readonly text: string;
  readonly unseen: number;
}

/** Make every character of a text visible. */
export function visible(source: string): IVisibleText {
  let unseen = 0;
  const text = source.replace(/\r\n/g, '\n').replace(UNSEEN, () => {
    unseen += 1;
    return SUBSTITUTE;
  });
  return { text, unseen };
}

/** What an agent can put into one line, such as the name of a notebook that it made. */
export function oneLine(source: string): string {
  return visible(source.replace(/[\t\n]/g, ' ')).text;
}

/** Cut a text after a number of characters, with a sign that it was cut. */
export function clip(source: string, most: number): string {
  const characters = [...source];
  return characters.length <= most
    ? source
    : `${characters.slice(0, most - 1).join('')}…`;
}

/** What a request asks of the person, in one line. */
export function requestTitle(
  request: AgentRequest,
  trans: TranslationBundle
): string {
  if (isPairing(request)) {
    if (request.offer) {
      return request.offer.agent === null
        ? trans.__(
            '%1 was added outside this panel',
            visible(request.client).text
          )
        : trans.__(
            'The access of %1 was changed outside this panel',
            visible(request.offer.agent).text
          );
    }
    return trans.__('%1 wants to connect', visible(request.client).text);
  }
  return request.question
    ? trans.__('Answer what the code asks · %1', request.summary)
    : request.summary;
}

/** A request in a sentence that also says whose it is. */
export function requestWords(
  request: AgentRequest,
  trans: TranslationBundle
): string {
  const title = requestTitle(request, trans);
  return isPairing(request)
    ? title
    : trans.__('%1 asks: %2', request.agentLabel, title);
}

/** Time since a moment as on a stop watch: `0:14`, `12:05`, `1:02:03`. */
export function stopwatch(since: string, now: number): string {
  const total = Math.max(0, Math.floor((now - Date.parse(since)) / 1000));
  const two = (value: number) => String(value).padStart(2, '0');
  const hours = Math.floor(total / 3600);
  const minutes = Math.floor(total / 60) % 60;
  return hours > 0
    ? `${hours}:${two(minutes)}:${two(total % 60)}`
    : `${minutes}:${two(total % 60)}`;
}

/** How long something took: `40 ms`, `2.3 s`, `12 min`. */
export function duration(
  started: string | null,
  ended: string | null,
  locale?: string
): string {
  if (!started || !ended) {
    return '';
  }
  const ms = Math.max(0, Date.parse(ended) - Date.parse(started));
  const [value, unit, digits] =
    ms < 100
      ? [ms, 'millisecond', 0]
      : ms < 60_000
        ? [ms / 1000, 'second', ms < 10_000 ? 1 : 0]
        : ms < 3_600_000
          ? [ms / 60_000, 'minute', 0]
          : [ms / 3_600_000, 'hour', 1];
  return new Intl.NumberFormat(locale, {
    style: 'unit',
    unit: unit as string,
    unitDisplay: 'narrow',
    maximumFractionDigits: digits as number
  }).format(value as number);
}

/** The time of the day, with seconds. */
export function clock(moment: string, locale?: string): string {
  return new Intl.DateTimeFormat(locale, {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23'
  }).format(Date.parse(moment));
}

/** A moment in full, for a tooltip. */
export function fullTime(moment: string, locale?: string): string {
  return new Intl.DateTimeFormat(locale, {
    dateStyle: 'medium',
    timeStyle: 'medium'
  }).format(Date.parse(moment));
}

/** An end time: the time when it is today, the day too when it is not. */
export function endTime(moment: string, now: number, locale?: string): string {
  const end = new Date(Date.parse(moment));
  const time: Intl.DateTimeFormatOptions = {
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23'
  };
  return new Intl.DateTimeFormat(
    locale,
    end.toDateString() === new Date(now).toDateString()
      ? time
      : { day: 'numeric', month: 'short', ...time }
  ).format(end);
}

/** How long ago something was: `4 min ago`. */
export function ago(moment: string, now: number, locale?: string): string {
  const seconds = Math.min(0, Math.round((Date.parse(moment) - now) / 1000));
  const format = new Intl.RelativeTimeFormat(locale, {
    numeric: 'auto',
    style: 'narrow'
  });
  if (seconds > -60) {
    return format.format(seconds, 'second');
  }
  if (seconds > -3600) {
    return format.format(Math.round(seconds / 60), 'minute');
  }
  return seconds > -86_400
    ? format.format(Math.round(seconds / 3600), 'hour')
    : format.format(Math.round(seconds / 86_400), 'day');
}

/** Until when something holds, in words; nothing when it has no end. */
export function untilWords(
  until: string | null,
  now: number,
  trans: TranslationBundle,
  locale?: string
): string {
  if (until === null) {
    return '';
  }
  return until === 'stop'
    ? trans.__('until JupyterLab stops')
    : trans.__('until %1', endTime(until, now, locale));
}

/** Whether what was allowed for a time has ended. */
export function isOver(grant: IGrant, now: number): boolean {
  const end = Date.parse(grant.until ?? '');
  return !Number.isNaN(end) && end <= now;
}

/** How the server is protected from code in its kernels, in words. */
export function protectionWords(
  protection: string,
  trans: TranslationBundle
): string {
  switch (protection) {
    case 'standard':
      return trans.__('Protection of this server: standard.');
    case 'open':
      return trans.__(
        'This server asks nobody to log in: any program on this computer, such as the agent’s own shell, can allow what agents ask for.'
      );
    case 'hardened':
      return trans.__(
        'Protection of this server: hardened. Code in a kernel cannot reach its token or login cookies.'
      );
    default:
      return trans.__('Protection of this server: %1.', protection);
  }
}

/** A mode as the person chooses it; of a mode that this page does not know the bare name. */
export function modeLabel(mode: string, trans: TranslationBundle): string {
  return modeOf(mode)?.label(trans) ?? oneLine(mode);
}

/** A class of tools in a word or two. */
export function classLabel(value: CallClass, trans: TranslationBundle): string {
  switch (value) {
    case 'info':
      return trans.__('Look around');
    case 'read':
      return trans.__('Read');
    case 'inspect':
      return trans.__('Inspect variables');
    case 'edit':
      return trans.__('Edit');
    case 'run':
      return trans.__('Run');
    case 'kernel':
      return trans.__('Kernel');
    case 'file':
      return trans.__('File');
  }
}

/** How a call stands or ended, in a word. */
export function stateLabel(call: ICall, trans: TranslationBundle): string {
  switch (call.state) {
    case 'received':
      return trans.__('Starting');
    case 'waiting_for_approval':
      return trans.__('Waiting for you');
    case 'running':
      return trans.__('Running');
    case 'done':
      return call.outcome === 'error' ? trans.__('Failed') : trans.__('Done');
    case 'failed':
      return trans.__('Failed');
    case 'denied':
      return trans.__('Denied');
    case 'cancelled':
      return trans.__('Cancelled');
  }
}

/** Who or what decided a call, in words; nothing where the mode let it through. */
export function decisionWords(call: ICall, trans: TranslationBundle): string {
  const { decision } = call;
  if (!decision) {
    return '';
  }
  const { allowed } = decision;
  switch (decision.source) {
    case 'user': {
      // Without a login Jupyter invents a name for each browser; nobody knows who that is.
      const who = decision.by?.startsWith('Anonymous ') ? null : decision.by;
      if (allowed) {
        return who ? trans.__('allowed by %1', who) : trans.__('allowed');
      }
      // The state beside it says "Denied" already.
      return who ? trans.__('by %1', who) : '';
    }
    case 'grant':
      return trans.__('allowed for a time');
    case 'expired':
      return trans.__('nobody answered in time');
    case 'no_approver':
      return trans.__('no JupyterLab window was open');
    case 'flood':
      return trans.__('too many requests');
    case 'paused':
      return trans.__('agents were paused');
    case 'duplicate_denied':
      return trans.__('you already said no');
    case 'hard':
      return trans.__('never allowed');
    case 'withdrawn':
      return trans.__('the agent stopped waiting');
    case 'mode':
      return allowed ? '' : trans.__('its mode does not allow it');
    default:
      return '';
  }
}

/** The last part of a path. */
export function fileName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
