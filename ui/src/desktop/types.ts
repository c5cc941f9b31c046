// Names for types inside the bindings and for arguments of commands.

import type { AppPreferences } from './bindings/AppPreferences';
import type { Field } from './bindings/Field';
import type { LogLine } from './bindings/LogLine';
import type { Preferences } from './bindings/Preferences';
import type { Snapshot } from './bindings/Snapshot';

export type Model = Snapshot['models'][number];
export type LiveRequest = Snapshot['live'][number];
export type WorkerProblem = NonNullable<Snapshot['trouble']>;
export type Crash = NonNullable<Snapshot['crash']>;
export type Update = Snapshot['update'];
export type FieldGroup = Preferences['groups'][number];
export type FieldKind = Field['kind'];
export type NotificationKind = keyof AppPreferences['notify'];
export type UpdateMode = AppPreferences['updates'];
export type TrayIcon = AppPreferences['icon'];
export type ServeForm = AppPreferences['serve'];
export type OnBattery = ServeForm['on_battery'];
export type Day = ServeForm['days'][number];
export type PausedBy = NonNullable<Snapshot['paused_by']>;
export type Level = LogLine['level'];

export type Control =
  | 'drain'
  | 'undrain'
  | 'start'
  | 'stop'
  | 'restart'
  | 'resume'
  | 'shutdown_when_done'
  | 'quit_now'
  | 'retry_now';
export type PauseUntil = '30m' | '1h' | 'tomorrow' | 'resumed';
export type OpenTarget =
  'config_folder' | 'log_folder' | 'report_folder' | 'dashboard' | 'documentation' | 'release_notes';
export type CopyTarget = 'endpoint' | 'diagnostics';

export const VIEWS = ['status', 'preferences', 'logs', 'diagnostics', 'about'] as const;
/** A section of Preferences that other views link to. */
export type Section = 'serve';
/** The views of a window. `welcome` is not in the navigation. */
export type View = (typeof VIEWS)[number] | 'welcome';

export const isView = (name: string | null): name is View =>
  name === 'welcome' || (VIEWS as readonly (string | null)[]).includes(name);
