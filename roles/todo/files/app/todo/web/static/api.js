// The requests of the page. Each gives the answer's content, or fails with Refused and a code that texts.js explains.

// Longer than web waits for a service, so that its own answer comes first.
const LIMIT_MILLISECONDS = 70_000;

export class Refused extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

async function call(method, path, body, headers = {}) {
  const request = { method, headers, signal: AbortSignal.timeout(LIMIT_MILLISECONDS) };
  if (body !== undefined) {
    request.headers["Content-Type"] = "application/json";
    request.body = JSON.stringify(body);
  }
  let answer;
  try {
    answer = await fetch(path, request);
  } catch {
    throw new Refused("network");
  }
  if (answer.status === 204) return null;
  const content = await answer.json().catch(() => null);
  if (!answer.ok) throw new Refused(content?.error?.code ?? "other");
  if (content === null) throw new Refused("network");
  return content;
}

// crypto.randomUUID would be shorter, but browsers have it on https alone.
export function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

// A page of the list, newest first: { items, next_before, counts }.
export function page(status, before, limit) {
  const query = new URLSearchParams({ status, limit: String(limit) });
  if (before !== null) query.set("before", before);
  return call("GET", `/api/todos?${query}`);
}

// The server makes one to-do for a key, however often it is asked to.
export const create = (title, key) => call("POST", "/api/todos", { title }, { "Idempotency-Key": key });
export const change = (id, values) => call("PATCH", `/api/todos/${id}`, values);
export const remove = (id) => call("DELETE", `/api/todos/${id}`);
export const user = () => call("GET", "/api/user");
