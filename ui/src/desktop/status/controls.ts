// Which buttons belong to which state, and what they say: data in, data out.

import type { Phase } from '../bindings/Phase';
import type { Snapshot } from '../bindings/Snapshot';
import { t } from '../strings';
import type { Control } from '../types';

/** `pause` opens a menu, `setUp`, `preferences`, `rules` and `diagnostics` another view; the others are told to the app. */
export type Button = Control | 'pause' | 'setUp' | 'preferences' | 'rules' | 'diagnostics';

export interface Buttons {
  /** The first is what one most likely wants. */
  shown: Button[];
  /** What is behind "More". */
  more: Control[];
}

type Worker = Pick<Snapshot, 'phase' | 'mode' | 'running' | 'paused_by'>;

/** Phases in which there is no worker, of whatever kind. */
const WITHOUT: Phase[] = ['unconfigured', 'stopped', 'failed'];

/** Whether a service of this machine runs: the app steers it and does not own it. */
export const isService = ({ phase, mode }: Worker) => mode === 'attached' && !WITHOUT.includes(phase);

export function buttonsOf(worker: Worker): Buttons {
  const buttons = ofPhase(worker);
  return isService(worker) ? ofService(buttons) : buttons;
}

function ofPhase({ phase, running, paused_by }: Worker): Buttons {
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
      return { shown: ['diagnostics', 'preferences'], more: ['stop', 'restart', 'quit_now'] };
    case 'ready':
    case 'busy':
      return { shown: ['pause', 'drain'], more: ['restart', 'stop', 'shutdown_when_done', 'quit_now'] };
    case 'draining':
      return { shown: ['undrain', 'stop'], more: ['restart', 'shutdown_when_done', 'quit_now'] };
    case 'paused':
      return {
        shown: [
          'resume',
          ...(paused_by !== null ? ['rules' as const] : []),
          ...(running > 0 ? ['stop' as const] : []),
        ],
        more: ['restart', 'quit_now'],
      };
    case 'terminating':
      return { shown: running > 0 ? ['quit_now'] : [], more: [] };
    case 'failed':
      return { shown: ['start', 'diagnostics'], more: ['quit_now'] };
  }
}

/** What a service takes from us. Nobody starts it again once it has ended, and it has one way to end: when it is done. */
function ofService({ shown, more }: Buttons): Buttons {
  const notOurs: Button[] = ['stop', 'restart', 'retry_now', 'shutdown_when_done'];
  const stays = <B extends Button>(buttons: B[]) => buttons.filter((button) => !notOurs.includes(button));
  const ends = [...shown, ...more].includes('stop') || more.includes('restart');
  return { shown: stays(shown), more: [...(ends ? ['shutdown_when_done' as const] : []), ...stays(more)] };
}

/** The words of a button: those of the tray's menu, where it has the same. */
export function textOf(button: Button, worker: Worker): string {
  const words = t.control;
  switch (button) {
    case 'start':
      return worker.phase === 'failed' ? words.startAgain : words.start;
    // With requests that run, to stop is to cut them off, and the button says so.
    case 'stop':
      return worker.running > 0 ? words.stopNow : words.stop;
    case 'shutdown_when_done':
      return isService(worker) ? words.endService : words.whenDone;
    case 'quit_now':
      if (isService(worker)) return words.leave;
      return worker.running > 0 ? words.quitNow : words.quit;
    case 'undrain':
    case 'drain':
    case 'restart':
    case 'pause':
    case 'setUp':
    case 'preferences':
    case 'rules':
    case 'diagnostics':
      return words[button];
    // To resume against a rule is to overrule it, and the button says so.
    case 'resume':
      return worker.paused_by !== null ? words.anyway : words.resume;
    case 'retry_now':
      return words.retry;
  }
}
