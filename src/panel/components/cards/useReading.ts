import * as React from 'react';

/** How much of a card the person has seen. */
export interface IReading {
  /** The whole preview is open, not only its beginning. */
  readonly all: boolean;
  /** Its end has been in sight, so the person could see all of it. */
  readonly done: boolean;
  /** A part is out of sight until the person opens it. */
  readonly hidden: boolean;
  openAll(): void;
  /** Called by the component that draws it. */
  onEnd(inSight: boolean): void;
}

/**
 * Track what a person has seen of a request: nothing unseen can be allowed.
 *
 * @param meaning - What the request would do. When it changes, nothing has been seen yet.
 * @param cut - Only the beginning is drawn at first.
 */
export function useReading(meaning: string, cut: boolean): IReading {
  const fresh = { meaning, all: false, end: null as boolean | null };
  const [kept, keep] = React.useState(fresh);
  const now = kept.meaning === meaning ? kept : fresh;
  return {
    all: now.all,
    done: now.end === true && (now.all || !cut),
    hidden: !now.all && (cut || now.end === false),
    openAll: () => keep({ meaning, all: true, end: null }),
    onEnd: inSight =>
      keep(last => {
        const { all, end } = last.meaning === meaning ? last : fresh;
        // What was seen stays seen. The end counts as seen only if the whole text was drawn.
        const seen = end === true || (inSight && (all || !cut));
        return { meaning, all, end: seen || (inSight ? end : false) };
      })
  };
}
