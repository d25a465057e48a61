import * as React from 'react';

import { usePanel } from '../../context';
import { describeError } from '../../errors';

/** Something that a person started and that can fail. */
export interface IAction {
  readonly busy: boolean;
  /** Why it failed, as the server says it. */
  readonly error: string | null;
  /** Begin, and announce `then` when it is done. */
  run(work: () => Promise<unknown>, then?: string): void;
  /** Forget what went wrong. */
  clear(): void;
}

/** Run one thing at a time and keep what went wrong for the person to read. */
export function useAction(): IAction {
  const [busy, setBusy] = React.useState(false);
  const [error, setError] = React.useState<string | null>(null);
  const { trans, say } = usePanel();
  const alive = React.useRef(true);
  React.useEffect(() => {
    alive.current = true;
    return () => {
      alive.current = false;
    };
  }, []);
  const run = React.useCallback(
    (work: () => Promise<unknown>, then?: string) => {
      setBusy(true);
      setError(null);
      work()
        .then(() => {
          if (then !== undefined) {
            say(then);
          }
        })
        .catch((reason: unknown) => {
          if (alive.current) {
            setError(describeError(reason, trans));
          }
        })
        .finally(() => {
          if (alive.current) {
            setBusy(false);
          }
        });
    },
    [trans, say]
  );
  const clear = React.useCallback(() => setError(null), []);
  return { busy, error, run, clear };
}
