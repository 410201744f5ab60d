// Drag and drop, many files, progress by stage, failures with reasons.
import { element, sendFile } from "./common.js";

const STAGES = { queued: "Waiting", read: "Reading", recognise: "Recognising pages", chunk: "Splitting", embed: "Embedding", index: "Indexing", done: "Ready" };
const AT_ONCE = 2;
/** Event streams at once: a browser opens six connections to one place and keeps some for the page. */
const FOLLOWED = 2;
const zone = document.querySelector("[data-upload]");
const list = document.querySelector("[data-files]");
const input = zone.querySelector("input[type=file]");
const waiting = [];
const taken = [];
let running = 0;
let followed = 0;

input.addEventListener("change", () => { add(input.files); input.value = ""; });
for (const name of ["dragenter", "dragover"]) {
  zone.addEventListener(name, (event) => { event.preventDefault(); zone.classList.add("over"); });
}
for (const name of ["dragleave", "drop"]) {
  zone.addEventListener(name, (event) => { event.preventDefault(); zone.classList.remove("over"); });
}
zone.addEventListener("drop", (event) => add(event.dataTransfer.files));

function add(files) {
  for (const file of files) waiting.push({ file, ...row(file.name, "Waiting") });
  next();
}

/** A line of the list, below the one it came out of. */
function row(text, status, after) {
  const bar = element("progress", { max: 1, value: 0, "aria-label": `Progress of ${text}` });
  const state = element("span", { class: "status", role: "status" }, status);
  const name = element("span", {}, text);
  const item = element("li", {}, name, bar, state);
  if (after) after.after(item); else list.append(item);
  return { item, name, bar, state };
}

async function next() {
  while (running < AT_ONCE && waiting.length > 0) {
    running += 1;
    const sent = waiting.shift();
    upload(sent).catch((error) => failed(sent, error.message)).finally(() => { running -= 1; next(); });
  }
}

async function upload(row) {
  row.state.textContent = "Uploading";
  const answer = await sendFile(zone.dataset.upload, row.file, (sent, total) => { row.bar.max = total; row.bar.value = sent; });
  const [data, errors] = [answer.data ?? [], answer.errors ?? []];
  if (data.length === 0) throw new Error(errors[0]?.detail ?? "the file was not taken");
  const alone = data.length + errors.length === 1;
  if (alone) accepted(row, data[0]); else unpacked(row, data, errors);
  followNext();
}

/** The files of an archive, each on a line of its own. */
function unpacked(archive, data, errors) {
  finished(archive, errors.length === 0 ? `${data.length} documents` : `${data.length} documents, ${errors.length} files refused`);
  let last = archive.item;
  const below = (name) => { const line = row(name, "", last); last = line.item; return line; };
  for (const one of data) accepted(below(one.file_name), one);
  for (const one of errors) failed(below(one.file_name ?? "A file"), one.detail);
}

function accepted(row, one) {
  const name = row.name.textContent;
  row.name.replaceChildren(element("a", { href: `/documents/${one.document_id}` }, name));
  if (one.existing && one.status.startsWith("ready")) return finished(row, "Already here");
  row.state.textContent = STAGES.queued;
  row.bar.removeAttribute("value");
  taken.push([row, one.job_id]);
}

/** Uploads do not wait for this: what was sent is the service's, also when this page closes. */
function followNext() {
  while (followed < FOLLOWED && taken.length > 0) {
    followed += 1;
    follow(...taken.shift()).finally(() => { followed -= 1; followNext(); });
  }
}

function follow(row, job) {
  return new Promise((resolve) => {
    const source = new EventSource(`/api/v1/jobs/${job}/events`);
    const show = (event) => {
      const now = JSON.parse(event.data);
      row.state.textContent = now.state === "ready" && now.attempts > 0 ? `Again soon (attempt ${now.attempts + 1})` : STAGES[now.stage] ?? now.stage;
      if (now.total > 0) { row.bar.max = now.total; row.bar.value = now.done; } else row.bar.removeAttribute("value");
      return now;
    };
    source.addEventListener("progress", show);
    source.addEventListener("done", () => { source.close(); finished(row, "Ready"); resolve(); });
    source.addEventListener("error", (event) => {
      if (!event.data && source.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
      source.close();
      row.state.textContent = "Uploaded; reload to see its progress";
      resolve();
    });
    source.addEventListener("failed", (event) => { source.close(); failed(row, show(event).error?.detail ?? "failed"); resolve(); });
  });
}

function finished(row, text) {
  row.bar.max = 1;
  row.bar.value = 1;
  row.state.textContent = text;
  row.state.classList.add("ready");
}

function failed(row, reason) {
  row.bar.value = 0;
  row.state.textContent = "Failed";
  row.state.classList.add("failed");
  row.item.append(element("span", { class: "reason error" }, reason));
}

addEventListener("beforeunload", (event) => { if (running > 0 || waiting.length > 0) event.preventDefault(); });
