// The list of jobs: how far those under way are; when one begins or ends, the page is asked for anew.
import { call } from "./common.js";

const EVERY_MS = 3000;
const MOST = 200;
const shown = new Map([...document.querySelectorAll("[data-running]")].map((row) => [row.dataset.running, row]));
const waiting = new Set([...document.querySelectorAll("[data-waiting]")].map((row) => row.dataset.waiting));

async function jobs(state) {
  const { data } = await (await call("GET", `/api/v1/jobs?state=${state}&limit=${MOST}`)).json();
  return new Map(data.map((job) => [job.id, job]));
}

async function look() {
  const [running, ready] = await Promise.all(["running", "ready"].map(jobs));
  const went = (ids, where) => [...ids].some((id) => !where.has(id));
  // What is not among the first 200 that wait may still wait.
  const left = ready.size < MOST ? went(waiting, ready) : [...waiting].some((id) => running.has(id));
  if (went(shown.keys(), running) || left) return location.reload();
  for (const [id, row] of shown) {
    const job = running.get(id);
    row.querySelector("[data-stage]").textContent = job.total > 0 ? `${job.stage} ${job.done} of ${job.total}` : job.stage;
    const bar = row.querySelector("progress");
    if (job.total > 0) { bar.max = job.total; bar.value = job.done; } else bar.removeAttribute("value");
  }
}

// Other lists are pictures of their moment.
if (document.querySelector("[data-live]") && (shown.size > 0 || waiting.size > 0)) {
  setInterval(() => { if (!document.hidden) look().catch(() => {}); }, EVERY_MS);
}
