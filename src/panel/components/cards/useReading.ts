import * as React from 'react';

/** How far a person has come in what a card shows. */
export interface IReading {
  /** All of it is opened, not only its beginning. */
  readonly all: boolean;
  /** Its end has been in sight, so nothing of it was out of the person's reach. */
  readonly done: boolean;
  /** A part is out of sight until the person opens it. */
  readonly hidden: boolean;
  openAll(): void;
  /** Told by what draws it. */
  onEnd(inSight: boolean): void;
}

/**
 * Keep what a person has seen of a request: what was not shown cannot be allowed.
 *
 * @param meaning - What the request would do; of something else nothing has been seen yet.
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
        // What was seen stays seen; what was not drawn whole was not seen to its end.
        const seen = end === true || (inSight && (all || !cut));
        return { meaning, all, end: seen || (inSight ? end : false) };
      })
  };
}
