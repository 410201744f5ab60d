// Large files in pieces, by the tus protocol 1.0.0: goes on after a lost connection, and after a reload of the page when
// the same file is chosen again.
import { pause, Refusal, secret } from "./common.js";

/** Files above this go in pieces. */
export const LARGE = 8 * 1024 * 1024;
const PIECE = 8 * 1024 * 1024;
/** Failures in a row before a file is given up: some ten minutes. */
const TRIES = 20;
const LONGEST_PAUSE = 60;
const HEADERS = { "Tus-Resumable": "1.0.0", "X-CSRF-Token": secret };

/** Sends a file into a collection with progress; resolves to what a form's answer would be: `{data, errors}`. */
export async function sendLarge(collection, file, onProgress, onWait) {
  const memory = `docent-upload:${collection}:${file.name}:${file.size}:${file.lastModified}`;
  let place = recall(memory);
  let offset = place ? undefined : 0;
  for (let failures = 0; ;) {
    try {
      if (!place) {
        place = await begin(collection, file);
        remember(memory, place);
        offset = 0;
      }
      offset ??= await whereItIs(place);
      onProgress(offset, file.size);
      const from = offset;
      offset = await sendPiece(place, file.slice(from, from + PIECE), from, (sent) => onProgress(from + sent, file.size));
      failures = 0;
      if (offset < file.size) continue;
      const view = await outcome(place);
      forget(memory);
      return view;
    } catch (error) {
      if (error.status === 404 && place) {
        // It expired, or another user of this browser began it.
        forget(memory);
        place = null;
        failures += 1;
        if (failures < TRIES) continue;
      }
      const passing = error.status === undefined || [408, 409, 423, 429, 460].includes(error.status) || error.status >= 500;
      failures += 1;
      if (!passing) forget(memory);
      if (!passing || failures >= TRIES) throw error;
      const seconds = Math.min(error.retryAfter ?? 2 ** Math.min(failures, 5), LONGEST_PAUSE);
      onWait(seconds);
      await pause(seconds);
      offset = undefined;
    }
  }
}

async function begin(collection, file) {
  const metadata = `filename ${base64(file.name)},collection_id ${base64(collection)}`;
  const headers = { ...HEADERS, "Upload-Length": String(file.size), "Upload-Metadata": metadata };
  const response = await fetch("/api/v1/uploads", { method: "POST", headers });
  if (!response.ok) throw await Refusal.of(response);
  return response.headers.get("Location");
}

async function whereItIs(place) {
  const response = await fetch(place, { method: "HEAD", headers: HEADERS, cache: "no-store" });
  if (!response.ok) throw await Refusal.of(response);
  return Number(response.headers.get("Upload-Offset"));
}

/** Resolves to where the next piece begins. An empty one at the end asks what became of the file. */
function sendPiece(place, piece, offset, onSent) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("PATCH", place);
    for (const [name, value] of Object.entries(HEADERS)) request.setRequestHeader(name, value);
    request.setRequestHeader("Content-Type", "application/offset+octet-stream");
    request.setRequestHeader("Upload-Offset", String(offset));
    request.upload.onprogress = (event) => onSent(event.loaded);
    request.onerror = () => reject(new Refusal("the connection was lost"));
    request.onload = () => {
      if (request.status === 204) resolve(Number(request.getResponseHeader("Upload-Offset")));
      else reject(Refusal.ofRequest(request));
    };
    request.send(piece);
  });
}

async function outcome(place) {
  const response = await fetch(place, { headers: { "X-CSRF-Token": secret }, cache: "no-store" });
  if (!response.ok) throw await Refusal.of(response);
  return response.json();
}

function base64(text) {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

// A browser that keeps nothing for us only loses the way back after a reload.
function recall(memory) {
  try { return localStorage.getItem(memory); } catch { return null; }
}

function remember(memory, place) {
  try { localStorage.setItem(memory, place); } catch { /* see above */ }
}

function forget(memory) {
  try { localStorage.removeItem(memory); } catch { /* see above */ }
}
