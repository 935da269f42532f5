// The page judges itself: what it finds is told at its top, and in full in the section #judge.
//
// What belongs here: reading what the page carries, and telling what was found. What does not: finding it (signature, standing, shown,
// criteria) and the sliders (sliders). Whatever goes wrong is told as such, and never as agreement.

const panel = (() => {
  const DECISIONS = { promote: "Promote", reject: "Reject", inconclusive: "Inconclusive", not_judged: "Not judged" };
  const WORDS = { pass: "pass", fail: "fail", inconclusive: "inconclusive", not_judged: "not judged" };
  const WAYS = {
    replicates: "the same replicates",
    components: "the areas' variances, from pairs of blocks",
    variances: "the areas' variances, which the evaluation took of rows",
    decisions: "counts of decisions",
  };
  const wayOf = (found) => WAYS[found.way] + (found.level === "merged" ? ", small blocks merged" : "");
  // The longest that a browser waits for.
  const LONGEST_WAIT = 2 ** 31 - 1;
  const at = (id) => document.getElementById(id);

  function make(tag, attributes, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  }

  const carried = (id) => at(id).textContent.trim();
  const bytesOf = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));

  // What was found as three lines: {tone: "good" | "bad" | "none", text}.
  function linesOf(sealed, seen, again, verdict) {
    const tones = { valid: "good", broken: "bad", unknown: "none", absent: "none" };
    const of = verdict.criteria.length;
    const lines = [{ tone: tones[sealed.state], text: sealed.text }];
    const edits = [];
    if (seen.differing.length) edits.push(`${seen.differing.length} of ${seen.count} figures that it shows are not the verdict's`);
    if (seen.missing.length) edits.push(`${seen.missing.length} figures that it has to show are missing or cannot be told from other text`);
    lines.push(
      edits.length
        ? { tone: "bad", text: `This page was edited: ${edits.join(", and ")}.` }
        : { tone: "good", text: `The ${seen.count} figures of criteria that this page shows are the verdict's.` },
    );
    const made = `This page recomputed ${again.made} of ${of} criteria`;
    const more = again.followed ? ` Of ${again.followed} more the status follows.` : "";
    if (!again.isSame) {
      const names = again.differing.map((outcome) => outcome.name).slice(0, 5).join(", ");
      const what = names ? `other figures or statuses for ${names}` : `the decision ${DECISIONS[again.decision]}, not ${DECISIONS[verdict.decision]}`;
      lines.push({ tone: "bad", text: `${made}: not the same verdict. It came to ${what}.` });
    } else if (again.made) {
      lines.push({ tone: "good", text: `${made}: same figures, same verdict (${DECISIONS[verdict.decision].toLowerCase()}).${more}` });
    } else {
      lines.push({ tone: "none", text: `${made}: no sums of them may be published.${more} The decision follows.` });
    }
    return lines;
  }

  function headOf(lines, sealed, stands) {
    const bad = lines.filter((line) => line.tone === "bad");
    if (bad.length) return { tone: "bad", text: `Do not rely on this page. ${bad.map((line) => line.text).join(" ")}` };
    const signed = sealed.state === "valid" ? `signed with ${sealed.fingerprint.slice(0, 19)}\u2026` : sealed.state === "absent" ? "not signed" : "signature not checked";
    const isGood = lines[2].tone === "good" && sealed.state === "valid" && stands.notes.every(({ tone }) => tone === "none");
    return { tone: isGood ? "good" : "none", text: lines[2].text, signed: `${signed[0].toUpperCase()}${signed.slice(1)}.`, isSigned: sealed.state === "valid" };
  }

  function tell(head, lines, took) {
    const line = at("judge-line");
    line.className = `judge-line ${head.tone}`;
    if (head.tone === "bad") line.setAttribute("role", "alert");
    line.replaceChildren(make("b", {}, head.tone === "bad" ? "Warning" : "Checked here"), ` ${head.text} `, make(head.isSigned ? "span" : "b", { class: "signed" }, head.signed || ""), " ", make("a", { href: "#judge" }, "How"));
    line.hidden = false;
    at("judge-found").replaceChildren(...lines.map(({ tone, text }) => make("li", { class: tone }, text)));
    at("judge-took").textContent = took;
  }

  function tellSignature(sealed, verdictHash) {
    const rows = [
      ["Verdict", verdictHash],
      ["Key", sealed.fingerprint || "none"],
      ["Said to be of", sealed.fingerprint ? sealed.principal || "nobody whom this project named when the page was published" : "nobody"],
    ];
    if (sealed.receipt) rows.push(["Judged", sealed.receipt.created_utc], ["Holds until", sealed.receipt.expires_utc]);
    at("judge-signature").replaceChildren(
      ...rows.map(([name, text]) => make("div", {}, make("dt", {}, name), make("dd", {}, make("code", { class: "hash" }, text)))),
    );
  }

  // What keeps the verdict from being acted upon, at the top; an expired one's next step is another than the one it was drawn with.
  function tellStanding(found) {
    const items = (notes) => notes.map(({ tone, title, text }) => make("li", { class: tone }, make("b", {}, `${title}.`), ` ${text}`));
    const grave = found.notes.filter(({ tone, isSaid }) => tone !== "none" && !isSaid);
    const list = at("judge-standing");
    list.replaceChildren(...items(grave));
    list.hidden = !grave.length;
    if (grave.some(({ tone }) => tone === "bad")) list.setAttribute("role", "alert");
    at("judge-standing-all").replaceChildren(...items(found.notes));
    const next = grave.map((note) => note.next).find(Boolean);
    if (!next) return;
    const [text, command] = [at("next").querySelector("span"), at("next").querySelector("code")];
    text.textContent = next.text;
    command.textContent = next.command;
  }

  // Tells it now, when the verdict expires while the page lies open, and when a reader comes back to it.
  function watchStanding(sealed, verdict, hash) {
    const look = () => {
      const found = standing.check(sealed, verdict, hash, Date.now());
      tellStanding(found);
      return found;
    };
    const wait = ({ until }) => {
      if (until) setTimeout(() => wait(look()), Math.min(until - Date.now() + 1000, LONGEST_WAIT));
    };
    document.addEventListener("visibilitychange", look);
    const found = look();
    wait(found);
    return found;
  }

  const shortly = (value) => (value === null || value === undefined ? "\u2013" : value.toFixed(5).replace("-", "\u2212"));
  const between = (interval) => (interval ? `${shortly(interval[0])} to ${shortly(interval[1])}` : "\u2013");

  // [class, words] of the status that a criterion came to.
  function statusOf(outcome, found) {
    if (!found.isSame) return ["fail", `${WORDS[found.status]}, verdict: ${WORDS[outcome.status]}: DIFFERS`];
    if (found.level === "not") return ["", `${WORDS[outcome.status]}, as in the verdict`];
    return [found.status, `${WORDS[found.status]}, ${found.level === "follows" ? "follows" : "same"}`];
  }

  function rowOf(outcome, found) {
    const name = outcome.name + (outcome.is_critical ? "" : " (not critical)");
    const [tone, status] = statusOf(outcome, found);
    const first = [make("th", { scope: "row" }, name), make("td", { class: tone }, status)];
    if (!found.figures) return make("tr", {}, ...first, make("td", { colspan: 3 }, `Not recomputed: ${found.why}.`));
    const own = outcome.interval && [outcome.interval.low, outcome.interval.high];
    const intervals = [own, found.figures.interval].map((interval) => make("td", { class: "n" }, between(interval)));
    return make("tr", {}, ...first, make("td", {}, wayOf(found)), ...intervals);
  }

  async function run() {
    const started = performance.now();
    if (!carried("judge-verdict")) throw new Error("its verdict is too large to be carried in it");
    const content = bytesOf(carried("judge-verdict"));
    const verdict = JSON.parse(new TextDecoder().decode(content));
    const evidence = JSON.parse(carried("judge-blocks"));
    const hash = [...new Uint8Array(await crypto.subtle.digest("SHA-256", content))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    const sealed = await signature.check(JSON.parse(carried("judge-seal")), content);
    const seen = shown.compare(document, verdict);
    const before = performance.now();
    const again = criteria.rejudge(verdict, evidence);
    const took = `${verdict.criteria.length} criteria were judged again in ${Math.round(performance.now() - before)} ms, all checks took ${Math.round(performance.now() - started)} ms.`;
    const lines = linesOf(sealed, seen, again, verdict);
    at("judge").hidden = false;
    const stands = watchStanding(sealed, verdict, hash);
    tell(headOf(lines, sealed, stands), lines, took);
    tellSignature(sealed, hash);
    for (const element of seen.differing) {
      element.classList.add("judge-edited");
      element.title = "Not the verdict's figure";
    }
    at("judge-said").textContent = verdict.reason;
    at("judge-criteria").replaceChildren(...verdict.criteria.map((outcome, place) => rowOf(outcome, again.outcomes[place])));
    sliders.draw(at("judge-whatif"), verdict, again, make);
    return { sealed, stands, seen: { count: seen.count, differing: seen.differing.length + seen.missing.length }, again };
  }

  // Runs when the page is read; a page that cannot judge itself says so.
  async function start() {
    try {
      return await run();
    } catch (error) {
      const line = at("judge-line");
      line.className = "judge-line bad";
      line.setAttribute("role", "alert");
      line.textContent = `This page could not judge itself: ${error.message || error}. Nothing was checked.`;
      line.hidden = false;
      return null;
    }
  }

  return { start };
})();

globalThis.judged = panel.start();
