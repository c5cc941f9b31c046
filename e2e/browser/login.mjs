// A key is asked for; a wrong one is told; it is remembered only by wish, and only for the session.

import assert from "node:assert/strict";
import { failedLoad, play } from "./play.mjs";
import { API_KEY, ORIGIN } from "./pool.mjs";

await play(async (arrive) => {
  const person = await arrive({ tolerates: [failedLoad(401)] });
  const { page } = person;
  const key = page.getByLabel("API key");
  const remember = page.getByLabel("Remember it until this tab is closed");
  const stored = () =>
    page.evaluate(() =>
      [
        JSON.stringify({ ...sessionStorage }),
        JSON.stringify({ ...localStorage }),
      ].join(),
    );

  await page.goto(`${ORIGIN}/`);
  await person.sees("This server asks for a key");
  assert.ok(
    await key.evaluate((field) => field === document.activeElement),
    "one can type at once",
  );
  await page.keyboard.press("Escape");
  await person.sees("This server asks for a key");

  await page.keyboard.press("Enter");
  await person.sees("Type the key first.");
  await key.fill("not the key");
  await page.keyboard.press("Enter");
  await person.sees("A key has no spaces");
  await key.fill("sk-wrong");
  await page.keyboard.press("Enter");
  await person.sees("The server did not accept that key.");

  await key.fill(API_KEY);
  await page.keyboard.press("Enter");
  await person.isLive();
  assert.ok(
    !(await stored()).includes(API_KEY),
    "not remembered without being told to",
  );
  assert.ok(
    !(await page.content()).includes(API_KEY),
    "the key is not in the page",
  );
  await page.reload();
  await person.sees("This server asks for a key");

  await key.fill(API_KEY);
  await remember.check();
  await person.button("Open the dashboard").click();
  await person.isLive();
  await page.reload();
  await person.isLive();
  assert.ok(
    !(await page.evaluate(() => JSON.stringify({ ...localStorage }))).includes(
      API_KEY,
    ),
    "of this session only",
  );

  const other = await arrive({ tolerates: [failedLoad(401)] });
  await other.page.goto(`${ORIGIN}/`);
  await other.sees("This server asks for a key");

  await person.button("Forget the key").click();
  await person.sees("This server asks for a key");
  assert.ok(!(await stored()).includes(API_KEY), "forgotten");
  await page.reload();
  await person.sees("This server asks for a key");
});
