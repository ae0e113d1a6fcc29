// The list: its loaded pages, and what the user's actions do to them.

import * as api from "/static/api.js";
import { Row } from "/static/row.js";
import { text } from "/static/texts.js";
import { act, announce, tell } from "/static/work.js";

const PAGE = 50;
const TITLE_LIMIT = 200;
const byId = (id) => document.getElementById(id);
const [list, input] = [byId("list"), byId("new-title")];
const rows = new Map(); // by the element that shows it
const state = { filter: "all", loaded: false, nextBefore: null, counts: { open: 0, done: 0 } };

export function load(filter) {
  const action = () => fetchPage(filter, null);
  act(action, action);
}

export function loadMore() {
  const action = async () => {
    const [first] = await fetchPage(state.filter, state.nextBefore);
    first?.focus("tick");
  };
  act(action, action);
}

async function fetchPage(filter, before) {
  const page = await api.page(filter, before, PAGE);
  if (before === null) {
    rows.clear();
    list.replaceChildren();
  }
  const added = page.items.map(newRow);
  list.append(...added.map((row) => row.element));
  Object.assign(state, { filter, loaded: true, nextBefore: page.next_before, counts: page.counts });
  drawState();
  return added;
}

function newRow(todo) {
  const row = new Row(todo, actions);
  rows.set(row.element, row);
  return row;
}

// The last title that was not stored, as far as is known, and its key: added again, it is stored once.
let unsure = null;

export function add() {
  if (!usable(input)) return;
  const title = input.value;
  input.value = "";
  act(async () => {
    const key = unsure?.title === title ? unsure.key : api.newKey();
    const todo = await api.create(title, key).catch((error) => {
      unsure = { title, key };
      // Nothing that was typed is lost: neither this title nor what was begun meanwhile.
      if (input.value === "") input.value = title;
      else error.title = title;
      throw error;
    });
    unsure = null;
    announce("added", todo.title);
    if (state.loaded && state.filter !== "done" && !todo.done) show(todo);
    else await fetchPage("all", null);
  });
}

function show(todo) {
  if (list.querySelector(`[data-id="${todo.id}"]`)) return;
  list.prepend(newRow(todo).element);
  count(null, todo);
}

function usable(field) {
  const title = field.value.trim();
  const good = title !== "" && [...title].length <= TITLE_LIMIT;
  field.setAttribute("aria-invalid", String(!good));
  tell(good ? null : { code: "invalid_title" });
  field.focus();
  return good;
}

// What a row asks for. The list keeps its loaded pages and its place: only the row itself changes.
const actions = {
  tick: (row, done) => change(row, async () => {
    update(row, await api.change(row.todo.id, { done }));
    announce(done ? "ticked" : "unticked", row.todo.title);
    if (state.filter !== "all" && (state.filter === "done") !== done) await drop(row, "tick");
  }),
  save: (row, field) => {
    if (!usable(field)) return;
    change(row, async () => {
      const todo = await api.change(row.todo.id, { title: field.value }).catch((error) => {
        if (error.code === "no_such_todo") error.title = field.value;
        throw error;
      });
      const focused = row.element.contains(document.activeElement);
      row.stopEditing();
      update(row, todo);
      if (focused) row.focus("edit");
      announce("saved", todo.title);
    });
  },
  remove: (row) => change(row, async () => {
    await api.remove(row.todo.id);
    announce("removed", row.todo.title);
    count(row.todo, null);
    await drop(row, "remove");
  }),
};

function change(row, action) {
  row.busy = true;
  act(async () => {
    try {
      await action();
    } catch (error) {
      row.tick.checked = row.todo.done;
      if (error.code === "no_such_todo") await forget(row);
      throw error;
    } finally {
      row.busy = false;
    }
  });
}

// Somebody else deleted it.
async function forget(row) {
  await drop(row, "remove");
  state.counts = (await api.page("all", null, 1)).counts;
  drawState();
}

// Takes the row out of the list; the focus goes to the same part of the next one.
async function drop(row, part) {
  const focused = row.element.contains(document.activeElement);
  let next = rows.get(row.element.nextElementSibling ?? row.element.previousElementSibling);
  rows.delete(row.element);
  row.element.remove();
  if (focused && !next) input.focus();
  if (!next && state.nextBefore !== null) [next] = await fetchPage(state.filter, state.nextBefore);
  if (focused) next?.focus(part);
  drawState();
}

function update(row, todo) {
  count(row.todo, todo);
  row.update(todo);
}

function count(before, after) {
  if (before) state.counts[before.done ? "done" : "open"] -= 1;
  if (after) state.counts[after.done ? "done" : "open"] += 1;
  drawState();
}

function drawState() {
  for (const button of byId("filters").querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.dataset.filter === state.filter));
  }
  byId("counts").textContent = state.loaded ? text("counts")(state.counts.open, state.counts.done) : "";
  byId("more").hidden = state.nextBefore === null;
  byId("empty").hidden = rows.size > 0;
  byId("empty").textContent = state.loaded ? text("empty")[state.filter] : "";
}

export function drawList() {
  for (const row of rows.values()) row.label();
  drawState();
}
