/** Pure functions that turn the model's values into text for people. */
import type { TranslationBundle } from '@jupyterlab/translation';

import { modeOf } from '../model/modes';
import { isPairing } from '../model/requests';
import type { AgentRequest, CallClass, ICall, IGrant } from '../tokens';

/** Shown in place of a character that is invisible or would reorder the text around it. */
export const SUBSTITUTE = '▯';

/**
 * Invisible characters: controls except tab and line feed, formats (zero width, direction, tags),
 * line separators, private and unassigned characters, lone surrogates, everything that Unicode lets
 * a font ignore, and the empty braille pattern. The selector after an emoji is not one of them.
 */
const UNSEEN =
  /(?![\t\n])(?!(?<=\p{Extended_Pictographic})\uFE0F)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}\p{Cs}\p{DI}\u2800]/gu;

/** A text in which every character is visible, and the number of substituted ones. */
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

/** Make a text that an agent controls fit into one line, such as the name of its notebook. */
export function oneLine(source: string): string {
  return visible(source.replace(/[\t\n]/g, ' ')).text;
}

/** Cut a text after a number of characters, with an ellipsis. */
export function clip(source: string, most: number): string {
  const characters = [...source];
  return characters.length <= most
    ? source
    : `${characters.slice(0, most - 1).join('')}…`;
}

/** The title of a request, in one line. */
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
    ? trans.__('Answer the code’s question · %1', request.summary)
    : request.summary;
}

/** A request in one sentence that also names the agent. */
export function requestWords(
  request: AgentRequest,
  trans: TranslationBundle
): string {
  const title = requestTitle(request, trans);
  return isPairing(request)
    ? title
    : trans.__('%1 asks: %2', request.agentLabel, title);
}

/** Time since a moment as on a stopwatch: `0:14`, `12:05`, `1:02:03`. */
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

/** An end time: only the time for today, otherwise the day too. */
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

/** When something ends, in words; empty when it has no end. */
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

/** Whether a grant has ended. */
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
        'This server requires no login: any program on this computer, such as the agent’s own shell, can allow what agents ask for.'
      );
    case 'hardened':
      return trans.__(
        'Protection of this server: hardened. Code in a kernel cannot reach its token or login cookies.'
      );
    default:
      return trans.__('Protection of this server: %1.', protection);
  }
}

/** The label of a mode; a mode that this page does not know is shown by its bare name. */
export function modeLabel(mode: string, trans: TranslationBundle): string {
  return modeOf(mode)?.label(trans) ?? oneLine(mode);
}

/** The label of a class of tools. */
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

/** The label of the state of a call. */
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

/** Who or what decided a call, in words; empty if the mode allowed it. */
export function decisionWords(call: ICall, trans: TranslationBundle): string {
  const { decision } = call;
  if (!decision) {
    return '';
  }
  const { allowed } = decision;
  switch (decision.source) {
    case 'user': {
      // Without a login Jupyter invents a name for each browser, which means nothing to people.
      const who = decision.by?.startsWith('Anonymous ') ? null : decision.by;
      if (allowed) {
        return who ? trans.__('allowed by %1', who) : trans.__('allowed');
      }
      // The state beside it already says "Denied".
      return who ? trans.__('by %1', who) : '';
    }
    case 'grant':
      return trans.__('allowed for a time');
    case 'expired':
      return trans.__('nobody answered in time');
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
