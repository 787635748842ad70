// Sends to the kernel what the user does with widgets. Of each widget one message is on its way at a
// time, and while it is, only the last values of what is set are kept for the next one: moving a
// slider while a cell runs is one change when the cell is done.

const MOST_WAITING = 50; // messages of one widget; clicks beyond them are dropped

export class Outbox {
  // `post` sends a message and promises its id; `failed` is told why one was refused, `changed` that
  // something is to be drawn again.
  constructor(board, post, failed, changed) {
    Object.assign(this, { board, post, failed, changed });
    this.queues = new Map(); // by model: messages, the first of which is on its way
    this.sent = new Map(); // by model: the id of that one, once it is known
  }

  set(model, state) {
    this.board.show(model, state);
    this.add(model, { type: "update", state });
  }

  click(model) {
    this.board.show(model, {});
    this.add(model, { type: "custom", content: { event: "click" } });
  }

  // The user has typed the end of a line; goes after its text.
  submit(model) {
    this.add(model, { type: "custom", content: { event: "submit" } });
  }

  add(model, message) {
    const queue = this.queues.get(model) || [];
    const last = queue.length > 1 ? queue.at(-1) : null;
    if (last && last.type === "update" && message.type === "update") Object.assign(last.state, message.state);
    else if (queue.length < MOST_WAITING) queue.push(message);
    this.changed();
    if (this.queues.has(model)) return;
    this.queues.set(model, queue);
    this.sendFirst(model, queue);
  }

  async sendFirst(model, queue) {
    this.sent.delete(model);
    let messageId = "";
    try {
      messageId = await this.post(model, queue[0]);
    } catch (error) {
      if (this.queues.get(model) === queue) this.end(model);
      this.failed(error.message);
      return;
    }
    if (this.queues.get(model) !== queue) return;
    this.sent.set(model, messageId);
    this.follow(model);
  }

  // After news of the session.
  followAll() {
    for (const model of [...this.queues.keys()]) this.follow(model);
  }

  follow(model) {
    const queue = this.queues.get(model);
    if (!this.board.isAlive(model)) this.end(model);
    else if (this.sent.has(model) && this.board.hasHandled(model, this.sent.get(model))) {
      queue.shift();
      if (queue.length) this.sendFirst(model, queue);
      else this.end(model);
    }
  }

  end(model) {
    this.queues.delete(model);
    this.sent.delete(model);
    this.board.settle(model);
    this.changed();
  }
}
