// The README's walk in a real browser; every step fails loudly. See scripts/walk.
const { chromium } = require("playwright-core");
const assert = require("node:assert");
const path = require("node:path");
const fs = require("node:fs");

const url = process.env.DOCENT_URL ?? "http://127.0.0.1:8080";
const name = process.env.DOCENT_NAME ?? "admin";
const password = process.env.DOCENT_PASSWORD;
if (!password) throw new Error("walk: set DOCENT_PASSWORD to the password that the first start printed");
const shots = process.env.SCREENSHOTS ?? "walk-screenshots";
const split = process.argv.indexOf("--");
const files = process.argv.slice(2, split).map((file) => path.resolve(file));
const questions = process.argv.slice(split + 1);
const PATIENCE = 300_000;
let step = 0;

async function main() {
  assert(split > 2 && questions.length > 0, "usage: scripts/walk FILE... -- QUESTION...");
  fs.mkdirSync(shots, { recursive: true });
  const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  const page = await browser.newPage({ viewport: { width: 1360, height: 900 } });
  const complaints = [];
  page.on("console", (message) => message.type() === "error" && !/\/(pages|citations)\/\d+\/image/.test(message.location().url) && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.setDefaultTimeout(PATIENCE);
  await signIn(page);
  const collection = await makeCollection(page);
  await upload(page, collection);
  for (const question of questions) await ask(page, question);
  await audit(page);
  await browser.close();
  assert.deepStrictEqual(complaints, [], "the browser complained");
  console.log(`walk: done, screenshots in ${shots}`);
}

async function shot(page, what) {
  step += 1;
  await page.screenshot({ path: path.join(shots, `${String(step).padStart(2, "0")}-${what}.png`), fullPage: true });
}

async function signIn(page) {
  await page.goto(url);
  await shot(page, "sign-in");
  await page.fill("input[name=name]", name);
  await page.fill("input[name=password]", password);
  await page.click("button[type=submit]");
  await page.waitForSelector("header.top");
}

async function makeCollection(page) {
  await page.goto(`${url}/collections`);
  await page.fill("#name", `Walk ${new Date().toISOString()}`);
  await page.click("text=Create");
  await page.waitForSelector("[data-upload]");
  return page.url();
}

async function upload(page, collection) {
  const began = Date.now();
  await page.setInputFiles("#files", files);
  await page.waitForSelector("[data-files] li");
  await page.waitForTimeout(1500);
  await shot(page, "uploading");
  await page.waitForFunction((count) => document.querySelectorAll("[data-files] .status.ready, [data-files] .status.failed").length === count, files.length);
  await shot(page, "uploaded");
  console.log(`walk: ${files.length} file(s) in after ${((Date.now() - began) / 1000).toFixed(1)} s`);
  await page.goto(collection);
  await shot(page, "documents");
  await page.click("tbody a");
  await page.waitForSelector("dl.facts");
  await shot(page, "document");
}

async function ask(page, question) {
  await page.goto(`${url}/ask`);
  await page.fill("#question", question);
  await page.click("form[data-ask] button[type=submit]");
  await page.waitForFunction(() => document.querySelector("[data-record]").textContent !== "" || !document.querySelector("[data-problem]").hidden);
  await shot(page, "answer");
  console.log(`walk: ${question}\n      ${await page.innerText("[data-answer]")}\n      ${await page.innerText("[data-stages]")}`);
  await openSource(page, ".answer .chip", "source");
}

async function openSource(page, chips, what) {
  const chip = page.locator(chips).first();
  if (await chip.count() === 0) return;
  await chip.click();
  await page.waitForFunction(() => {
    const image = document.querySelector(".page-image");
    return (image && image.complete && image.naturalWidth > 0) || document.querySelector(".view .sheet");
  });
  await shot(page, what);
}

async function audit(page) {
  await page.goto(`${url}/audit`);
  await shot(page, "audit");
  await page.click("tr:has-text('chat.intent') a");
  await page.waitForSelector("h1:has-text('Entry')");
  await shot(page, "record");
  await openSource(page, "button.chip", "cited");
}

main().catch((error) => { console.error(error); process.exit(1); });
