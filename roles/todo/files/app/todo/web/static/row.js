// One to-do in the list, with its editor. Text is only ever set as textContent or value, never as HTML.

import { fill, text } from "/static/texts.js";

const copyOf = (template) => document.getElementById(template).content.firstElementChild.cloneNode(true);

export class Row {
  // `actions` has tick(row, done), save(row, title) and remove(row).
  constructor(todo, actions) {
    this.actions = actions;
    this.editor = null;
    this.element = copyOf("row");
    this.view = [...this.element.children];
    for (const part of ["tick", "title", "edit", "remove"]) this[part] = this.element.querySelector(`.${part}`);
    this.tick.addEventListener("change", () => actions.tick(this, this.tick.checked));
    this.edit.addEventListener("click", () => this.startEditing());
    this.remove.addEventListener("click", () => actions.remove(this));
    // A row whose change is under way takes no other one. It is not disabled: that would take the focus away.
    this.element.addEventListener("click", (event) => {
      if (!this.busy) return;
      event.preventDefault();
      event.stopPropagation();
    }, { capture: true });
    this.update(todo);
  }

  get busy() {
    return this.element.getAttribute("aria-busy") === "true";
  }

  set busy(busy) {
    this.element.setAttribute("aria-busy", String(busy));
  }

  update(todo) {
    this.todo = todo;
    this.element.dataset.id = todo.id;
    this.element.classList.toggle("done", todo.done);
    this.tick.checked = todo.done;
    this.title.textContent = todo.title;
    this.label();
  }

  // Sets every text in the language of now; an open editor stays as it is.
  label() {
    const { title } = this.todo;
    for (const part of [...this.view, this.editor]) if (part) fill(part);
    this.tick.setAttribute("aria-label", text("tick")(title));
    this.edit.setAttribute("aria-label", text("editTitle")(title));
    this.remove.setAttribute("aria-label", text("removeTitle")(title));
    this.editor?.elements.title.setAttribute("aria-label", text("editTitle")(title));
  }

  focus(part) {
    (this.editor?.elements.title ?? this[part]).focus();
  }

  startEditing() {
    this.editor = copyOf("editor");
    const input = this.editor.elements.title;
    input.value = this.todo.title;
    const leave = () => {
      if (this.busy) return;
      this.stopEditing();
      this.focus("edit");
    };
    this.editor.querySelector(".cancel").addEventListener("click", leave);
    // Escape also ends the composition of a Chinese word, which is not meant for the editor.
    this.editor.addEventListener("keydown", (event) => { if (event.key === "Escape" && !event.isComposing) leave(); });
    this.editor.addEventListener("submit", (event) => {
      event.preventDefault();
      this.actions.save(this, input);
    });
    this.label();
    this.element.replaceChildren(this.editor);
    input.focus();
  }

  stopEditing() {
    this.editor = null;
    this.element.replaceChildren(...this.view);
  }
}
