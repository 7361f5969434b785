// Opens pages in Chromium as people see them, and prints as JSON what went wrong in each.
//
// Standard input: {"modules", "chromium", "base", "pages": [path], "shots": folder or null}.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const plan = JSON.parse(readFileSync(0, "utf8"));
const require = createRequire(join(plan.modules, "node_modules/"));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const VIEWS = [
  { name: "light", colorScheme: "light", viewport: { width: 1200, height: 900 } },
  { name: "dark", colorScheme: "dark", viewport: { width: 1200, height: 900 } },
  { name: "phone", colorScheme: "light", viewport: { width: 390, height: 844 } },
  { name: "phone-dark", colorScheme: "dark", viewport: { width: 390, height: 844 } },
];
// WCAG AA of all versions, and what axe calls best practice.
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

async function look(browser, view, path) {
  const context = await browser.newContext(view);
  const page = await context.newPage();
  const seen = { path, view: view.name, errors: [], outside: [], bytes: 0 };
  page.on("console", (message) => seen.errors.push(message.text()));
  page.on("pageerror", (error) => seen.errors.push(String(error)));
  page.on("requestfailed", (request) => seen.errors.push(`no answer: ${request.url()}`));
  page.on("request", (request) => {
    if (!request.url().startsWith(plan.base)) seen.outside.push(request.url());
  });
  page.on("response", async (response) => {
    if (!response.ok()) seen.errors.push(`${response.status()} ${response.url()}`);
  });
  const bodies = [];
  page.on("requestfinished", (request) => bodies.push(request.response().then((r) => r.body())));
  await page.goto(plan.base + path, { waitUntil: "load" });
  seen.bytes = (await Promise.all(bodies)).reduce((sum, body) => sum + body.length, 0);
  const root = "document.scrollingElement";
  seen.overflow = await page.evaluate(`${root}.scrollWidth - ${root}.clientWidth`);
  seen.styled = await page.evaluate("getComputedStyle(document.body).maxWidth !== 'none'");
  if (plan.shots) {
    const name = `${path.replaceAll("/", "_")}-${view.name}.png`;
    await page.screenshot({ path: join(plan.shots, name), fullPage: true });
  }
  await page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })");
  await page.evaluate(axe); // by the debugger, which a page's policy does not stop
  const found = await page.evaluate((values) => window.axe.run({ preload: false, runOnly: { type: "tag", values } }), TAGS);
  seen.axe = found.violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.length} x ${v.nodes[0].html}`);
  seen.rules = found.passes.length;
  await context.close();
  return seen;
}

const browser = await chromium.launch({
  executablePath: plan.chromium,
  args: ["--no-sandbox"], // needs rights that root in a container lacks; the pages are ours
});
const seen = [];
for (const view of VIEWS) for (const path of plan.pages) seen.push(await look(browser, view, path));
await browser.close();
console.log(JSON.stringify(seen));
