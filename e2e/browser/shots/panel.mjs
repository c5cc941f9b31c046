// The tray menu, opened with a mouse click in a real panel (Xfce's).

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pause, start, until } from './programs.mjs';

/** A panel at the top that contains only the tray, at its right end. */
const CONFIG = `<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0">
  <property name="configver" type="int" value="2"/>
  <property name="panels" type="array">
    <value type="int" value="1"/>
    <property name="panel-1" type="empty">
      <property name="position" type="string" value="p=6;x=0;y=0"/>
      <property name="length" type="uint" value="100"/>
      <property name="size" type="uint" value="32"/>
      <property name="position-locked" type="bool" value="true"/>
      <property name="plugin-ids" type="array"><value type="int" value="1"/><value type="int" value="2"/></property>
    </property>
  </property>
  <property name="plugins" type="empty">
    <property name="plugin-1" type="string" value="separator"><property name="expand" type="bool" value="true"/></property>
    <property name="plugin-2" type="string" value="systray">
      <property name="square-icons" type="bool" value="true"/>
      <property name="icon-size" type="int" value="22"/>
    </property>
  </property>
</channel>
`;
const XFCONFD = '/usr/lib/x86_64-linux-gnu/xfce4/xfconf/xfconfd';

/** Whether the panel's programs are installed. */
export const hasPanel = () =>
  existsSync(XFCONFD) && existsSync('/usr/bin/xfce4-panel') && existsSync('/usr/bin/xdotool');

/** Whether a tray is there. An app that starts before it shows a second icon, for trays of the older kind. */
function hasTray(env) {
  const name = 'string:org.kde.StatusNotifierWatcher';
  const call = ['--session', '--print-reply', '--dest=org.freedesktop.DBus', '/'];
  const answer = execFileSync('dbus-send', [...call, 'org.freedesktop.DBus.NameHasOwner', name], { env });
  return answer.includes('boolean true');
}

/** Starts the panel on a screen with a scale of 1, and waits for its tray. */
export async function panel({ home, environment }) {
  const folder = join(home, '.config/xfce4/xfconf/xfce-perchannel-xml');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'xfce4-panel.xml'), CONFIG);
  const started = [start(XFCONFD, [], environment), start('openbox', [], environment)];
  await pause(1_000);
  started.push(start('xfce4-panel', ['--disable-wm-check'], environment));
  await until('a tray', () => hasTray(environment));
  return () => started.forEach((program) => program.end());
}

/** Clicks the icon, moves down to this row, and returns a screenshot of the corner. */
export async function menu({ DISPLAY }, { rows, width, height }) {
  const mouse = (...args) => execFileSync('xdotool', args, { env: { DISPLAY } });
  await pause(4_000);
  mouse('mousemove', '1264', '16', 'click', '1');
  await pause(1_500);
  for (let row = 0; row < rows; row += 1) mouse('key', 'Down');
  if (rows) mouse('key', 'Right');
  await pause(1_000);
  const crop = `${width}x${height}+${1280 - width}+0`;
  const most = { maxBuffer: 64 << 20 };
  const taken = execFileSync(
    'import',
    ['-display', DISPLAY, '-window', 'root', '-crop', crop, '+repage', 'png:-'],
    most,
  );
  // A screen without a background is black.
  const desktop = ['-fill', '#5b6472', '-floodfill', `+0+${height - 1}`, 'black'];
  return execFileSync('convert', ['png:-', ...desktop, 'png:-'], { ...most, input: taken });
}
