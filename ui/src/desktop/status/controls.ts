// Which buttons belong to which phase: data in, data out.

import type { Phase } from '../bindings/Phase';
import type { Control } from '../types';

/** `pause` opens a menu, `setUp`, `preferences`, `rules` and `diagnostics` another view; the others are told to the app. */
export type Button = Control | 'pause' | 'setUp' | 'preferences' | 'rules' | 'diagnostics';

export interface Buttons {
  /** The first is what one most likely wants. */
  shown: Button[];
  /** What is behind "More". */
  more: Control[];
}

/** `byRule`: a rule has paused it, and nobody besides. */
export function buttonsOf(phase: Phase, running: number, byRule = false): Buttons {
  switch (phase) {
    case 'unconfigured':
      return { shown: ['setUp'], more: [] };
    case 'stopped':
      return { shown: ['start'], more: ['quit_now'] };
    case 'connecting':
      return { shown: ['stop'], more: ['restart', 'quit_now'] };
    case 'waiting':
      return { shown: ['retry_now', 'diagnostics'], more: ['stop', 'restart', 'quit_now'] };
    case 'refused':
      return { shown: ['preferences', 'retry_now'], more: ['stop', 'quit_now'] };
    case 'not_ready':
      return { shown: ['retry_now', 'preferences'], more: ['stop', 'restart', 'quit_now'] };
    case 'ready':
    case 'busy':
      return { shown: ['pause', 'drain'], more: ['restart', 'stop', 'shutdown_when_done', 'quit_now'] };
    case 'draining':
      return { shown: ['undrain', 'stop'], more: ['restart', 'shutdown_when_done', 'quit_now'] };
    case 'paused':
      return {
        shown: ['resume', ...(byRule ? ['rules' as const] : []), ...(running > 0 ? ['stop' as const] : [])],
        more: ['restart', 'quit_now'],
      };
    case 'terminating':
      return { shown: running > 0 ? ['quit_now'] : [], more: [] };
    case 'failed':
      return { shown: ['restart', 'diagnostics'], more: ['quit_now'] };
  }
}
