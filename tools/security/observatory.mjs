// node observatory.mjs PORT COOKIE PATH…  — Mozilla's Observatory code, on loopback, page by page.
import { pathToFileURL } from "node:url";
import { createRequire } from "node:module";
import fs from "node:fs";
import path from "node:path";

const [port, cookie, ...pages] = process.argv.slice(2);
const room = path.dirname(createRequire(path.join(process.cwd(), "x.js")).resolve("@mdn/mdn-http-observatory/package.json"));
// Which sites are preloaded is fetched when it is installed; offline nobody is, and that costs points.
const preload = path.join(room, "conf", "hsts-preload.json");
if (!fs.existsSync(preload)) fs.writeFileSync(preload, "{}");
const load = (file) => import(pathToFileURL(path.join(room, "src", file)));
const { retrieve } = await load("retriever/retriever.js");
const { ALL_TESTS } = await load("constants.js");
const { getGradeForScore, getScoreModifier } = await load("grader/grader.js");
const { MINIMUM_SCORE_FOR_EXTRA_CREDIT } = await load("grader/charts.js");

function judge(found) {
  const results = ALL_TESTS.map((test) => test(found));
  let plain = 100, extra = 100;
  for (const one of results) {
    one.points = one.result ? getScoreModifier(one.result) : 0;
    extra += one.points;
    plain += Math.min(one.points, 0);
  }
  const { grade, score } = getGradeForScore(plain >= MINIMUM_SCORE_FOR_EXTRA_CREDIT ? extra : plain);
  const tests = Object.fromEntries(results.map((one) => [one.constructor.name, [one.result, one.points, one.pass]]));
  return { score, grade, tests };
}

for (const page of pages) {
  const headers = ["Accept: text/html,application/xhtml+xml"];
  if (cookie) headers.push("Cookie: " + cookie);
  const found = await retrieve("localhost", { path: page, httpPort: port, httpsPort: port, headers });
  const alone = judge(found).score;
  // A page that sets no cookie gets no points for cookies, though the browser holds the panel's:
  // fetch them in the same session, as a visit does, and judge again.
  if (!found.session.jar.serializeSync().cookies.length) {
    await found.session.clientInstanceRecordingRedirects.get(new URL("/", found.session.url).href);
  }
  console.log(JSON.stringify({ page, status: found.responses.auto?.status, alone, ...judge(found) }));
}
