/**
 * The modes of an agent: what it may do without asking. One record a mode, in one list.
 *
 * A new mode is one more record here, and one in `jmcp_lab/agents/modes.py`, which has its rules.
 */
import type { TranslationBundle } from '@jupyterlab/translation';

/** What the panel knows of a mode. */
export interface IMode {
  /** Its name in the REST interface. */
  readonly value: string;
  /** What people call it. */
  label(trans: TranslationBundle): string;
  /** What it means, in plain words. */
  help(trans: TranslationBundle): string;
  /** It is for chosen notebooks and for a time: the person must give both. */
  readonly bounded: boolean;
  /** It runs code without asking, which a banner says as long as it lasts. */
  readonly runsUnasked: boolean;
  /**
   * What it does without asking in the notebooks chosen for an agent; null where that is nothing.
   */
  caution(
    notebooks: string,
    until: string,
    trans: TranslationBundle
  ): string | null;
}

const RECORDS = [
  {
    value: 'look',
    label: trans => trans.__('Look only'),
    help: trans =>
      trans.__('It reads notebooks and files. It changes nothing.'),
    bounded: false,
    runsUnasked: false,
    caution: () => null
  },
  {
    value: 'ask',
    label: trans => trans.__('Ask for every change'),
    help: trans =>
      trans.__('It reads freely. You allow each edit and each run.'),
    bounded: false,
    runsUnasked: false,
    caution: () => null
  },
  {
    value: 'edit',
    label: trans => trans.__('Edit freely, ask to run'),
    help: trans =>
      trans.__(
        'Its edits show in your notebooks at once and can be undone. You allow each run.'
      ),
    bounded: false,
    runsUnasked: false,
    caution: (notebooks, _, trans) =>
      trans.__('Edits without asking in %1 only', notebooks)
  },
  {
    value: 'auto',
    label: trans => trans.__('Edit and run in chosen notebooks'),
    help: trans =>
      trans.__(
        'In the notebooks you name, it edits freely, and runs code until the time you set. Elsewhere it asks.'
      ),
    bounded: true,
    runsUnasked: true,
    caution: (notebooks, until, trans) =>
      trans.__('Edits and runs without asking in %1 only, %2', notebooks, until)
  }
] as const satisfies readonly IMode[];

/** The name of a mode that this page knows. */
export type Mode = (typeof RECORDS)[number]['value'];

/** All modes, the strictest first. */
export const MODES: readonly (IMode & { readonly value: Mode })[] = RECORDS;

/** The mode that is offered first. */
export const DEFAULT_MODE: Mode = 'edit';

/** The mode of a name; null for a mode of a newer server, which this page does not know. */
export function modeOf(value: string): IMode | null {
  return MODES.find(mode => mode.value === value) ?? null;
}

/** Whether a mode is for chosen notebooks and for a time. */
export function isBounded(value: string): boolean {
  return modeOf(value)?.bounded ?? false;
}
