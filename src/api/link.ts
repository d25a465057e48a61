import { RefusedError } from './api';
import { UnexpectedAnswerError } from './decode';
import type { Link } from '../tokens';

/** How the page stands with a server that gave this instead of an answer. */
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
