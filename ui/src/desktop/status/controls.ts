// The buttons of each state and their labels, as pure functions.

import type { Phase } from '../bindings/Phase';
import type { Snapshot } from '../bindings/Snapshot';
import { t } from '../strings';
import type { Control } from '../types';

/** `pause` opens a menu; `setUp`, `preferences`, `rules` and `diagnostics` open another view; the others are sent to the app. */
export type Button = Control | 'pause' | 'setUp' | 'preferences' | 'rules' | 'diagnostics';

export interface Buttons {
  /** The first button is the most likely action. */
  shown: Button[];
  /** The entries of the "More" menu. */
  more: Control[];
}

type Worker = Pick<Snapshot, 'phase' | 'mode' | 'running' | 'paused_by'>;

/** Phases without a worker. */
const WITHOUT: Phase[] = ['unconfigured', 'stopped', 'failed'];

/** Whether the worker is a background service, which the app controls but does not own. */
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

/** The buttons for a background service. The app cannot start it again, and can stop it only after its requests finish. */
function ofService({ shown, more }: Buttons): Buttons {
  const notOurs: Button[] = ['stop', 'restart', 'retry_now', 'shutdown_when_done'];
  const stays = <B extends Button>(buttons: B[]) => buttons.filter((button) => !notOurs.includes(button));
  const ends = [...shown, ...more].includes('stop') || more.includes('restart');
  return { shown: stays(shown), more: [...(ends ? ['shutdown_when_done' as const] : []), ...stays(more)] };
}

/** The label of a button. Labels match the tray menu's. */
export function textOf(button: Button, worker: Worker): string {
  const words = t.control;
  switch (button) {
    case 'start':
      return worker.phase === 'failed' ? words.startAgain : words.start;
    // If requests are running, stopping aborts them, and the label says so.
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
    // Resuming while a rule pauses sharing overrides the rule, and the label says so.
    case 'resume':
      return worker.paused_by !== null ? words.anyway : words.resume;
    case 'retry_now':
      return words.retry;
  }
}
