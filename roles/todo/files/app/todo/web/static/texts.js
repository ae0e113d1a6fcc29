// Every text of the page in both languages, and the choice between them.

const TEXTS = {
  en: {
    heading: "To-dos", newLabel: "New to-do", add: "Add", filterLabel: "Show", all: "All", open: "Open", done: "Done",
    listLabel: "To-dos", empty: "Nothing here.", more: "Show more", edit: "Edit", remove: "Delete", save: "Save", cancel: "Cancel",
    counts: (open, done) => `${open} open, ${done} done`,
    tick: (title) => `Done: ${title}`,
    editTitle: (title) => `Edit: ${title}`,
    removeTitle: (title) => `Delete: ${title}`,
    unknownUser: "unknown user",
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
    heading: "待办事项", newLabel: "新的待办", add: "添加", filterLabel: "显示", all: "全部", open: "未完成", done: "已完成",
    listLabel: "待办事项", empty: "暂无内容。", more: "显示更多", edit: "编辑", remove: "删除", save: "保存", cancel: "取消",
    counts: (open, done) => `${open} 项未完成，${done} 项已完成`,
    tick: (title) => `完成：${title}`,
    editTitle: (title) => `编辑：${title}`,
    removeTitle: (title) => `删除：${title}`,
    unknownUser: "未知用户",
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

function stored() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // storage may be switched off
  }
}

export let language = stored() ?? (navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en");
if (!(language in TEXTS)) language = "en";

export const text = (name) => TEXTS[language][name];
export const errorText = (code) => TEXTS[language].errors[code] ?? TEXTS[language].errors.other;

export function chooseOther() {
  language = language === "zh" ? "en" : "zh";
  try {
    localStorage.setItem(KEY, language);
  } catch { /* then the choice lasts until the page is closed */ }
}

// Fills in every element below `root` that names a text.
export function fill(root) {
  for (const element of root.querySelectorAll("[data-text]")) element.textContent = text(element.dataset.text);
  for (const element of root.querySelectorAll("[data-label]")) element.setAttribute("aria-label", text(element.dataset.label));
}
