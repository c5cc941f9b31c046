// A window with the app behind it pretended.

import { cleanup, render } from '@testing-library/svelte';
import { clearMocks } from '@tauri-apps/api/mocks';
import { afterEach, beforeEach, vi } from 'vitest';
import App from '../../desktop/App.svelte';
import { FakeApp } from './fake';
import { NOW } from './samples';

/** Gives every test of a file a clock that stands still, and puts away what it opened. */
export function standStill() {
  beforeEach(() => {
    vi.useFakeTimers({ now: NOW });
  });
  afterEach(() => {
    cleanup(); // while there still is somebody to unlisten at
    clearMocks();
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });
}

/** Lets everything happen that needs no time. */
export const settle = () => vi.advanceTimersByTimeAsync(1);

export async function openWindow(view: string, prepare: (app: FakeApp) => void = () => undefined) {
  const app = new FakeApp();
  prepare(app);
  app.install(view === 'welcome' ? 'welcome' : 'main');
  const { container } = render(App, { view });
  await settle();
  return { app, container };
}
