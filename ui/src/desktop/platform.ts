// The operating system, for looks and shortcuts.

export type Platform = 'macos' | 'windows' | 'linux';

export function platformOf(userAgent: string): Platform {
  if (userAgent.includes('Mac OS X')) return 'macos';
  return userAgent.includes('Windows') ? 'windows' : 'linux';
}

export const platform = platformOf(navigator.userAgent);

/** Whether the shortcut modifier is pressed, and no other. */
export function commands(event: KeyboardEvent): boolean {
  const [right, wrong] =
    platform === 'macos' ? [event.metaKey, event.ctrlKey] : [event.ctrlKey, event.metaKey];
  return right && !wrong && !event.altKey && !event.shiftKey;
}

/** A shortcut in this system's notation: ⌘F, Ctrl+F. */
export const shortcut = (key: string) => (platform === 'macos' ? `⌘${key}` : `Ctrl+${key}`);
