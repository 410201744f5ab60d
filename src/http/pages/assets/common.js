// What every page needs: calls that carry the session's secret, problems as sentences, server-sent events over POST.

const secret = document.querySelector('meta[name="csrf"]')?.content ?? "";

/** Calls the API with the session; a failure becomes an Error whose message is the problem's detail. */
export async function call(method, path, { json, signal } = {}) {
  const headers = { "X-CSRF-Token": secret };
  if (json !== undefined) headers["Content-Type"] = "application/json";
  const body = json === undefined ? undefined : JSON.stringify(json);
  const response = await fetch(path, { method, headers, body, signal });
  if (!response.ok) throw new Error(await reason(response));
  return response;
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
    request.onerror = () => reject(new Error("the connection was lost"));
    request.onload = () => {
      let body = {};
      try { body = JSON.parse(request.responseText); } catch { /* not JSON: the status says it */ }
      if (request.status >= 200 && request.status < 300) resolve(body);
      else reject(new Error(body.detail ?? `status ${request.status}`));
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
