// Drag and drop, many files and folders, progress by stage, failures with reasons.
import { element, pause, sendFile } from "./common.js";
import { ofDrop, ofInput } from "./folders.js";
import { LARGE, sendLarge } from "./pieces.js";

const STAGES = { queued: "Waiting", read: "Reading", recognise: "Recognising pages", chunk: "Splitting", embed: "Embedding", index: "Indexing", done: "Ready" };
const AT_ONCE = 2;
/** Event streams at once: a browser opens six connections to one place and keeps some for the page. */
const FOLLOWED = 2;
const zone = document.querySelector("[data-upload]");
const list = document.querySelector("[data-files]");
const leftOut = document.querySelector("[data-left-out]");
/** A service that is busy is asked again so often, as politely as it says. */
const PATIENCE = 60;
const LONGEST_PAUSE = 60;
const waiting = [];
const taken = [];
let running = 0;
let followed = 0;

for (const input of zone.querySelectorAll("input[type=file]")) {
  input.addEventListener("change", () => { add(ofInput(input.files)); input.value = ""; });
}
for (const name of ["dragenter", "dragover"]) {
  zone.addEventListener(name, (event) => { event.preventDefault(); zone.classList.add("over"); });
}
for (const name of ["dragleave", "drop"]) {
  zone.addEventListener(name, (event) => { event.preventDefault(); zone.classList.remove("over"); });
}
zone.addEventListener("drop", async (event) => add(await ofDrop(event.dataTransfer)));

function add(found) {
  leftOut.textContent = found.leftOut();
  for (const [file, path] of found.files) waiting.push({ file, ...row(path, "Waiting") });
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
  const answer = await send(row);
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

/** Sends a file, and again where the service only says that it is busy. */
async function send(row) {
  const sent = (bytes, total) => { row.state.textContent = "Uploading"; row.bar.max = total; row.bar.value = bytes; };
  const waits = (seconds) => { row.state.textContent = `Again in ${Math.ceil(seconds)} s`; };
  sent(0, 1);
  if (row.file.size > LARGE) return sendLarge(zone.dataset.collection, row.file, sent, waits);
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await sendFile(zone.dataset.upload, row.file, sent);
    } catch (error) {
      if (![429, 503].includes(error.status) || attempt >= PATIENCE) throw error;
      const seconds = Math.min(error.retryAfter ?? 2 ** Math.min(attempt, 5), LONGEST_PAUSE);
      waits(seconds);
      await pause(seconds);
    }
  }
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
      row.state.textContent = said(now);
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

function said(job) {
  if (job.state === "ready" && job.attempts > 0) return `Again soon (attempt ${job.attempts + 1})`;
  if (job.state === "ready" && job.stage === "embed") return "Found by its words; waits to be embedded";
  if (job.state === "ready" && job.stage === "recognise") return "Waits for its pages to be recognised";
  return STAGES[job.stage] ?? job.stage;
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
