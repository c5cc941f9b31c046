// A model that only talks about llamas. `error` in a message ends the stream with an error event, `cut` without one.

const ANSWER =
  'Llamas hum to stay in touch with their herd.\n\nA soft hum means “here I am”; a higher one asks “where are you?”. Mothers hum to their crias for days after birth.\n\n1. Contact\n2. Curiosity\n3. Mild worry\n\n```python\nprint("hmmmm")\n```\nThat <b>is</b> all <img src=x onerror=alert(3)> there is to it.';
const GAP_MS = 25;

export function chat(request, response, body) {
  const { messages = [], model } = JSON.parse(body);
  const question = String(messages.at(-1)?.content ?? '');
  if (question.includes('refuse')) {
    response.writeHead(503, { 'Content-Type': 'application/json', 'X-Request-Id': 'req-mock1' });
    response.end(
      JSON.stringify({ error: { message: `No worker with ${model} is ready`, type: 'server_error' } }),
    );
    return;
  }
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
  const words = ANSWER.match(/\s*\S+/g);
  const thoughts = question.includes('think')
    ? 'They want to know about humming. Let me recall what I know.'.match(/\s*\S+/g)
    : [];
  const say = (data) => response.write(`data: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`);
  let at = -8; // delay before the first token
  const timer = setInterval(() => {
    at += 1;
    if (at < 0) return;
    if (at < thoughts.length) return say({ choices: [{ delta: { reasoning_content: thoughts[at] } }] });
    const word = words[at - thoughts.length];
    if (at === thoughts.length + 12 && question.includes('cut')) return response.destroy();
    if (at === thoughts.length + 12 && question.includes('error')) {
      const data = JSON.stringify({
        error: {
          message: 'The worker "gpu-box-01" was lost in the middle of the reply',
          type: 'server_error',
        },
      });
      return response.write(`event: error\ndata: ${data}\n\n`, () => response.destroy());
    }
    if (word) return say({ choices: [{ delta: { content: word } }] });
    say({ choices: [], usage: { prompt_tokens: 12, completion_tokens: words.length + thoughts.length } });
    say('[DONE]');
    response.end();
  }, GAP_MS);
  response.on('close', () => clearInterval(timer));
}
