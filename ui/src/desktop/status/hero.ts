// The headline of the status view for each phase, as pure functions.

import type { Snapshot } from '../bindings/Snapshot';
import { language, t } from '../strings';
import { isService } from './controls';

export interface Words {
  title: string;
  text: string;
}

/** `waited` is the snapshot's age in seconds, `now` is in Unix milliseconds. */
export function heroOf(state: Snapshot, waited: number, now: number): Words {
  const words = t.hero;
  const host = hostOf(state.server.url);
  switch (state.phase) {
    case 'unconfigured':
    case 'stopped':
      return words[state.phase];
    case 'failed':
      // Without a crash, the worker never started: its settings are invalid, or another worker is running.
      return state.crash ? words.failed : { title: words.failed.title, text: words.failed.below };
    case 'connecting':
      return { title: words.connecting.title, text: words.connecting.text(host) };
    case 'waiting':
      return {
        title: words.waiting.title,
        text: words.waiting.text(host, left(state.reconnect_in_s, waited)),
      };
    case 'refused':
      return { title: words.refused.title, text: words.refused.text(host) };
    case 'not_ready':
      return { title: words.not_ready.title(runtimeOf(state)), text: words.not_ready.text };
    case 'ready':
      return { title: words.ready.title, text: readyText(state) };
    case 'busy':
      return { title: words.busy.title, text: words.busy.text(state.running, state.max_concurrency) };
    case 'draining':
      return { title: words.draining.title(state.running), text: words.draining.text(state.running) };
    case 'terminating':
      return { title: words.terminating.title, text: words.terminating.text(state.running) };
    case 'paused': {
      const until = state.paused_until === null ? null : timeOf(state.paused_until, now);
      const more = state.running > 0 ? ` ${words.paused.left(state.running)}` : '';
      const { title, text } = state.paused_by
        ? words.paused.by(state.paused_by, until)
        : { title: words.paused.title, text: words.paused.text(until) };
      return { title, text: text + more };
    }
  }
}

function readyText(state: Snapshot): string {
  const words = t.hero.ready;
  const count = sharedCount(state);
  if (count > 0) return words.text(count);
  if (state.models.length === 0) return words.noModels;
  return isService(state) ? words.noneOfService : words.noneShared;
}

export const sharedCount = ({ models }: Snapshot) => models.filter((model) => model.offered).length;

/** The runtime's name. A kind that many runtimes share names none of them. */
function runtimeOf({ runtime: { kind } }: Snapshot): string {
  return ['', 'auto', 'openai'].includes(kind) ? t.hero.not_ready.anyRuntime : (t.kinds[kind] ?? kind);
}

/** The host of an address, such as `pool.example.com`. */
export function hostOf(url: string): string {
  try {
    return new URL(url).host || url;
  } catch {
    return url;
  }
}

function left(seconds: number | null, waited: number): number | null {
  return seconds === null ? null : Math.ceil(seconds - waited);
}

/** 14:30 if it is today, Tue 07:00 otherwise. */
function timeOf(at: number, now: number): string {
  const sameDay = new Date(at).toDateString() === new Date(now).toDateString();
  return new Intl.DateTimeFormat(language, {
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    ...(sameDay ? {} : { weekday: 'short' }),
  }).format(at);
}
