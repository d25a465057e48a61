import * as React from 'react';

import { usePanel } from '../../context';
import { describeError } from '../../errors';

/** Something that a person started and that can fail. */
export interface IAction {
  readonly busy: boolean;
  /** Why it failed, as the server says it. */
  readonly error: string | null;
  run(work: () => Promise<unknown>): void;
  /** Forget what went wrong. */
  clear(): void;
}

/** Run one thing at a time and keep what went wrong for the person to read. */
export function useAction(): IAction {
  const [busy, setBusy] = React.useState(false);
  const [error, setError] = React.useState<string | null>(null);
  const { trans } = usePanel();
  const alive = React.useRef(true);
  React.useEffect(() => {
    alive.current = true;
    return () => {
      alive.current = false;
    };
  }, []);
  const run = React.useCallback(
    (work: () => Promise<unknown>) => {
      setBusy(true);
      setError(null);
      work()
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
    [trans]
  );
  const clear = React.useCallback(() => setError(null), []);
  return { busy, error, run, clear };
}
