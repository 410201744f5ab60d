// Ask: sentences arrive checked; a citation opens the page with the quoted words highlighted.
import { call, element, events } from "./common.js";
import { openViewer } from "./viewer.js";

const STAGES = { admit: "recorded", retrieve: "searched", rerank: "checked access", prompt: "assembled the sources" };
const VERDICTS = { quoted: "quoted", supported: "supported", unsupported: "not found in the sources" };
const form = document.querySelector("[data-ask]");
const answer = document.querySelector("[data-answer]");
const stages = document.querySelector("[data-stages]");
const problem = document.querySelector("[data-problem]");
const sources = document.querySelector("[data-sources]");
const record = document.querySelector("[data-record]");
const send = form.querySelector("button[type=submit]");
const stop = form.querySelector("[data-stop]");
let running = null;

form.addEventListener("submit", (event) => { event.preventDefault(); ask(); });
stop.addEventListener("click", () => running?.abort());
form.question.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
});

async function ask() {
  if (running) return;
  const question = form.question.value.trim();
  if (!question) return form.question.focus();
  const collection_ids = [...form.querySelectorAll("input[name=collection]:checked")].map((box) => box.value);
  const document_ids = form.dataset.document ? [form.dataset.document] : [];
  clear();
  running = new AbortController();
  working(true);
  try {
    const json = { question, collection_ids, document_ids, stream: true };
    const response = await call("POST", "/api/v1/answers", { json, signal: running.signal });
    let ended = false;
    for await (const [name, data] of events(response)) {
      hear(name, data);
      ended = name === "done" || name === "error";
    }
    if (!ended) fail("The connection ended before the answer did. What was shown is recorded.");
  } catch (error) {
    fail(error.name === "AbortError" ? "Stopped. What was asked and shown so far is recorded." : error.message);
  } finally {
    running = null;
    working(false);
  }
}

function hear(name, data) {
  if (name === "accepted") stages.textContent = "Recorded. Searching …";
  else if (name === "stage") stages.textContent = `${STAGES[data.name] ?? data.name} (${data.ms} ms) …`;
  else if (name === "waiting") stages.textContent = data.position > 0 ? `Waiting: ${data.position} before this question, ${data.wait_ms < 1500 ? "a moment" : `about ${Math.round(data.wait_ms / 1000)} s`} …` : "The model is reading the sources …";
  else if (name === "sources") showSources(data.passages);
  else if (name === "sentence") showSentence(data);
  else if (name === "refusal") answer.append(element("p", { class: "refusal" }, data.text));
  else if (name === "done") done(data);
  else if (name === "error") fail(data.detail ?? data.title ?? "failed");
}

function showSources(passages) {
  const rows = passages.map((passage) => element("li", {},
    element("button", { type: "button", class: "chip", onclick: () => openViewer(place(passage)) }, `p. ${passage.page}`),
    ` ${passage.title}${passage.heading_path.length ? " · " + passage.heading_path.at(-1) : ""}`));
  sources.querySelector("ol").replaceChildren(...rows);
  sources.hidden = rows.length === 0;
}

function showSentence(sentence) {
  const chips = sentence.citations.map((citation) => element("button", {
    type: "button", class: "chip", title: citation.quote, "aria-expanded": "false",
    onclick: (event) => openViewer(place(citation), event.currentTarget),
  }, `${short(citation.title)}, p. ${citation.page}`));
  answer.append(element("span", { class: `sentence ${sentence.verdict}` }, sentence.text),
    ...chips, element("span", { class: `verdict ${sentence.verdict}` }, VERDICTS[sentence.verdict]), " ");
}

function done(whole) {
  const seconds = (whole.timings_ms.total / 1000).toFixed(1);
  stages.textContent = `${whole.outcome.replaceAll("_", " ")} in ${seconds} s by ${whole.model}`;
  record.replaceChildren("Recorded as entry ", element("code", {}, String(whole.receipt.leaf_index)), " of the audit log, answer ",
    element("code", {}, whole.id), ". ",
    element("a", { href: `/api/v1/answers/${whole.id}/receipt`, download: `${whole.id}.tlog-proof` }, "Receipt"),
    ": proves to anybody that it is in the log (docent-verify).");
}

function place(cited) {
  return { document: cited.document_id, version: cited.version, page: cited.page, span: cited.span, quote: cited.quote, title: cited.title };
}

function short(title) {
  return title.length > 24 ? `${title.slice(0, 23)}…` : title;
}

function clear() {
  answer.replaceChildren();
  record.replaceChildren();
  stages.textContent = "Asking …";
  problem.hidden = true;
  sources.hidden = true;
}

function working(yes) {
  send.disabled = yes;
  stop.hidden = !yes;
  answer.setAttribute("aria-busy", String(yes));
}

function fail(reason) {
  problem.textContent = reason;
  problem.hidden = false;
  stages.textContent = "";
}
