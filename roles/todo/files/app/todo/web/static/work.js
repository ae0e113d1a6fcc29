// Runs what the user asks for, and tells what became of it.

import { Refused } from "/static/api.js";
import { errorText, text } from "/static/texts.js";

const byId = (id) => document.getElementById(id);
let last = Promise.resolve();
let underWay = 0;
let message = null;

// Actions run one after the other, so that no answer overtakes another. `retry` is offered when the action fails.
export function act(action, retry = null) {
  tell(null);
  last = run(last, action, retry);
}

async function run(before, action, retry) {
  busy(+1);
  await before;
  try {
    await action();
  } catch (error) {
    if (!(error instanceof Refused)) reportError(error);
    tell({ code: error.code, title: error.title, retry });
  } finally {
    busy(-1);
  }
}

function busy(change) {
  underWay += change;
  byId("list").setAttribute("aria-busy", String(underWay > 0));
}

// Shows an error, or takes it away for null. `title` is a text that was not stored and is shown nowhere else.
export function tell(news) {
  message = news;
  drawMessage();
}

export function drawMessage() {
  byId("message").hidden = !message;
  byId("retry").hidden = !message?.retry;
  byId("message-text").textContent = message ? errorText(message.code) : "";
  if (message?.title) byId("message-text").append(" ", text("notSaved")(message.title));
}

// For screen readers: what happened, where others see it.
export function announce(name, title) {
  byId("status").textContent = text(name)(title);
}

byId("retry").addEventListener("click", () => {
  const { retry } = message;
  byId("new-title").focus();
  act(retry, retry);
});
