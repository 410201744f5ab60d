// Documents: delete with a question before it; a document on its way in is followed until it is there.
import { call } from "./common.js";
import { openViewer } from "./viewer.js";

for (const button of document.querySelectorAll("[data-delete]")) {
  button.addEventListener("click", async () => {
    if (!confirm(`Delete “${button.dataset.title}”? Its file, text and vectors are erased; the audit record remains.`)) return;
    button.disabled = true;
    try {
      await call("DELETE", `/api/v1/documents/${button.dataset.delete}`);
      location.assign(button.dataset.then);
    } catch (error) {
      button.disabled = false;
      const problem = document.querySelector("[data-problem]");
      problem.textContent = error.message;
      problem.hidden = false;
    }
  });
}

const following = document.querySelector("[data-job]");
if (following) {
  const source = new EventSource(`/api/v1/jobs/${following.dataset.job}/events`);
  source.addEventListener("progress", (event) => {
    const job = JSON.parse(event.data);
    following.querySelector("[data-stage]").textContent = job.total > 0 ? `${job.stage} ${job.done} of ${job.total}` : job.stage;
    const bar = following.querySelector("progress");
    if (job.total > 0) { bar.max = job.total; bar.value = job.done; } else bar.removeAttribute("value");
  });
  for (const end of ["done", "failed", "stopped"]) source.addEventListener(end, () => { source.close(); location.reload(); });
}

const search = document.querySelector("[data-clause]");
search?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const problem = document.querySelector("[data-no-clause]");
  const address = search.elements.address.value.trim();
  try {
    const path = `/api/v1/documents/${search.dataset.clause}/clauses/${encodeURIComponent(address)}?version=${search.dataset.version}`;
    const clause = await (await call("GET", path)).json();
    const { document_id: id, version, page, span } = clause;
    problem.hidden = true;
    openViewer({ document: id, version, page, span, title: clause.address ?? address }, search.elements.address);
  } catch (error) {
    problem.textContent = error.message;
    problem.hidden = false;
  }
});

const page = document.querySelector("[data-place]");
if (page) openViewer(JSON.parse(page.dataset.place), null);
