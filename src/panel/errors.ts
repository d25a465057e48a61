import { ServerConnection } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';

/** Describe an error in words that a person can act on. */
export function describeError(
  reason: unknown,
  trans: TranslationBundle
): string {
  if (reason instanceof ServerConnection.NetworkError) {
    return trans.__('The server cannot be reached. Try again when it is back.');
  }
  return reason instanceof Error ? reason.message : String(reason);
}
