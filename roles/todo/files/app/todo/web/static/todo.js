// The page: what its controls do. The work is in list.js.

import * as api from "/static/api.js";
import { add, drawList, load, loadMore } from "/static/list.js";
import { chooseOther, fill, otherLanguage, text } from "/static/texts.js";
import { drawMessage } from "/static/work.js";

const byId = (id) => document.getElementById(id);
let user = null;

async function loadUser() {
  user = await api.user().catch(() => ({}));
  drawUser();
}

function drawUser() {
  const { name, version, revision } = user ?? {};
  byId("user-name").textContent = user ? name ?? text("unknownUser") : "…";
  byId("user-version").textContent = version ?? "";
  byId("user-version").hidden = !version;
  byId("user-revision").textContent = revision ?? "";
  byId("user-by").hidden = !revision;
}

function draw() {
  document.documentElement.lang = text("lang");
  document.title = text("heading");
  fill(document);
  byId("language").textContent = otherLanguage().name;
  byId("language").lang = otherLanguage().lang;
  drawUser();
  drawMessage();
  drawList();
}

byId("new-form").addEventListener("submit", (event) => {
  event.preventDefault();
  add();
});
byId("filters").addEventListener("click", (event) => {
  const { filter } = event.target.dataset;
  if (filter) load(filter);
});
byId("more").addEventListener("click", loadMore);
byId("user-again").addEventListener("click", loadUser);
byId("language").addEventListener("click", () => {
  chooseOther();
  draw();
});

draw();
loadUser();
load("all");
