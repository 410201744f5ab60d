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
  for (const file of files) {
    const bar = element("progress", { max: 1, value: 0, "aria-label": `Progress of ${file.name}` });
    const state = element("span", { class: "status", role: "status" }, "Waiting");
    const name = element("span", {}, file.name);
    const item = element("li", {}, name, bar, state);
    list.append(item);
    waiting.push({ file, item, name, bar, state });
  }
  next();
}

async function next() {
  while (running < AT_ONCE && waiting.length > 0) {
    running += 1;
    const row = waiting.shift();
    upload(row).catch((error) => failed(row, error.message)).finally(() => { running -= 1; next(); });
  }
}

async function upload(row) {
  row.state.textContent = "Uploading";
  const answer = await sendFile(zone.dataset.upload, row.file, (sent, total) => { row.bar.max = total; row.bar.value = sent; });
  const accepted = answer.data?.[0];
  if (!accepted) throw new Error(answer.errors?.[0]?.detail ?? "the file was not taken");
  row.name.replaceChildren(element("a", { href: `/documents/${accepted.document_id}` }, row.file.name));
  if (accepted.existing && accepted.status.startsWith("ready")) return finished(row, "Already here");
  row.state.textContent = STAGES.queued;
  row.bar.removeAttribute("value");
  taken.push([row, accepted.job_id]);
  followNext();
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
    for (const end of ["failed", "stopped"]) {
      source.addEventListener(end, (event) => { source.close(); failed(row, show(event).error?.detail ?? end); resolve(); });
    }
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
