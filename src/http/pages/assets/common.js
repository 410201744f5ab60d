// What every page needs: calls that carry the session's secret, problems as sentences, server-sent events over POST.

/** What unsafe requests of this session carry. */
export const secret = document.querySelector('meta[name="csrf"]')?.content ?? "";

/** Calls the API with the session; a failure becomes an Error whose message is the problem's detail. */
export async function call(method, path, { json, signal } = {}) {
  const headers = { "X-CSRF-Token": secret };
  if (json !== undefined) headers["Content-Type"] = "application/json";
  const body = json === undefined ? undefined : JSON.stringify(json);
  const response = await fetch(path, { method, headers, body, signal });
  if (!response.ok) throw new Error(await reason(response));
  return response;
}

/** A refusal: its sentence, its status (none when the connection was lost) and the seconds to wait where it says them. */
export class Refusal extends Error {
  constructor(message, status, retryAfter) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter > 0 ? retryAfter : undefined;
  }

  static async of(response) {
    return new Refusal(await reason(response), response.status, Number(response.headers.get("Retry-After")));
  }

  static ofRequest(request) {
    let body = {};
    try { body = JSON.parse(request.responseText); } catch { /* not JSON: the status says it */ }
    const message = body.detail ?? `status ${request.status}`;
    return new Refusal(message, request.status, Number(request.getResponseHeader("Retry-After")));
  }
}

/** Waits some seconds. */
export function pause(seconds) {
  return new Promise((resolve) => { setTimeout(resolve, seconds * 1000); });
}

/** The sentence of a problem+json body, or what the status says. */
export async function reason(response) {
  try {
    const problem = await response.json();
    return problem.detail ?? problem.title ?? `status ${response.status}`;
  } catch {
    return `status ${response.status}`;
  }
}

/** Sends one file with progress; resolves to the parsed body of a 2xx answer. */
export function sendFile(path, file, onProgress) {
  return new Promise((resolve, reject) => {
    const form = new FormData();
    form.append("file", file, file.name);
    const request = new XMLHttpRequest();
    request.open("POST", path);
    request.setRequestHeader("X-CSRF-Token", secret);
    request.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded, event.total);
    request.onerror = () => reject(new Refusal("the connection was lost"));
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) resolve(JSON.parse(request.responseText));
      else reject(Refusal.ofRequest(request));
    };
    request.send(form);
  });
}

/** The events of a streamed answer, as [name, data] pairs. */
export async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    buffer += value;
    let end;
    while ((end = buffer.indexOf("\n\n")) >= 0) {
      const lines = buffer.slice(0, end).split("\n");
      buffer = buffer.slice(end + 2);
      const name = lines.find((line) => line.startsWith("event:"))?.slice(6).trim();
      const data = lines.filter((line) => line.startsWith("data:")).map((line) => line.slice(5).trimStart()).join("\n");
      if (name) yield [name, data ? JSON.parse(data) : null];
    }
  }
}

/** Makes an element; text is text, never markup. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== null && value !== false) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}
