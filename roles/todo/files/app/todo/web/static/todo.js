// The page. Text from the server is only ever set as textContent or value, never as HTML.

import { chooseOther, errorText, fill, language, text } from "/static/texts.js";

const byId = (id) => document.getElementById(id);
const state = { filter: "all", items: [], nextBefore: null, counts: { open: 0, done: 0 }, user: null };

class Refused extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

async function call(method, path, body) {
  let answer;
  try {
    answer = await fetch(path, {
      method,
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new Refused("network");
  }
  const content = answer.status === 204 ? null : await answer.json().catch(() => null);
  if (!answer.ok) throw new Refused(content?.error?.code ?? "other");
  return content;
}

function show(error) {
  byId("message").hidden = !error;
  byId("message").textContent = error ? errorText(error.code) : "";
}

// Runs one action of the user: the old message goes, a new one comes if the action fails.
async function act(action) {
  show(null);
  try {
    await action();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    show(error);
  }
}

async function load(before) {
  const query = new URLSearchParams({ status: state.filter, limit: "50" });
  if (before) query.set("before", before);
  const page = await call("GET", `/api/todos?${query}`);
  state.items = before ? [...state.items, ...page.items] : page.items;
  state.nextBefore = page.next_before;
  state.counts = page.counts;
  drawList();
}

async function loadUser() {
  try {
    state.user = await call("GET", "/api/user");
  } catch {
    state.user = {};
  }
  drawUser();
}

function drawUser() {
  if (!state.user) return;
  byId("user-name").textContent = state.user.name ?? text("unknownUser");
  byId("user-version").textContent = state.user.version ?? "";
  byId("user-version").hidden = !state.user.version;
  byId("user-revision").textContent = state.user.revision ?? "";
}

function drawList() {
  byId("list").replaceChildren(...state.items.map(row));
  byId("empty").hidden = state.items.length > 0;
  byId("more").hidden = state.nextBefore === null;
  byId("counts").textContent = text("counts")(state.counts.open, state.counts.done);
}

function draw() {
  document.documentElement.lang = language;
  byId("language").textContent = language === "zh" ? "English" : "中文";
  byId("language").lang = language === "zh" ? "en" : "zh";
  fill(document);
  document.title = text("heading");
  drawUser();
  drawList();
}

function row(todo) {
  const item = byId("item").content.firstElementChild.cloneNode(true);
  fill(item);
  const [tick, title, edit, remove] = item.children;
  item.classList.toggle("done", todo.done);
  tick.checked = todo.done;
  tick.setAttribute("aria-label", text("tick")(todo.title));
  edit.setAttribute("aria-label", text("editTitle")(todo.title));
  remove.setAttribute("aria-label", text("removeTitle")(todo.title));
  title.textContent = todo.title;
  tick.addEventListener("change", () => act(async () => {
    try {
      await call("PATCH", `/api/todos/${todo.id}`, { done: tick.checked });
    } finally {
      await load();
      document.querySelector(`#list [data-id="${todo.id}"] .tick`)?.focus();
    }
  }));
  edit.addEventListener("click", () => startEditing(item, todo));
  remove.addEventListener("click", () => act(async () => {
    await call("DELETE", `/api/todos/${todo.id}`);
    await load();
    byId("new-title").focus();
  }));
  item.dataset.id = todo.id;
  return item;
}

function startEditing(item, todo) {
  const editor = byId("editor").content.firstElementChild.cloneNode(true);
  fill(editor);
  const input = editor.elements.title;
  const stop = () => {
    drawList();
    document.querySelector(`#list [data-id="${todo.id}"] .edit`)?.focus();
  };
  input.value = todo.title;
  input.setAttribute("aria-label", text("editTitle")(todo.title));
  editor.querySelector(".cancel").addEventListener("click", stop);
  editor.addEventListener("keydown", (event) => { if (event.key === "Escape") stop(); });
  editor.addEventListener("submit", (event) => {
    event.preventDefault();
    act(async () => {
      await call("PATCH", `/api/todos/${todo.id}`, { title: input.value });
      await load();
      document.querySelector(`#list [data-id="${todo.id}"] .edit`)?.focus();
    });
  });
  item.replaceChildren(editor);
  input.focus();
}

byId("new-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const input = byId("new-title");
  act(async () => {
    await call("POST", "/api/todos", { title: input.value });
    input.value = "";
    await load();
    input.focus();
  });
});
byId("filters").addEventListener("click", (event) => {
  const chosen = event.target.dataset.filter;
  if (!chosen) return;
  state.filter = chosen;
  for (const button of byId("filters").querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.dataset.filter === chosen));
  }
  act(() => load());
});
byId("more").addEventListener("click", () => act(() => load(state.nextBefore)));
byId("language").addEventListener("click", () => {
  chooseOther();
  show(null);
  draw();
});

draw();
loadUser();
act(() => load());
