import * as React from 'react';

import { useNow, usePanel } from '../../context';
import { endTime, oneLine } from '../../format';
import type { ICall, IOption } from '../../../tokens';

/** How long the offered grant lasts; the server counts from when it receives the answer. */
const HALF_AN_HOUR = 30 * 60_000;

/** What a lasting permission covers and until when, shown before the person presses the button. */
export function GrantWords(props: {
  id: string;
  call: ICall;
  option: IOption;
}): JSX.Element {
  const { call, option } = props;
  const { trans, locale } = usePanel();
  const now = useNow(option.until === '30m', 15_000);
  return (
    <p id={props.id} className="jp-jmcp-Card-grant" dir="auto">
      {option.until === '30m' && call.target.path
        ? trans.__(
            '“Allow for 30 minutes” lets it run any code in %1 without asking, until %2.',
            oneLine(call.target.path),
            endTime(new Date(now + HALF_AN_HOUR).toISOString(), now, locale)
          )
        : option.name}
    </p>
  );
}
