// What the clients observed, to compare with the server's figures.

import assert from 'node:assert/strict';

/** Milliseconds by which a server on a busy machine may record ends later than its clients. Less than any wait here. */
const LATE_MS = 500;

/** The totals that the clients observed. */
export class Ledger {
  server = {
    Completed: 0,
    Failed: 0,
    Rejected: 0,
    Blocked: 0,
    'Client disconnected': 0,
    Failovers: 0,
    'Input tokens': 0,
    'Output tokens': 0,
  };
  workers = { left: new Book(), right: new Book() };

  /** A request that a worker completed. */
  note(model, { status, worker, error, took }, tokensIn, tokensOut, expected = 200) {
    assert.deepEqual([status, error], [expected, undefined], `a request for ${model}`);
    this.server.Completed += 1;
    this.server['Input tokens'] += tokensIn;
    this.server['Output tokens'] += tokensOut;
    this.#at(worker, model, { done: 1, tokensIn, tokensOut, took });
  }

  failed(worker, model, { status }, expected) {
    assert.equal(status, expected);
    this.server.Failed += 1;
    this.#at(worker, model, { failed: 1 });
  }

  refused({ status }, expected) {
    assert.equal(status, expected);
    this.server.Rejected += 1;
  }

  /** A request without a valid key. */
  blocked({ status }, expected) {
    assert.equal(status, expected);
    this.server.Blocked += 1;
  }

  takenOver(worker, model, times) {
    assert.ok(times > 0, `${worker} was asked`);
    this.server.Failovers += times;
    this.#at(worker, model, { failed: times });
  }

  /** A request whose client disconnected, or that was cancelled. It counts as done for the worker. */
  left(worker, model, { took }) {
    this.server['Client disconnected'] += 1;
    this.#at(worker, model, { done: 1, took });
  }

  #at(worker, model, what) {
    this.workers[worker].add(what);
    (this.workers[worker].models[model] ??= new Book()).add(what);
  }

  /** Asserts that `GET /api/state` has the same totals. */
  equals({ server, workers, history, recent }) {
    const figures = {
      Completed: server.jobs_completed_total,
      Failed: server.jobs_failed_total,
      Rejected: server.jobs_refused_total,
      Blocked: server.jobs_blocked_total,
      'Client disconnected': server.jobs_cancelled_total,
      Failovers: server.failovers_total,
      'Input tokens': server.tokens_in_total,
      'Output tokens': server.tokens_out_total,
    };
    assert.deepEqual(figures, this.server);
    for (const worker of workers) {
      const did = this.workers[worker.name];
      assert.deepEqual(
        [worker.processed_total, worker.failures_total, worker.tokens_in_total, worker.tokens_out_total],
        did.figures(),
        worker.name,
      );
      for (const [model, book] of Object.entries(did.models)) {
        const { success_total, error_total, tokens_in_total, tokens_out_total } = worker.per_model[model];
        assert.deepEqual(
          [success_total, error_total, tokens_in_total, tokens_out_total],
          book.figures(),
          `${model} of ${worker.name}`,
        );
      }
      const mean = worker.processing_ms_total / worker.processed_total;
      assert.ok(
        worker.processing_ms_total <= did.took + LATE_MS,
        `${worker.name} took no longer than its clients waited`,
      );
      assert.ok(
        Math.abs(worker.avg_processing_ms - mean) < 1,
        `${worker.avg_processing_ms} is the mean, ${mean}`,
      );
    }
    const sum = (name) => history.reduce((all, bin) => all + bin[name], 0);
    assert.deepEqual(
      [sum('requests'), sum('failed'), sum('refused'), sum('left'), sum('tokens_out')],
      [
        recent.length,
        this.server.Failed,
        this.server.Rejected,
        this.server['Client disconnected'],
        this.server['Output tokens'],
      ],
    );
  }
}

class Book {
  done = 0;
  failed = 0;
  tokensIn = 0;
  tokensOut = 0;
  /** Total time that clients waited, in milliseconds. */
  took = 0;
  models = {};

  add({ done = 0, failed = 0, tokensIn = 0, tokensOut = 0, took = 0 }) {
    this.done += done;
    this.failed += failed;
    this.tokensIn += tokensIn;
    this.tokensOut += tokensOut;
    this.took += took;
  }

  figures() {
    return [this.done, this.failed, this.tokensIn, this.tokensOut];
  }
}
