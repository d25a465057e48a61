import type { TranslationBundle } from '@jupyterlab/translation';

import { fields, list, text, textOrNull } from './decode';
import { fullTime, modeLabel, visible } from '../panel/format';

/** A change to the list of agents that no Jupyter server wrote. It is not in force. */
export interface IOffer {
  /** The present name of the agent; null for one that nobody let in. */
  readonly agent: string | null;
  /** The other person who let that agent in and alone decides; null for one of your own. */
  readonly owner: string | null;
  readonly changes: readonly {
    readonly field: string;
    readonly before: string;
    readonly after: string;
  }[];
}

export function readOffer(value: unknown, name: string): IOffer {
  const data = fields(value, name);
  return {
    agent: textOrNull(data.agent, `${name}.agent`),
    owner: textOrNull(data.owner, `${name}.owner`),
    changes: list(data.changes, `${name}.changes`, (item, at) => {
      const change = fields(item, at);
      return {
        field: text(change.field, `${at}.field`),
        before: text(change.before, `${at}.before`),
        after: text(change.after, `${at}.after`)
      };
    })
  };
}

/** One line for each change: the field, its present value, and the offered value. */
export function changeWords(
  offer: IOffer,
  trans: TranslationBundle,
  locale?: string
): readonly string[] {
  return offer.changes
    .filter(change => offer.agent !== null || change.after !== '')
    .map(({ field, before, after }) => {
      const say = (value: string) => valueWords(field, value, trans, locale);
      switch (field) {
        case 'token_hash':
          return trans.__('Another program could connect under its name.');
        case 'paused':
          return after
            ? trans.__('It would be paused.')
            : trans.__('It would no longer be paused.');
        default:
          return offer.agent === null
            ? `${fieldLabel(field, trans)}: ${say(after)}`
            : `${fieldLabel(field, trans)}: ${say(before)} → ${say(after)}`;
      }
    });
}

function valueWords(
  field: string,
  value: string,
  trans: TranslationBundle,
  locale?: string
): string {
  if (value === '') {
    return trans.__('none');
  }
  switch (field) {
    case 'mode':
      return modeLabel(value, trans);
    case 'until':
    case 'expires':
      return value === 'stop'
        ? trans.__('JupyterLab stops')
        : Number.isNaN(Date.parse(value))
          ? visible(value).text
          : fullTime(value, locale);
    case 'notebooks':
      return value === '**'
        ? trans.__('all notebooks (%1)', value)
        : visible(value).text;
    default:
      return visible(value).text;
  }
}

function fieldLabel(field: string, trans: TranslationBundle): string {
  switch (field) {
    case 'label':
      return trans.__('Name');
    case 'mode':
      return trans.__('What it may do');
    case 'notebooks':
      return trans.__('Notebooks');
    case 'until':
      return trans.__('Until');
    case 'expires':
      return trans.__('Connection ends');
    case 'owner':
      return trans.__('Belongs to');
    default:
      return field;
  }
}
