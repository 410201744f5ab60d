// Files below chosen or dropped folders, each with its path; what is hidden and what is of a kind that is not taken is
// left out and counted.

/** Endings of the kinds of files that are taken; files chosen one by one are sent whatever they are called. */
const TAKEN = /\.(pdf|docx|xlsx|pptx|html?|xhtml|eml|md|markdown|txt|text)$/i;
/** Deeper folders are a mistake. */
const MAX_DEPTH = 64;
/** More files are for `docent ingest`. */
const MAX_FILES = 5000;

/** What was found: `files` as [file, path] pairs, and how many were left out and why. */
export class Found {
  files = [];
  hidden = 0;
  unsupported = 0;
  beyond = 0;

  /** Takes a file that was chosen by itself. */
  take(file) {
    this.files.push([file, file.name]);
  }

  /** Takes a file of a folder, or counts it as left out. */
  takeBelow(file, path) {
    if (path.split("/").some((name) => name.startsWith("."))) this.hidden += 1;
    else if (!TAKEN.test(path)) this.unsupported += 1;
    else if (this.files.length >= MAX_FILES) this.beyond += 1;
    else this.files.push([file, path]);
  }

  /** What was left out, as a sentence; empty when nothing was. */
  leftOut() {
    const parts = [];
    if (this.hidden > 0) parts.push(`${this.hidden} hidden`);
    if (this.unsupported > 0) parts.push(`${this.unsupported} of a kind that is not taken`);
    if (this.beyond > 0) parts.push(`${this.beyond} beyond the first ${MAX_FILES}`);
    return parts.length > 0 ? `Left out: ${parts.join(", ")}.` : "";
  }
}

/** The files of an input, whether it chooses files or a folder. */
export function ofInput(files) {
  const found = new Found();
  for (const file of files) {
    if (file.webkitRelativePath) found.takeBelow(file, file.webkitRelativePath);
    else found.take(file);
  }
  return found;
}

/** What was dropped, folders with all that is below them. */
export async function ofDrop(transfer) {
  const found = new Found();
  // All at once: after the first wait the browser has forgotten what was dropped.
  const items = [...transfer.items].filter((item) => item.kind === "file");
  const dropped = items.map((item) => [item.webkitGetAsEntry?.(), item.getAsFile()]);
  for (const [entry, file] of dropped) {
    if (entry?.isDirectory) await below(entry, "", 0, found);
    else if (file) found.take(file);
  }
  return found;
}

async function below(folder, before, depth, found) {
  if (depth >= MAX_DEPTH) return;
  const reader = folder.createReader();
  for (;;) {
    // Some hundred at a time, and none at the end.
    const entries = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (entries.length === 0) return;
    for (const entry of entries) {
      const path = `${before}${folder.name}/${entry.name}`;
      if (entry.isDirectory) {
        if (entry.name.startsWith(".")) found.hidden += 1;
        else await below(entry, `${before}${folder.name}/`, depth + 1, found);
      } else {
        const file = await new Promise((resolve) => entry.file(resolve, () => resolve(null)));
        if (file) found.takeBelow(file, path);
      }
    }
  }
}
