// Every text of the page in both languages, and the choice between them.

export const TEXTS = {
  en: {
    lang: "en", name: "English",
    heading: "To-dos", userLabel: "Current user", answeredBy: "answered by", askAgain: "Ask again", unknownUser: "unknown user",
    newLabel: "New to-do", newHint: "What is to be done?", add: "Add", retry: "Try again",
    filterLabel: "Show", all: "All", open: "Open", done: "Done", listLabel: "To-dos", more: "Show more",
    edit: "Edit", remove: "Delete", save: "Save", cancel: "Cancel",
    counts: (open, done) => `${open} open, ${done} done`,
    tick: (title) => `Done: ${title}`,
    editTitle: (title) => `Edit: ${title}`,
    removeTitle: (title) => `Delete: ${title}`,
    added: (title) => `Added: ${title}`,
    saved: (title) => `Saved: ${title}`,
    ticked: (title) => `Done: ${title}`,
    unticked: (title) => `Open again: ${title}`,
    removed: (title) => `Deleted: ${title}`,
    notSaved: (title) => `Not saved: ${title}`,
    empty: { all: "Nothing to do yet. Write the first to-do above.", open: "Nothing is open.", done: "Nothing is done yet." },
    errors: {
      invalid_title: "The title must have 1 to 200 characters, without control characters.",
      no_such_todo: "This to-do no longer exists.",
      too_large: "The text is too long.",
      other_origin: "The change was refused because it came from another site.",
      database_unavailable: "The database cannot be reached now. Try again soon.",
      rule_unreachable: "The to-do service cannot be reached now. Try again soon.",
      rule_unusable: "The to-do service gave no usable answer. Try again soon.",
      rule_timeout: "The to-do service took too long. Try again soon.",
      network: "The server cannot be reached. Try again soon.",
      other: "That did not work.",
    },
  },
  zh: {
    lang: "zh-Hans", name: "中文",
    heading: "待办事项", userLabel: "当前用户", answeredBy: "应答修订版", askAgain: "再问一次", unknownUser: "未知用户",
    newLabel: "新的待办", newHint: "要做什么？", add: "添加", retry: "重试",
    filterLabel: "显示", all: "全部", open: "未完成", done: "已完成", listLabel: "待办事项", more: "显示更多",
    edit: "编辑", remove: "删除", save: "保存", cancel: "取消",
    counts: (open, done) => `${open} 项未完成，${done} 项已完成`,
    tick: (title) => `完成：${title}`,
    editTitle: (title) => `编辑：${title}`,
    removeTitle: (title) => `删除：${title}`,
    added: (title) => `已添加：${title}`,
    saved: (title) => `已保存：${title}`,
    ticked: (title) => `已完成：${title}`,
    unticked: (title) => `重新打开：${title}`,
    removed: (title) => `已删除：${title}`,
    notSaved: (title) => `未保存：${title}`,
    empty: { all: "还没有待办，在上面写下第一项吧。", open: "没有未完成的待办。", done: "还没有已完成的待办。" },
    errors: {
      invalid_title: "标题须为 1 到 200 个字符，且不含控制字符。",
      no_such_todo: "该待办已不存在。",
      too_large: "内容过长。",
      other_origin: "请求来自其他网站，已被拒绝。",
      database_unavailable: "数据库暂时无法连接，请稍后再试。",
      rule_unreachable: "待办服务暂时无法连接，请稍后再试。",
      rule_unusable: "待办服务的响应无法使用，请稍后再试。",
      rule_timeout: "待办服务响应超时，请稍后再试。",
      network: "无法连接服务器，请稍后再试。",
      other: "操作失败。",
    },
  },
};

const KEY = "todo.language";
const other = (language) => (language === "zh" ? "en" : "zh");

function stored() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // storage may be switched off
  }
}

// What was chosen here before, else the first known language that the browser prefers, else English.
const offered = [stored(), ...navigator.languages].map((tag) => tag?.slice(0, 2).toLowerCase());
let language = offered.find((tag) => tag in TEXTS) ?? "en";

export const text = (name) => TEXTS[language][name];
export const errorText = (code) => text("errors")[code] ?? text("errors").other;
export const otherLanguage = () => TEXTS[other(language)];

export function chooseOther() {
  language = other(language);
  try {
    localStorage.setItem(KEY, language);
  } catch { /* then the choice lasts until the page is closed */ }
}

// Sets the texts that the elements below `root` name: their content, their label, their placeholder.
export function fill(root) {
  for (const element of root.querySelectorAll("[data-text]")) element.textContent = text(element.dataset.text);
  for (const element of root.querySelectorAll("[data-label]")) element.setAttribute("aria-label", text(element.dataset.label));
  for (const element of root.querySelectorAll("[data-placeholder]")) element.placeholder = text(element.dataset.placeholder);
}
