// The connection to the stream of the session, which is opened again when it is cut.

const QUIET = 45000; // ms without a byte after which the connection counts as cut
const HIDDEN = 30000; // ms after which a hidden page lets its connection go: a browser has few of them

const pause = ms => new Promise(done => setTimeout(done, ms));

function becomesVisible() {
  return new Promise(done => {
    const look = () => {
      if (document.hidden) return;
      document.removeEventListener("visibilitychange", look);
      done();
    };
    document.addEventListener("visibilitychange", look);
    look();
  });
}

async function read(after, signal, noted, take) {
  const answer = await fetch(`events?after=${after}`, { signal, cache: "no-store" });
  if (!answer.ok) {
    const problem = await answer.json().catch(() => ({}));
    throw Object.assign(new Error([problem.message, problem.next_step].filter(Boolean).join(" ")), { status: answer.status });
  }
  const decoder = new TextDecoder();
  const reader = answer.body.getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    noted();
    const lines = (rest + decoder.decode(value, { stream: true })).split("\n");
    rest = lines.pop();
    for (const line of lines) if (line) take(JSON.parse(line));
  }
}

// Until the session or the address has ended. `after` is the number of the last event at hand, `take`
// is given each line, `isOver` tells whether the session has ended, `show` is told a state of the
// connection, words for it, and what is wrong.
export async function followStream({ after, take, isOver, show }) {
  let aborting = new AbortController();
  let hiddenTimer = 0;
  let isResting = false;
  document.addEventListener("visibilitychange", () => {
    clearTimeout(hiddenTimer);
    if (document.hidden) hiddenTimer = setTimeout(() => { isResting = true; aborting.abort(); }, HIDDEN);
  });
  for (let attempt = 0; ; attempt++) {
    aborting = new AbortController();
    let timer = 0;
    const wait = () => {
      clearTimeout(timer);
      timer = setTimeout(() => aborting.abort(), QUIET);
    };
    const noted = () => {
      attempt = 0;
      wait();
      show("live", "Live", "");
    };
    try {
      wait();
      await read(after(), aborting.signal, noted, take);
    } catch (error) {
      if (error.status === 401 || error.status === 404) {
        show("over", "Closed", error.message);
        return;
      }
    } finally {
      clearTimeout(timer);
    }
    if (isOver()) {
      show("over", "Ended");
      return;
    }
    if (isResting) {
      isResting = false;
      attempt = -1;
      await becomesVisible();
      continue;
    }
    show("cut", attempt ? "The server does not answer. Trying again…" : "Reconnecting…");
    await Promise.race([pause(Math.min(250 * 2 ** attempt, 8000)), new Promise(done => addEventListener("online", done, { once: true }))]);
  }
}
