// A window with a fake app behind it.

import { cleanup, render } from '@testing-library/svelte';
import { clearMocks } from '@tauri-apps/api/mocks';
import { afterEach, beforeEach, vi } from 'vitest';
import App from '../../desktop/App.svelte';
import { FakeApp } from './fake';
import { NOW } from './samples';

/** Gives every test of a file a fixed clock, and cleans up after it. */
export function standStill() {
  beforeEach(() => {
    vi.useFakeTimers({ now: NOW });
  });
  afterEach(() => {
    cleanup(); // while the fake app still accepts unlisten
    clearMocks();
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });
}

/** Runs everything that is due now. */
export const settle = () => vi.advanceTimersByTimeAsync(1);

export async function openWindow(view: string, prepare: (app: FakeApp) => void = () => undefined) {
  const app = new FakeApp();
  prepare(app);
  app.install(view === 'welcome' ? 'welcome' : 'main');
  const { container } = render(App, { view });
  await settle();
  return { app, container };
}
