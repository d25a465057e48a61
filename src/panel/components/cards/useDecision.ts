import * as React from 'react';

import { ConflictError } from '../../../api/api';
import { usePanel } from '../../context';
import { describeError } from '../../errors';
import type { ICall, IOption } from '../../../tokens';
import { useAction } from '../shared/useAction';

/**
 * Time without an answer after which the person may try again. The server decides only once anyway.
 */
const PATIENCE_MS = 10_000;

/** An answer on its way to the server. */
export interface IDecisionState {
  readonly busy: boolean;
  /** Why the answer did not arrive. */
  readonly error: string | null;
  /** Why the answer did not count: the request was decided elsewhere, or has changed. */
  readonly notice: string | null;
  decide(option: IOption, reason?: string): void;
  retry(): void;
}

/** Send the person's answer to a request and keep the result. */
export function useDecision(
  call: ICall,
  onDecided?: (call: ICall) => void
): IDecisionState {
  const { model, trans } = usePanel();
  const action = useAction();
  const [notice, setNotice] = React.useState<string | null>(null);
  const last = React.useRef<{
    option: IOption;
    reason?: string;
    hash: string;
  } | null>(null);

  const send = (option: IOption, hash: string, reason?: string) => {
    last.current = { option, reason, hash };
    setNotice(null);
    const answer = {
      option: option.kind,
      actionHash: hash,
      ...(option.until ? { until: option.until } : {}),
      ...(reason ? { reason } : {})
    };
    action.run(async () => {
      try {
        const decided = await withPatience(
          model.decide(call.id, answer),
          trans.__('The server has not answered yet.')
        );
        onDecided?.(decided);
      } catch (failure: unknown) {
        if (!(failure instanceof ConflictError)) {
          throw failure;
        }
        setNotice(describeError(failure, trans));
      }
    });
  };

  return {
    busy: action.busy,
    error: action.error,
    notice,
    decide: (option, reason) => {
      if (!action.busy) {
        send(option, call.actionHash, reason);
      }
    },
    retry: () => {
      // The person chose for the text shown at that time; another text needs a new choice.
      if (last.current && last.current.hash === call.actionHash) {
        send(last.current.option, last.current.hash, last.current.reason);
      } else {
        action.clear();
      }
    }
  };
}

async function withPatience<T>(work: Promise<T>, words: string): Promise<T> {
  let timer = 0;
  const impatience = new Promise<never>((_, reject) => {
    timer = window.setTimeout(() => reject(new Error(words)), PATIENCE_MS);
  });
  try {
    return await Promise.race([work, impatience]);
  } finally {
    window.clearTimeout(timer);
  }
}
