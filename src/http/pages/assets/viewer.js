// The page of a source with the quoted words highlighted: its image, or its view where the format has no images.
import { call, element } from "./common.js";

const layout = document.querySelector("[data-viewer-layout]");
const viewer = document.querySelector("[data-viewer]");
let opener = null;
let shown = null;
/** Versions of documents whose pages have no images. */
const unpainted = new Set();

viewer.querySelector("[data-close]").addEventListener("click", close);
viewer.querySelector("[data-back]").addEventListener("click", () => turn(-1));
viewer.querySelector("[data-forth]").addEventListener("click", () => turn(1));
document.addEventListener("keydown", (event) => { if (event.key === "Escape" && !viewer.hidden) close(); });

for (const button of document.querySelectorAll("[data-shows]")) {
  button.addEventListener("click", () => openViewer(JSON.parse(button.dataset.shows), button));
}

/**
 * Opens a place: {document, version, page, section, span, quote, title}; the button that opened it gets the focus back.
 * With `evidence`, the path of a recorded citation, it is that one page and no other.
 */
export function openViewer(place, button = document.activeElement) {
  opener?.setAttribute?.("aria-expanded", "false");
  opener = button;
  opener?.setAttribute?.("aria-expanded", "true");
  viewer.hidden = false;
  layout?.classList.add("open");
  show(place);
  viewer.querySelector("h2").focus();
}

function close() {
  viewer.hidden = true;
  layout?.classList.remove("open");
  opener?.setAttribute?.("aria-expanded", "false");
  opener?.focus?.();
}

/** One section on or back, or one page where the page has no more of them. */
function turn(by) {
  if (!shown) return;
  const view = viewer.querySelector("[data-sections]");
  const section = Number(view?.dataset.section) + by;
  if (section >= 1 && section <= Number(view?.dataset.sections)) show({ ...shown, section });
  else if (shown.page + by >= 1 && !shown.evidence) show({ ...shown, page: shown.page + by, section: undefined });
}

async function show(place) {
  const before = shown;
  shown = place;
  viewer.querySelector("h2").textContent = `${place.title}, page ${place.page}`;
  const quote = viewer.querySelector("blockquote");
  quote.textContent = place.quote ?? "";
  quote.hidden = !place.quote;
  const open = viewer.querySelector("[data-open]");
  open.href = `/documents/${place.document}?page=${place.page}`;
  for (const way of [open, viewer.querySelector("[data-back]"), viewer.querySelector("[data-forth]")]) way.hidden = Boolean(place.evidence);
  const stage = viewer.querySelector("[data-page]");
  const at = place.evidence ?? `/api/v1/documents/${place.document}/pages/${place.page}`;
  const query = place.evidence ? "" : `version=${place.version}&highlight=${place.span[0]}-${place.span[1]}`;
  const of = `${place.document} ${place.version}`;
  if (unpainted.has(of)) return showView(stage, `${at}/view?${query}`, place, before);
  const image = element("img", { class: "page-image", alt: `Page ${place.page} of ${place.title}, the quoted words highlighted`, src: `${at}/image?${query}` });
  image.addEventListener("error", async () => {
    if (await showView(stage, `${at}/view?${query}`, place, before) && !stage.querySelector("[data-image]")) unpainted.add(of);
  });
  stage.replaceChildren(image);
}

/** Shows the page as it reads; says whether it did. */
async function showView(stage, path, place, before) {
  try {
    const section = place.section ? `&section=${place.section}` : "";
    const html = await (await call("GET", path + section)).text();
    if (shown !== place) return true;
    stage.replaceChildren(...new DOMParser().parseFromString(html, "text/html").body.childNodes);
    for (const link of stage.querySelectorAll("a[data-section]")) {
      link.addEventListener("click", (event) => {
        event.preventDefault();
        show({ ...shown, section: Number(link.dataset.section) });
      });
    }
    const sheet = stage.querySelector(".sheet");
    sheet.tabIndex = 0;
    const mark = sheet.querySelector("mark");
    if (mark) mark.scrollIntoView({ block: "center" });
    else sheet.scrollTop = 0;
    return true;
  } catch (error) {
    if (!place.evidence && before && before.page !== place.page && before.document === place.document) show(before);
    else stage.replaceChildren(element("p", { class: "error" }, error.message));
    return false;
  }
}
