import { RefusedError } from './api';
import { UnexpectedAnswerError } from './decode';
import type { Link } from '../tokens';

/** The state of the link after a request failed with this error. */
export function linkAfter(error: unknown): Link {
  if (error instanceof UnexpectedAnswerError) {
    return 'mismatch';
  }
  if (error instanceof RefusedError) {
    switch (error.status) {
      case 403:
        return 'refused';
      case 404:
        return 'missing';
    }
  }
  return 'offline';
}
