// Diagnostics: checks that fill in as they finish, and the report.

import type { Check } from './bindings/Check';
import type { Problem } from './bindings/Problem';
import type { ReportFile } from './bindings/ReportFile';
import { api, on } from './api';

export class DiagnosticsRun {
  checks = $state.raw<Check[]>([]);
  running = $state(false);
  done = $state(false);
  problem = $state.raw<Problem | null>(null);
  /** The contents of the report, while they are shown. */
  report = $state.raw<ReportFile[] | null>(null);
  reporting = $state(false);
  /** Path of the last saved report. */
  saved = $state<string | null>(null);
  #listening: ReturnType<typeof on> | null = null;

  /** Listens for checks until the returned function is called. */
  start(): () => void {
    this.#listening = on({
      check: (check) => this.running && (this.checks = withOne(this.checks, check)),
      checked: (checks) => {
        this.checks = checks;
        this.running = false;
        this.done = true;
      },
    });
    return this.#listening.stop;
  }

  async run() {
    this.checks = [];
    this.problem = null;
    this.done = false;
    this.running = true;
    try {
      await this.#listening?.ready;
      await api.doctor();
    } catch (problem) {
      this.problem = problem as Problem;
      this.running = false;
    }
  }

  async preview() {
    await this.#report(async () => (this.report = await api.reportPreview()));
  }

  async save() {
    await this.#report(async () => {
      this.saved = await api.saveReport();
      this.report = null;
    });
  }

  async #report(action: () => Promise<unknown>) {
    this.reporting = true;
    this.problem = null;
    this.saved = null;
    try {
      await action();
    } catch (problem) {
      this.problem = problem as Problem;
    }
    this.reporting = false;
  }
}

function withOne(checks: Check[], check: Check): Check[] {
  const known = checks.some(({ id }) => id === check.id);
  return known ? checks.map((one) => (one.id === check.id ? check : one)) : [...checks, check];
}
