// The page of a source with the quoted words highlighted; text where the format has no page images.
import { call, element } from "./common.js";

const layout = document.querySelector("[data-viewer-layout]");
const viewer = document.querySelector("[data-viewer]");
let opener = null;
let shown = null;

viewer.querySelector("[data-close]").addEventListener("click", close);
viewer.querySelector("[data-back]").addEventListener("click", () => turn(-1));
viewer.querySelector("[data-forth]").addEventListener("click", () => turn(1));
document.addEventListener("keydown", (event) => { if (event.key === "Escape" && !viewer.hidden) close(); });

/** Opens a place: {document, version, page, span, quote, title}; the button that opened it gets the focus back. */
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

function turn(by) {
  if (shown && shown.page + by >= 1) show({ ...shown, page: shown.page + by });
}

async function show(place) {
  const before = shown;
  shown = place;
  viewer.querySelector("h2").textContent = `${place.title}, page ${place.page}`;
  const quote = viewer.querySelector("blockquote");
  quote.textContent = place.quote ?? "";
  quote.hidden = !place.quote;
  viewer.querySelector("[data-open]").href = `/documents/${place.document}?page=${place.page}`;
  const stage = viewer.querySelector("[data-page]");
  const at = `/api/v1/documents/${place.document}/pages/${place.page}`;
  const query = `version=${place.version}&highlight=${place.span[0]}-${place.span[1]}`;
  const image = element("img", { class: "page-image", alt: `Page ${place.page} of ${place.title}, the quoted words highlighted`, src: `${at}/image?${query}` });
  image.addEventListener("error", () => showText(stage, at, place, before));
  stage.replaceChildren(image);
}

async function showText(stage, at, place, before) {
  try {
    const page = await (await call("GET", `${at}?version=${place.version}`)).json();
    const characters = [...page.text];
    const [from, to] = place.span.map((position) => Math.min(Math.max(position - page.span[0], 0), characters.length));
    const mark = element("mark", {}, characters.slice(from, to).join(""));
    stage.replaceChildren(element("pre", { class: "page-text", tabindex: "0" },
      characters.slice(0, from).join(""), mark, characters.slice(to).join("")));
    mark.scrollIntoView({ block: "center" });
  } catch (error) {
    if (before && before.page !== place.page && before.document === place.document) show(before);
    else stage.replaceChildren(element("p", { class: "error" }, error.message));
  }
}
